"""The webhook's replicas: what a kubelet would run of the Deployment that the API server stored.

Each replica is a real process, `initshim serve`, with the environment, ConfigMaps, Secrets and
readinessProbe of the stored pod template and a token of its own service account, so that the
chart's RBAC is on trial. Only addresses differ: loopback, and free ports. They stand behind a
balancer on the Service's ClusterIP. `tests/fakes/replicas.py` runs them.

    with webhook(plane, replicas=3) as fleet:       # after install(plane, values)
        fleet.replicas[0].kill(); fleet.start_one(); fleet.roll()
        fleet.hold(fleet.replicas[1])
"""

import base64
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.balancer import Balancer
from tests.fakes.replica import Launch, Replica
from tests.fakes.replicas import Replicas
from tests.integration.controlplane.install import NAMESPACE, RELEASE
from tests.integration.controlplane.plane import ControlPlane
from tests.leftovers import mark

Json = dict[str, Any]
ROOT = Path(__file__).parents[3]
_PROGRAM = (sys.executable, "-m", f"{__package__}.serve_as_pod")


class Fleet(Replicas):
    """Replicas of one Deployment behind one Service.

    `environ` beats the chart's environment; `before` comes before the program; `folder` is where
    they run and log, the control plane's unless it is said.
    """

    def __init__(
        self,
        plane: ControlPlane,
        environ: Mapping[str, str] | None = None,
        *,
        before: tuple[str, ...] = (),
        folder: Path | None = None,
        unready_period: float = 0.2,
    ) -> None:
        self.plane = plane
        self._more = dict(environ or {})
        self._before = before
        self._folder = folder
        self._unready_period = unready_period
        service = self._read("/api/v1", "services")["spec"]
        host = service["clusterIP"]
        port = next(each["port"] for each in service["ports"] if each["name"] == "https")
        self.address = f"{host}:{port}"
        super().__init__(Balancer(host, port))

    def start_one(self, *, wait: bool = True) -> Replica:
        """Start a replica of the Deployment as it is now; it serves once it is ready."""
        own = Path(tempfile.mkdtemp(prefix="replica-", dir=self.plane.folder))
        template = self._read("/apis/apps/v1", "deployments")["spec"]["template"]["spec"]
        account = self._account(own / "account", template["serviceAccountName"])
        readiness = template["containers"][0]["readinessProbe"]
        replica = self.add(
            Launch(
                (*self._before, *_PROGRAM, str(account), "serve"),
                self._environ(template, own),
                self._folder or own,
                readiness["httpGet"]["path"],
                readiness["periodSeconds"],
                self._unready_period,
            )
        )
        if wait:
            self.await_ready(replica)
        return replica

    def start(self, count: int, more: Mapping[str, str] | None = None) -> None:
        """Start so many, with this environment in addition to what all have, until all serve."""
        usual = self._more
        self._more = {**usual, **(more or {})}
        for _ in range(count):
            self.start_one(wait=False)
        self._more = usual
        self.await_ready()

    def roll(self) -> None:
        """Replace all, one by one, as a rollout with maxSurge 1 and maxUnavailable 0 does."""
        for old in list(self.replicas):
            self.start_one()
            self.delete(old)

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
    plane: ControlPlane,
    *,
    replicas: int = 2,
    environ: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Fleet]:
    """Run the installed webhook: replicas, balancer and all, ready when it is given."""
    fleet = Fleet(plane, environ, **options)
    try:
        fleet.start(replicas)
        yield fleet
    finally:
        fleet.stop()
