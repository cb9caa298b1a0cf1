"""Everything that a fault happens to: control plane, webhook, registry, name server, load."""

import base64
import json
import os
import random
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.http import Answer, Request
from tests.fakes.registry import Registry, config_bytes
from tests.fakes.reviews import review
from tests.integration.controlplane import assets
from tests.integration.controlplane.fleet import Fleet, webhook
from tests.integration.controlplane.install import NAMESPACE as OWN
from tests.integration.controlplane.install import RELEASE, install
from tests.integration.controlplane.plane import ControlPlane, control_plane
from tests.integration.faults.load import Load, generating
from tests.integration.faults.programs import build
from tests.integration.registry.registries import in_thread
from webhook.cli.installation import dry_run_pod
from webhook.core.argv import INIT

NAMESPACE = "shop"
REGISTRY = "registry.initshim.test"
ROOT = os.geteuid() == 0
_CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
_BUNDLE = "webhook-ca.crt"
_PATIENCE = 90.0
_PROBE_SECONDS = 2.0  # the chart's, also for a replica that is not ready
_WARNED_OF = {"metadata": {"name": dry_run_pod.NAME}, **dry_run_pod.for_policy("reaper")}
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
Json = dict[str, Any]
_MOST_NEW = 5000  # registries of one image each
_KNOWN = 20  # distinct images of the pods' second container


class AnyImage(Registry):
    """A registry that has every image that is asked for."""

    async def __call__(self, request: Request) -> Answer:
        """Make the image, then answer as a registry does."""
        repository = request.path.removeprefix("/v2/").partition("/manifests/")[0]
        if "/manifests/" in request.path and (repository, "1") not in self.tags:
            self.push(repository, "1", config_bytes(["/bin/app"], ["serve"], name=repository))
        return await super().__call__(request)


