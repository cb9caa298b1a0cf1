"""What `initshim audit` prints of a real API server, for docs/audit.md and README.md.

`python -m tests.integration.controlplane.audit_sample` makes the workloads anew, before, while and
after the webhook answers, and writes what the command prints into the pages. The controllers' and
the kubelet's work is done here: pods have fixed names, and run since 42 hours. What they have
reaped is asked of real reapers, which have reaped so many.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import initshim
from tests import leftovers
from tests.integration.controlplane import assets
from tests.integration.controlplane.controllers import OPT_IN, create, namespace, until
from tests.integration.controlplane.fleet import ROOT, webhook
from tests.integration.controlplane.install import install
from tests.integration.controlplane.plane import ControlPlane, control_plane
from tests.integration.controlplane.running_pods import ended, node, owner, post, running

Json = dict[str, Any]
SHOP, BILLING, NODE = "shop", "billing", "sample-node"
AGE = timedelta(hours=42)
SECOND = 1.1  # the clocks that audit compares have whole ones
PATIENCE = 180.0  # seconds: on a busy machine a thousand forks take their time
REAPED = {
    "chrome-79c5d-2wkqp/chrome": 1204, "chrome-79c5d-7hx4m/chrome": 980,
    "chrome-79c5d-b8r2t/chrome": 1377, "chrome-79c5d-x9vlz/chrome": 1109, "web": 3,
}  # fmt: skip
PAGES = (ROOT / "docs" / "audit.md", ROOT / "README.md")
_PLACE = re.compile(
    r"(<!-- audit-(\w+): [^\n]*-->\n```text\n)(.*?)(```\n<!-- /audit-\2 -->)", re.DOTALL
)
_LEAK = 'i=0; while [ $i -lt "$0" ]; do (true &); i=$((i+1)); done; exec sleep 600'


def container(name: str, *command: str, image: str = "") -> Json:
    """Describe one that has a command, or none, as its image is never asked for."""
    said: Json = {"name": name, "image": image or f"registry.example.com/{name}:1"}
    return said | ({"command": list(command)} if command else {})


AGENT: Json = {
    "containers": [container("agent", "/agent"), container("proxy", "tini", "--", "/proxy")]
}
EXPORTER: Json = {"hostPID": True, "containers": [container("exporter", "/exporter")]}
PAY: Json = {"containers": [container("pay", image="registry.invalid/pay:1")]}


def plain(name: str) -> Json:
    """Describe a pod of one container with a command."""
    return {"containers": [container(name, f"/{name}")]}


class Cluster:
    """The workloads of one namespace, and the pods that their controllers would make."""

    def __init__(self, plane: ControlPlane, name: str, **labels: str) -> None:
        self.plane = plane
        self.name = namespace(plane, name, **labels)

    def workload(self, kind: str, name: str, spec: Json) -> Json:
        """Make a Deployment, StatefulSet or DaemonSet; give what owns its pods."""
        labels = {"app": name}
        body: Json = {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }
        root = f"/apis/apps/v1/namespaces/{self.name}"
        above = post(
            self.plane, f"{root}/{kind.lower()}s", {"metadata": {"name": name}, "spec": body}
        )
        if kind != "Deployment":
            return owner(above, kind)
        metadata = {"name": f"{name}-79c5d", "ownerReferences": [owner(above, kind)]}
        made = post(self.plane, f"{root}/replicasets", {"metadata": metadata, "spec": body})
        return owner(made, "ReplicaSet")

    def pods(self, above: Json, spec: Json, ends: Sequence[str]) -> None:
        """Let pods run, one for each end of a name."""
        since = datetime.now(UTC) - AGE
        for end in ends:
            metadata = {"name": f"{above['name']}-{end}", "ownerReferences": [above]}
            pod = {"metadata": metadata, "spec": {**spec, "nodeName": NODE}}
            running(self.plane, self.name, pod, since=since)

    def cron(self, name: str, spec: Json) -> Json:
        """Make a CronJob, and a Job of it; give what owns the Job's pods."""
        root = f"/apis/batch/v1/namespaces/{self.name}"
        template = {"spec": {**spec, "restartPolicy": "Never"}}
        job: Json = {"template": template}
        cron = {"schedule": "0 3 * * *", "jobTemplate": {"spec": job}}
        above = post(self.plane, f"{root}/cronjobs", {"metadata": {"name": name}, "spec": cron})
        metadata = {"name": f"{name}-1", "ownerReferences": [owner(above, "CronJob", "batch/v1")]}
        return owner(
            post(self.plane, f"{root}/jobs", {"metadata": metadata, "spec": job}), "Job", "batch/v1"
        )


