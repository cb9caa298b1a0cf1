"""The webhook's replicas: what a kubelet would run of the Deployment that the API server stored.

Each replica is a real process, `initshim serve`, with the environment, ConfigMaps and Secrets of
the stored pod template and a token of its own service account, so that the chart's RBAC is on
trial. Only addresses differ: loopback, and free ports. They stand behind a balancer on the
Service's ClusterIP.

    with webhook(plane, replicas=3) as fleet:       # after install(plane, values)
        fleet.replicas[0].kill(); fleet.start_one(); fleet.roll(); fleet.scale(2)
        fleet.balancer.hold(fleet.replicas[1].member)
"""

import base64
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.integration.controlplane.balancer import Balancer, Member
from tests.integration.controlplane.install import NAMESPACE, RELEASE
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.server.process import PATIENCE, Process
from tests.leftovers import mark

Json = dict[str, Any]
ROOT = Path(__file__).parents[3]


class Replica(Process):
    """One webhook process, its log (`lines`), `get("/metrics")`, and its place in the balancer."""

    member: Member
    follower: threading.Thread

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    def ready(self) -> bool:
        """Ask /readyz, as the kubelet does: a second's patience."""
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def metric(self, metric: str, **labels: str) -> float:
        """Add up a metric over the series that have these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in self.get("/metrics")[1].splitlines()
            if line.startswith((f"{metric}{{", f"{metric} ")) and all(x in line for x in wanted)
        )

    def kill(self) -> None:
        """SIGKILL, and nothing after."""
        self.popen.kill()
        self._close()

    def pause(self) -> None:
        """SIGSTOP: connections stay, nobody answers."""
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.popen.send_signal(signal.SIGCONT)

    def end(self) -> int:
        """SIGTERM as the kubelet sends it; wait for the drain's end; give the exit code."""
        if self.popen.poll() is None:
            self.resume()
            self.terminate()
        return self._close()

    def hurry(self) -> int:
        """End it at once: a second SIGTERM ends the drain, SIGKILL what does not listen."""
        if self.popen.poll() is None:
            self.resume()
            self.terminate()
            time.sleep(0.05)
            self.terminate()
        try:
            return self._close()
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self._close()

    def _close(self) -> int:
        """Wait for its end and read the last of its log."""
        code = self.popen.wait(PATIENCE)
        self.follower.join(PATIENCE)
        assert self.popen.stderr
        self.popen.stderr.close()
        return code


class Fleet:
    """Replicas of one Deployment behind one Service; `environ` beats the chart's environment."""

    def __init__(self, plane: ControlPlane, environ: Mapping[str, str] | None = None) -> None:
        self.plane = plane
        self.replicas: list[Replica] = []
        self._more = dict(environ or {})
        service = self._read("/api/v1", "services")["spec"]
        port = next(each["port"] for each in service["ports"] if each["name"] == "https")
        self.balancer = Balancer(service["clusterIP"], port)

    def start_one(self, *, wait: bool = True) -> Replica:
        """Start a replica of the Deployment as it is now; it serves once it is ready."""
        folder = Path(tempfile.mkdtemp(prefix="replica-", dir=self.plane.folder))
        template = self._read("/apis/apps/v1", "deployments")["spec"]["template"]["spec"]
        account = self._account(folder / "account", template["serviceAccountName"])
        popen = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.serve_as_pod", str(account), "serve"],
            env=self._environ(template, folder),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        replica = Replica(popen)
        replica.follower = threading.Thread(target=replica.follow, daemon=True)
        replica.follower.start()
        self.replicas.append(replica)
        serving = replica.await_line("serving")
        replica.port, replica.http_port = serving["port"], serving["http_port"]
        replica.member = self.balancer.add(Member("127.0.0.1", replica.port, replica.ready))
        if wait:
            self.wait_ready(replica)
        return replica

    def wait_ready(self, replica: Replica) -> None:
        """Wait until the balancer counts it."""
        end = time.monotonic() + PATIENCE
        while not replica.member.up:
            assert replica.popen.poll() is None, replica.written
            assert time.monotonic() < end, (replica.get("/readyz"), replica.written)
            time.sleep(0.05)

    def retire(self, replica: Replica, *, wait: bool = True) -> None:
        """Delete its pod: SIGTERM; the balancer drops it when its probe fails."""
        replica.terminate()
        if wait:
            replica.end()
            self.forget(replica)

    def forget(self, replica: Replica) -> None:
        """Take out what has ended."""
        self.balancer.remove(replica.member)
        self.replicas.remove(replica)

    def roll(self) -> None:
        """Replace all, one by one, as a rollout with maxSurge 1 and maxUnavailable 0 does."""
        for old in list(self.replicas):
            self.start_one()
            self.retire(old)

    def scale(self, number: int) -> None:
        """Run as many as this."""
        while len(self.replicas) < number:
            self.start_one()
        while len(self.replicas) > number:
            self.retire(self.replicas[-1])

    def stop(self) -> None:
        """End all."""
        for replica in self.replicas:
            replica.hurry()
        self.balancer.stop()

    def _read(self, root: str, plural: str, name: str = RELEASE) -> Json:
        answer = self.plane.api.get(f"{root}/namespaces/{NAMESPACE}/{plural}/{name}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def _account(self, folder: Path, account: str) -> Path:
        """Write what the kubelet projects into each pod."""
        folder.mkdir()
        (folder / "token").write_text(self.plane.token(NAMESPACE, account))
        (folder / "ca.crt").write_bytes(self.plane.keys.ca.read_bytes())
        (folder / "namespace").write_text(NAMESPACE)
        return folder

    def _environ(self, template: Json, folder: Path) -> dict[str, str]:
        """The container's environment, its mounts' paths moved to where they are here."""
        [container] = template["containers"]
        places = {
            each["mountPath"]: str(self._volume(template, each["name"], folder))
            for each in container.get("volumeMounts", ())
        }
        environ = {each["name"]: each.get("value", "") for each in container["env"]}
        for path, place in places.items():
            environ = {name: value.replace(path, place) for name, value in environ.items()}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return {
            **kept,
            **mark(),
            **environ,
            "PYTHONPATH": str(ROOT),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.plane.port),
            "INITSHIM_HOST": "127.0.0.1",
            "INITSHIM_PORT": "0",
            "INITSHIM_HTTP_PORT": "0",
            **self._more,
        }

    def _volume(self, template: Json, name: str, folder: Path) -> Path:
        """Write a ConfigMap or Secret to files, as the kubelet does."""
        volume = next(each for each in template["volumes"] if each["name"] == name)
        place = folder / name
        place.mkdir()
        content: dict[str, bytes] = {}
        if "configMap" in volume:
            found = self._read("/api/v1", "configmaps", volume["configMap"]["name"])
            content = {key: text.encode() for key, text in found["data"].items()}
        elif "secret" in volume:
            found = self._read("/api/v1", "secrets", volume["secret"]["secretName"])
            renamed = {x["key"]: x["path"] for x in volume["secret"].get("items", ())}
            content = {
                renamed.get(key, key): base64.b64decode(text) for key, text in found["data"].items()
            }
        for key, each in content.items():
            (place / key).write_bytes(each)
        return place


@contextmanager
def webhook(
    plane: ControlPlane, *, replicas: int = 2, environ: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """Run the installed webhook: replicas, balancer and all, ready when it is given."""
    fleet = Fleet(plane, environ)
    fleet.balancer.start()
    try:
        for _ in range(replicas):
            fleet.start_one(wait=False)
        for replica in fleet.replicas:
            fleet.wait_ready(replica)
        yield fleet
    finally:
        fleet.stop()