class NameServer:
    """Gives one address for every name, or gives no answer at all."""

    def __init__(self) -> None:
        self.silent = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = f"127.0.{random.randint(1, 255)}.53"  # several may run on one machine
        self._socket.bind((self.address, 53))
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._socket.sendto(b"", self._socket.getsockname())  # what its thread ends by
        self._thread.join()
        self._socket.close()

    def _answer(self) -> None:
        while True:
            asked, who = self._socket.recvfrom(512)
            if not asked:
                return
            if self.silent:
                continue
            end = asked.index(b"\0", 12) + 5
            is_a = asked[end - 4 : end - 2] == b"\0\1"
            head = asked[:2] + struct.pack("!5H", 0x8580, 1, int(is_a), 0, 0)
            record = struct.pack("!HHHLH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton("127.0.0.1")
            self._socket.sendto(head + asked[12:end] + (record if is_a else b""), who)


@dataclass
class Stage:
    """What a fault can reach."""

    folder: Path
    plane: ControlPlane
    fleet: Fleet
    generator: Path
    registry: AnyImage
    names: NameServer | None
    registry_host: str
    _runs: int = field(default=0)
    _engine: str = "webhook"

    @contextmanager
    def creating(
        self, *, seconds: float, fresh: str = "", dry_run: bool = False, **options: object
    ) -> Iterator[Load]:
        """Create pods through the API server as a controller does: until they are there."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods{'?dryRun=All' if dry_run else ''}"
        keys = self.plane.keys
        with self._generating(
            self.pod(fresh=fresh),
            url=f"{self.plane.server}{path}",
            name="localhost",
            ca=keys.ca,
            cert=keys.admin,
            key=keys.admin_key,
            mark=INIT,
            for_=f"{seconds}s",
            timeout="35s",  # a client's; the API server gives the webhook 10 s of it
            http2=True,
            **{"patience": "60s", **options},
        ) as load:
            yield load

    @contextmanager
    def reviewing(self, *, seconds: float, **options: object) -> Iterator[Load]:
        """Post reviews to the Service's address with the API server's transport."""
        self.copy_bundle()
        with self._generating(
            review(self.pod(), uid="@N@", namespace=NAMESPACE),
            url=f"https://{self.fleet.address}/mutate?timeout=10s",
            name=f"{RELEASE}.{OWN}.svc",
            ca=self.folder / _BUNDLE,
            mark='"patch"',
            for_=f"{seconds}s",
            **options,
        ) as load:
            yield load

    @contextmanager
    def _generating(self, body: Json, **options: object) -> Iterator[Load]:
        self._runs += 1
        file = self.folder / f"body-{self._runs}.json"
        file.write_text(json.dumps(body))
        out = self.folder / f"load-{self._runs}.csv"
        given = {"body": file, "images": _KNOWN, **options}
        with generating(self.generator, out, **given) as load:
            yield load

    def pod(self, *, fresh: str = "") -> Json:
        """A pod with a command, a known image and, if asked for, one that nobody has seen.

        `fresh` is "image" for a new one in the known registry, "registry" for one of its own.
        """
        containers = [
            {"name": "app", "image": "shop:1", "command": ["/app"], "args": ["--port=8080"]},
            {"name": "known", "image": f"{self.registry_host}/known-@I@:1"},
        ]
        if fresh:
            host = f"{'new-@N@.' if fresh == 'registry' else ''}{self.registry_host}"
            containers.append({"name": "fresh", "image": f"{host}/fresh-@N@:1"})
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "pod-@N@", "namespace": NAMESPACE},
            "spec": {"containers": containers, "terminationGracePeriodSeconds": 0},
        }

    def pods(self) -> Iterator[Json]:
        """Give all pods as they are stored."""
        query = {"limit": "500"}
        while True:
            page = self.call("GET", _PODS, params=query)
            yield from page["items"]
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                return

    def clear(self) -> None:
        """Delete every pod."""
        self.call("DELETE", _PODS)

    def bundle(self) -> bytes:
        """The CAs that the API server verifies the webhook by."""
        (webhook,) = self.call("GET", _CONFIGURATION)["webhooks"]
        return base64.b64decode(webhook["clientConfig"].get("caBundle", ""))

    def copy_bundle(self) -> None:
        """Let those who post reviews trust what the API server trusts now."""
        beside = self.folder / f"{_BUNDLE}.new"
        beside.write_bytes(self.bundle())
        beside.replace(self.folder / _BUNDLE)

    def publish(self, bundle: bytes) -> None:
        """Overwrite them."""
        (webhook,) = self.call("GET", _CONFIGURATION)["webhooks"]
        webhook["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
        self._merge(_CONFIGURATION, {"webhooks": [webhook]})

    def replace_replicas(self, environment: Mapping[str, str]) -> None:
        """Start anew, with another environment and without the CA that was made in this one."""
        count = len(self.fleet.replicas)
        self.fleet.force_delete(*self.fleet.replicas)
        self._merge(f"/api/v1/namespaces/{OWN}/secrets/{RELEASE}-ca", {"data": None})
        self.fleet.start(count, environment)
        self.await_wrapping()

    def await_wrapping(self) -> None:
        """Wait until the API server calls the webhook: it follows its configuration with a lag."""
        end = time.monotonic() + _PATIENCE
        while True:
            with self.creating(rate=20, seconds=1, dry_run=True) as load:
                if set(load.wait(1).outcomes) == {"wrapped"}:
                    return
            assert time.monotonic() < end, "pods are not wrapped"

    def choose(self, engine: str) -> None:
        """Apply the chart with this engine, and wait until the API server goes by it."""
        if engine == self._engine:
            return
        install(self.plane, {"engine": engine})
        if engine == "webhook":
            for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
                self.plane.kubectl("delete", kind, RELEASE)
        self._engine = engine
        by_policy = engine != "webhook"
        end = time.monotonic() + _PATIENCE
        while self._settles() is not by_policy:
            assert time.monotonic() < end, f"the API server does not go by engine: {engine}"
            time.sleep(0.2)
        self.await_wrapping()

    def _settles(self) -> bool:
        """Tell whether a pod that the webhook warns of comes back wrapped without a warning."""
        answer = self.plane.api.post(f"{_PODS}?dryRun=All", json=_WARNED_OF)
        wrapped = bool(answer.json()["spec"]["containers"][0]["command"][0] == INIT)
        return wrapped and not answer.headers.get_list("warning")

    def call(self, method: str, path: str, **more: Any) -> Json:
        """Ask the API server as its administrator."""
        return call(self.plane, method, path, **more)

    def _merge(self, path: str, patch: Json) -> None:
        kind = {"Content-Type": "application/merge-patch+json"}
        self.call("PATCH", path, content=json.dumps(patch), headers=kind)


def call(plane: ControlPlane, method: str, path: str, **more: Any) -> Json:
    """Ask the API server as its administrator, and take no refusal."""
    answer = plane.api.request(method, path, **more)
    assert answer.status_code < 300, f"{method} {path}: {answer.text}"
    return dict(answer.json())


@contextmanager
def stage(
    folder: Path,
    *,
    replicas: int = 2,
    environment: Mapping[str, str] | None = None,
    disk_size: int = 16,
) -> Iterator[Stage]:
    """Set everything up, and take it down; the logs' disk has so many MiB. Raises Missing."""
    generator = build()
    with ExitStack() as stack:
        (folder / "plane").mkdir()
        plane = stack.enter_context(control_plane(assets.names()[0], folder / "plane"))
        install(plane)
        _open_shop(plane)
        registry = AnyImage()
        host = stack.enter_context(in_thread(registry))
        names = NameServer() if ROOT else None
        if names:
            stack.callback(names.close)
        port = host.authority.rpartition(":")[2]
        registry_host = f"{REGISTRY if names else '127.0.0.1'}:{port}"
        disk = stack.enter_context(_small_disk(folder / "disk", disk_size))
        variables = {
            **_registries(folder, registry_host),
            "TMPDIR": str(disk),
            **(environment or {}),
        }
        fleet = webhook(
            plane,
            replicas=replicas,
            environ=variables,
            before=_own_names(names, folder) if names else (),
            folder=disk,
            unready_period=_PROBE_SECONDS,
        )
        running = stack.enter_context(fleet)
        made = Stage(folder, plane, running, generator, registry, names, registry_host)
        made.await_wrapping()
        yield made


def _open_shop(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", NAMESPACE)
    plane.kubectl("label", "namespace", NAMESPACE, "initshim.dev/inject=enabled")
    plane.kubectl("create", "serviceaccount", "default", "-n", NAMESPACE)


def _registries(folder: Path, host: str) -> dict[str, str]:
    """Tags are believed for seconds, not minutes: every fault finds an expired cache."""
    file = folder / "registries.json"
    plain = {"plainHTTP": True, "addresses": "127.0.0.0/8"}
    new = (f"new-{number}.{host}" for number in range(_MOST_NEW))
    file.write_text(json.dumps(dict.fromkeys((host, *new), plain)))
    return {"INITSHIM_REGISTRIES_FILE": str(file), "INITSHIM_CACHE_TAG_SECONDS": "3"}


def _own_names(names: NameServer, folder: Path) -> tuple[str, ...]:
    """Give the replicas a resolv.conf of their own, in a mount namespace of their own."""
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {names.address}\n")
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, str(file))


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Give a disk of so many MiB, or a mere folder to who may not mount."""
    folder.mkdir()
    if not ROOT:
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
