"""A control plane on loopback: real etcd, real kube-apiserver, certificates, RBAC, audit log.

How to use it::

    with control_plane("1.37", folder) as plane:            # or the fixture `plane`
        plane.kubectl("get", "namespaces")                  # real kubectl, as administrator
        plane.api.post("/api/v1/namespaces", json={…})      # httpx, as administrator
        plane.token("initshim", "initshim")                 # a service account's own token
        plane.apiserver.restart(); plane.etcd.pause(); plane.etcd.resume()
        plane.audit()                                       # what the API server was asked
        plane.metric("apiserver_admission_webhook_request_total", name="inject.initshim.dev")

No kubelet, scheduler or controller manager runs: `controllers.py` does the little of their work
that tests need. Services get their addresses from a part of 127.0.0.0/8, which this machine answers
on as a whole: a Service is reached where the balancer of `tests/fakes` listens on its ClusterIP, as
kube-proxy would have it, and the chart's `clientConfig.service` is called as it is.
"""

import json
import os
import random
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.chart import tools
from tests.integration.controlplane import assets, keys
from tests.integration.controlplane.daemon import Daemon

Json = dict[str, Any]
ISSUER = "https://kubernetes.default.svc.cluster.local"
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


class ControlPlane:
    """One etcd and one API server; `folder` holds their state, logs and keys."""

    def __init__(self, found: assets.Assets, folder: Path, flags: Sequence[str] = ()) -> None:
        self.name = found.name
        self.folder = folder
        self.keys = keys.make(folder)
        self.port = free_port()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))  # JSON is YAML
        self.audit_log = folder / "audit.log"
        self.api = self.client()
        etcd_port, etcd_peer = free_port(), free_port()
        self.etcd = Daemon(
            "etcd",
            [str(found.etcd), *_flags(self._etcd(etcd_port, etcd_peer))],
            folder / "etcd.log",
            lambda: _connects(etcd_port),
        )
        (folder / "audit.json").write_text(json.dumps(_AUDIT))
        self.apiserver = Daemon(
            "kube-apiserver",
            [str(found.apiserver), *_flags(self._apiserver(etcd_port)), *flags],
            folder / "kube-apiserver.log",
            self._ready,
        )

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor, as the API server says them."""
        version = self.api.get("/version").json()
        return int(version["major"]), int(version["minor"].rstrip("+"))

    def start(self) -> None:
        """Start both."""
        self.etcd.start()
        self.apiserver.start()

    def stop(self) -> None:
        """End both."""
        self.api.close()
        self.apiserver.stop()
        self.etcd.stop()

    def client(self, token: str = "") -> httpx.Client:
        """Give a client of its own: an administrator's, or a token's; close it."""
        tls = ssl.create_default_context(cafile=str(self.keys.ca))
        if not token:
            tls.load_cert_chain(self.keys.admin, self.keys.admin_key)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=self.server, verify=tls, headers=headers, timeout=60, trust_env=False
        )

    def kubectl(
        self, *words: str, stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run real kubectl as administrator."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
        }
        done = subprocess.run(
            [str(tools.program("kubectl")), *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=environ,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, f"kubectl {words}: {done.stderr}"
        return done

    def token(self, namespace: str, account: str, *, seconds: int = 3600) -> str:
        """Ask for a service account's token, as the kubelet does for a pod."""
        asked = self.api.post(
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
            json={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"expirationSeconds": seconds},
            },
        )
        assert asked.status_code == 201, asked.text
        token: str = asked.json()["status"]["token"]
        return token

    def audit(self) -> list[Json]:
        """Read what the API server was asked, and what webhooks had it note."""
        with self.audit_log.open() as log:
            return [json.loads(line) for line in log if line.endswith("\n")]

    def metric(self, metric: str, **labels: str) -> float:
        """Add up a metric of the API server over the series that have these labels."""
        lines = self.api.get("/metrics").text.splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith((f"{metric}{{", f"{metric} ")) and all(x in line for x in wanted)
        )

    def _ready(self) -> bool:
        try:
            return self.api.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def _etcd(self, port: int, peer: int) -> Mapping[str, object]:
        return {
            "name": "default",
            "data-dir": self.folder / "etcd",
            "listen-client-urls": f"https://127.0.0.1:{port}",
            "advertise-client-urls": f"https://127.0.0.1:{port}",
            "listen-peer-urls": f"http://127.0.0.1:{peer}",
            "initial-advertise-peer-urls": f"http://127.0.0.1:{peer}",
            "initial-cluster": f"default=http://127.0.0.1:{peer}",
            "cert-file": self.keys.server,
            "key-file": self.keys.server_key,
            "client-cert-auth": "true",
            "trusted-ca-file": self.keys.ca,
            "unsafe-no-fsync": "true",  # no machine dies here, and the disk is not on trial
        }

    def _apiserver(self, etcd: int) -> Mapping[str, object]:
        return {
            "etcd-servers": f"https://127.0.0.1:{etcd}",
            "etcd-cafile": self.keys.ca,
            "etcd-certfile": self.keys.admin,
            "etcd-keyfile": self.keys.admin_key,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "secure-port": self.port,
            "tls-cert-file": self.keys.server,
            "tls-private-key-file": self.keys.server_key,
            "client-ca-file": self.keys.ca,
            "cert-dir": self.folder,
            "authorization-mode": "RBAC",
            "enable-admission-plugins": "PodSecurity,LimitRanger,ResourceQuota",
            "allow-privileged": "true",
            "service-account-issuer": ISSUER,
            "service-account-key-file": self.keys.accounts_key,
            "service-account-signing-key-file": self.keys.accounts_key,
            "service-cluster-ip-range": _part_of_loopback(),
            "audit-policy-file": self.folder / "audit.json",
            "audit-log-path": self.audit_log,
            "audit-log-maxsize": 4096,
            "shutdown-delay-duration": "0s",
        }

    def _kubeconfig(self) -> Json:
        cluster = {"server": self.server, "certificate-authority": str(self.keys.ca)}
        user = {"client-certificate": str(self.keys.admin), "client-key": str(self.keys.admin_key)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": user}],
        }


@contextmanager
def control_plane(name: str, folder: Path, *, flags: Sequence[str] = ()) -> Iterator[ControlPlane]:
    """Run a control plane: `name` of assets.names(), `flags` more of kube-apiserver's."""
    plane = ControlPlane(assets.find(name), folder, flags)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port that nobody listens on now."""
    with socket.socket() as free:
        free.bind((host, 0))
        port: int = free.getsockname()[1]
        return port


def _part_of_loopback() -> str:
    """Tests run side by side on one machine: each has its own."""
    return f"127.{random.randint(64, 250)}.{random.randint(0, 255)}.0/24"


def _flags(named: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in named.items()]


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