def sample(plane: ControlPlane) -> dict[str, str]:
    """Give what the command printed: `pods`, `whatif` and `reaped`."""
    with ExitStack() as stack:
        kubelet = stack.enter_context(node(plane, NODE))
        for name, count in REAPED.items():
            kubelet.programs[name] = stack.enter_context(_reaper(count))
        kubelet.programs["agent"] = ["no-such-cat"]
        shop = Cluster(plane, SHOP, **OPT_IN)
        shop.pods(shop.workload("StatefulSet", "db", plain("db")), plain("db"), "012")
        time.sleep(SECOND)
        install(plane, {"service": {"port": 8443}})
        time.sleep(SECOND)
        web = shop.workload("Deployment", "web", plain("web"))
        shop.pods(web, plain("web"), ("4j7cm", "lq8sd"))  # nobody answers yet
        stack.enter_context(webhook(plane, replicas=1))
        until(lambda: _wraps(plane), seconds=PATIENCE)
        shop.pods(web, plain("web"), [f"{each}fz6n" for each in "bcdghjkl"])
        _rest(shop)
        _billing(plane)
        return {
            "pods": _audit(plane),
            "whatif": _typed(plane, "--what-if", BILLING),
            "reaped": _typed(plane, "--reaped"),
        }


def _rest(shop: Cluster) -> None:
    """What the webhook saw."""
    chrome = shop.workload("Deployment", "chrome", plain("chrome"))
    shop.pods(chrome, plain("chrome"), ("2wkqp", "7hx4m", "b8r2t", "x9vlz"))
    shop.pods(shop.workload("Deployment", "pay", PAY), PAY, ("h5nzt", "r2kvb"))
    shop.pods(shop.workload("DaemonSet", "agent", AGENT), AGENT, ("8tqxw", "gk5jd", "zv9mp"))
    exporter = shop.workload("DaemonSet", "node-exporter", EXPORTER)
    shop.pods(exporter, EXPORTER, ("6c2rf", "nd4hs", "wq7lb"))
    job = shop.cron("nightly", plain("nightly"))
    for end in ("5vjzc", "k8xgt", "t3wnl"):
        metadata = {"name": f"{job['name']}-{end}", "ownerReferences": [job]}
        spec = {**plain("nightly"), "restartPolicy": "Never"}
        ended(shop.plane, SHOP, {"metadata": metadata, "spec": spec})


def _billing(plane: ControlPlane) -> None:
    """A namespace without the label, and with no pod yet."""
    billing = Cluster(plane, BILLING)
    billing.cron("mail", AGENT)
    billing.workload("DaemonSet", "node", EXPORTER)
    billing.workload("Deployment", "api", plain("api"))
    billing.workload("Deployment", "pay", PAY)


def _wraps(plane: ControlPlane) -> bool:
    pod = {"metadata": {"generateName": "probe-"}, "spec": plain("probe")}
    return "initContainers" in create(plane, SHOP, pod, query="?dryRun=All").pod["spec"]


def _audit(plane: ControlPlane, *words: str) -> str:
    done = plane.kubectl("initshim", "audit", *words, check=False)
    return done.stdout + done.stderr


def _typed(plane: ControlPlane, *words: str) -> str:
    return f"$ initshim audit {' '.join(words)}\n{_audit(plane, *words)}"


@contextmanager
def _reaper(count: int) -> Iterator[list[str]]:
    """Let a reaper reap so many orphans; give the command that reads its count."""
    started = subprocess.Popen(
        [str(initshim.path()), "-s", "--", "sh", "-c", _LEAK, str(count)],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    comm = Path(f"/proc/{started.pid}/comm")
    try:
        until(lambda: comm.read_text() == f"init:{count}\n", seconds=PATIENCE)
        yield ["cat", str(comm)]
    finally:
        started.terminate()
        started.wait(10)


def places(page: str) -> dict[str, str]:
    """Give the samples on a page, by their names."""
    return {found[2]: found[3] for found in _PLACE.finditer(page)}


def shown(name: str, printed: dict[str, str]) -> str:
    """Give a sample as pages show it: README's is the table of `pods` alone, without what ended."""
    if name != "table":
        return printed[name]
    table = printed["pods"].partition("\n\n")[0].splitlines(keepends=True)
    return "".join(line for line in table if "CronJob" not in line).rstrip() + "\n"


def written(page: str, printed: dict[str, str]) -> str:
    """Give a page with the samples in their places."""
    return _PLACE.sub(lambda found: found[1] + shown(found[2], printed) + found[4], page)


def main() -> None:
    """Make the sample with the newest API server that is there, and write it."""
    leftovers.end_with_this_process()
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (
        tempfile.TemporaryDirectory() as folder,
        control_plane(assets.names()[0], Path(folder)) as plane,
    ):
        printed = sample(plane)
    for page in PAGES:
        page.write_text(written(page.read_text(), printed))


if __name__ == "__main__":
    main()
