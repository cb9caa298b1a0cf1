"""`admission.clientCA`: the API server shows a certificate, and nobody else is answered."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.fakes.reviews import body
from tests.integration.controlplane import assets
from tests.integration.controlplane.controllers import OPT_IN, create, namespace
from tests.integration.controlplane.fleet import webhook
from tests.integration.controlplane.install import NAMESPACE, RELEASE, install, service_port
from tests.integration.controlplane.plane import ControlPlane, control_plane
from tests.integration.server.running import Reader, request
from webhook.core.argv import INIT

AUTHORITY = trustme.CA()


@contextmanager
def plane_that_shows_a_certificate(folder: Path) -> Iterator[ControlPlane]:
    """An API server with the two files that docs/security.md shows."""
    shown = AUTHORITY.issue_cert("kube-apiserver@example.com", common_name="kube-apiserver")
    shown.private_key_pem.write_to_path(folder / "client.key")
    (folder / "client.crt").write_bytes(shown.cert_chain_pems[0].bytes())
    port = service_port()
    name = f"{RELEASE}.{NAMESPACE}.svc" + ("" if port == 443 else f":{port}")
    files = {"client-certificate": "client.crt", "client-key": "client.key"}
    user = {key: str(folder / file) for key, file in files.items()}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{"name": name, "user": user}],
    }
    admission = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [
            {
                "name": "MutatingAdmissionWebhook",
                "configuration": {
                    "apiVersion": "apiserver.config.k8s.io/v1",
                    "kind": "WebhookAdmissionConfiguration",
                    "kubeConfigFile": str(folder / "admission.kubeconfig"),
                },
            }
        ],
    }
    (folder / "admission.kubeconfig").write_text(json.dumps(kubeconfig))
    (folder / "admission.yaml").write_text(json.dumps(admission))
    flags = [f"--admission-control-config-file={folder / 'admission.yaml'}"]
    with control_plane(assets.names()[0], folder / "plane", flags=flags) as plane:
        yield plane


def test_the_api_server_is_answered_and_a_stranger_is_not(tmp_path: Path) -> None:
    (tmp_path / "plane").mkdir()
    try:
        assets.find(assets.names()[0])
    except assets.Missing as missing:
        pytest.skip(str(missing))
    values = {
        "admission": {"clientCA": AUTHORITY.cert_pem.bytes().decode()},
        "registry": {"lookups": False},
    }
    with plane_that_shows_a_certificate(tmp_path) as plane:
        install(plane, values)
        where = namespace(plane, "shop", **OPT_IN)
        with webhook(plane, replicas=1) as fleet:
            container = {"name": "app", "image": "x", "command": ["true"]}
            made = create(
                plane,
                where,
                {"metadata": {"generateName": "p-"}, "spec": {"containers": [container]}},
            )
            assert made.pod["spec"]["containers"][0]["command"][0] == INIT
            (replica,) = fleet.replicas
            assert not answers(replica.port)
            assert replica.metric("initshim_connections_dropped_total", reason="unknown") >= 1


def answers(port: int) -> bool:
    """Send a review as a stranger does, who trusts anybody and shows nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as raw,
            context.wrap_socket(raw) as connection,
        ):
            connection.sendall(request(body()))
            return Reader(connection).response().status == 200
    except (ssl.SSLError, ConnectionError):
        return False
