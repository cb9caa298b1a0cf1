"""What tests do on the node's cluster: kubectl and helm as people type them, and pods watched."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.chart import tools
from tests.integration.node import images
from tests.integration.node.layout import (
    OPEN_REGISTRY,
    PASSWORD,
    PRIVATE_REGISTRY,
    ROOT,
    USER,
)
from tests.integration.node.node import Node

Json = dict[str, Any]
PATIENCE = 240.0  # a kubelet that could not mount a volume may wait two minutes for its next try
BOX = f"{OPEN_REGISTRY}/box:1"


class Cluster:
    """A cluster of one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(node.layout.folder),
            "KUBECONFIG": str(node.layout.kubeconfig),
        }

    def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> str:
        """Run kubectl as administrator; give both of its streams."""
        return self._run("kubectl", *words, stdin=stdin, check=check)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a kubectl that goes on; end it."""
        return subprocess.Popen(
            [str(tools.program("kubectl")), *words], stdin=subprocess.PIPE, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self._environ,
        )  # fmt: skip

    def terminal(self, *words: str, typed: str, until: str) -> str:
        """Run kubectl at a terminal: type, and give all that is shown, up to what is waited for."""
        ours, theirs = pty.openpty()
        command = [str(tools.program("kubectl")), *words]
        running = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=self._environ
        )
        os.close(theirs)
        shown, end = "", time.monotonic() + PATIENCE
        try:
            while until not in shown and time.monotonic() < end:
                if select.select([ours], [], [], 1.0)[0]:
                    shown += os.read(ours, 4096).decode(errors="replace")
                elif "$" in shown or "#" in shown or not shown:
                    os.write(ours, typed.encode())  # a prompt waits, or none was shown yet
        finally:
            running.kill()
            running.wait()
            os.close(ours)
        return shown

    def helm(self, *words: str) -> str:
        """Run helm as administrator; give both of its streams."""
        return self._run("helm", *words)

    def make_pull_secret(self, namespace: str, name: str) -> None:
        """Make a pull secret of the registry that wants a password."""
        self.kubectl(
            "-n", namespace, "create", "secret", "docker-registry", name,
            f"--docker-server={PRIVATE_REGISTRY}", f"--docker-username={USER}",
            f"--docker-password={PASSWORD}",
        )  # fmt: skip

    def upgrade(self, *settings: str) -> None:
        """Change the installation's values, and wait for its pods."""
        self.upgrade_without_pods(*settings)
        self.rolled_out()

    def upgrade_without_pods(self, *settings: str) -> None:
        """Change the installation's values to some that have no webhook."""
        options = [word for each in settings for word in ("--set", each)]
        where = ("-n", "initshim", "-f", str(images.values_file(self.node.layout)))
        self.helm("upgrade", "initshim", str(ROOT / "charts/initshim"), *where, *options)

    def rolled_out(self) -> None:
        """Wait until the webhook's pods are the new ones, ready, and the old ones have drained."""
        self.kubectl("-n", "initshim", "rollout", "status", "deployment/initshim", "--timeout=180s")
        self.until(
            lambda: all(
                "deletionTimestamp" not in each["metadata"] for each in self.pods("initshim")
            )
        )

    def initshim(self, *words: str) -> str:
        """Run this checkout's command line as administrator, whatever its exit code."""
        program = "from webhook.cli.main import app; app()"
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=ROOT,
            env=self._environ, timeout=300, check=False,
        )  # fmt: skip
        return done.stdout

    def install(self, values: Path, *settings: str) -> None:
        """Install as README has it, unless it is installed; wait for both replicas."""
        if "initshim" not in self._run("helm", "list", "-n", "initshim", "-q"):
            chart = str(ROOT / "charts/initshim")
            where = ("-n", "initshim", "--create-namespace", "-f", str(values))
            options = [word for each in settings for word in ("--set", each)]
            self._run("helm", "install", "initshim", chart, *where, *options)
        self.rolled_out()

    def namespace(self, name: str, **labels: str) -> Iterator[str]:
        """Make a namespace, and delete it with all that is in it."""
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        }
        self.apply(body)
        self.until(lambda: "default" in self.kubectl("-n", name, "get", "serviceaccounts"))
        yield name
        self.kubectl("delete", "namespace", name, "--wait=false")
        self.kubectl("-n", name, "delete", "pods", "--all", "--force", "--grace-period=0")

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(listed))

    def run(self, namespace: str, name: str, *command: str, **spec: Any) -> None:
        """Create a bare pod of one container; `container` and the rest are more of its fields."""
        container = {
            "name": "app",
            "image": BOX,
            "command": list(command),
            **spec.pop("container", {}),
        }
        if not command:
            del container["command"]
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"containers": [container], **spec},
            }
        )

    def pods(self, namespace: str) -> list[Json]:
        """List a namespace's pods."""
        found: list[Json] = json.loads(self.kubectl("-n", namespace, "get", "pods", "-o", "json"))[
            "items"
        ]
        return found

    def pod(self, namespace: str, name: str) -> Json:
        """Give one pod."""
        found: Json = json.loads(self.kubectl("-n", namespace, "get", "pod", name, "-o", "json"))
        return found

    def running(self, namespace: str, name: str) -> Json:
        """Wait until a pod's containers run."""
        ready = ("-n", namespace, "wait", f"pod/{name}", "--for=condition=Ready", "--timeout=120s")
        self.kubectl(*ready)
        return self.pod(namespace, name)

    def ended(self, namespace: str, name: str) -> Json:
        """Wait until a pod's one container has ended, and give its last state."""
        state: Json = {}

        def over() -> bool:
            statuses = self.pod(namespace, name)["status"].get("containerStatuses") or [{}]
            status = statuses[0]
            ends = (status.get("state") or {}, status.get("lastState") or {})
            state.update(next((each["terminated"] for each in ends if "terminated" in each), {}))
            return bool(state)

        self.until(over)
        return state

    def waits(self, namespace: str, name: str) -> str:
        """Say what keeps a pod's one container from starting; nothing where nothing does."""
        statuses = self.pod(namespace, name)["status"].get("containerStatuses") or [{}]
        waiting: Json = statuses[0].get("state", {}).get("waiting", {})
        return str(waiting.get("reason", ""))

    def until(self, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until something holds."""
        end = time.monotonic() + patience
        while not holds():
            assert time.monotonic() < end, f"it never held:\n{self._seen()}"
            time.sleep(0.3)

    def zombies(self, namespace: str, pod: str) -> int:
        """Count the zombies of a pod's containers, in the node's own /proc, by their cgroup."""
        uid = self.pod(namespace, pod)["metadata"]["uid"]
        return sum(1 for each in _processes(uid) if each == "Z")

    def _seen(self) -> str:
        """Give all pods and the last events: why something may not have come to pass."""
        pods = self.kubectl("get", "pods", "-A", "-o", "wide", check=False)
        events = self.kubectl("get", "events", "-A", "--sort-by=.lastTimestamp", check=False)
        return "\n".join([pods, *events.splitlines()[-20:]])

    def _run(self, program: str, *words: str, stdin: str = "", check: bool = True) -> str:
        done = subprocess.run(
            [str(tools.program(program)), *words], input=stdin, capture_output=True, text=True,
            env=self._environ, timeout=300, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{program} {words}: {done.stderr}"
        return done.stdout + done.stderr


def _processes(uid: str) -> Iterator[str]:
    """Give the state of each process of a pod: its cgroup's path has the pod's uid."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if uid in (folder / "cgroup").read_text():
                yield (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it has ended
            continue
