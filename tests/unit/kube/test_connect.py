"""Where the API server is, and who we are there."""

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.fakes.api_server import ApiServer, serving
from webhook.kube.client import Client
from webhook.kube.connect import Connection, find, in_cluster
from webhook.kube.errors import NoCluster

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def account(tmp_path: Path, ca: trustme.CA) -> Path:
    (tmp_path / "ca.crt").write_bytes(ca.cert_pem.bytes())
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "namespace").write_text("initshim")
    return tmp_path


@pytest.fixture
def mutual(ca: trustme.CA) -> Iterator[str]:
    """An API server that asks for a client certificate."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(tls)
    ca.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    with serving(ApiServer(), tls) as url:
        yield url


def token(connection: Connection) -> str | None:
    return asyncio.run(_token(connection))


async def _token(connection: Connection) -> str | None:
    return await connection.token()


def version(connection: Connection) -> str:
    async def ask() -> str:
        async with Client(connection) as client:
            return await client.version()

    return asyncio.run(ask())


def config(user: Any, server: str = "https://localhost:1", **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
    }


def kubeconfig(path: Path, document: Any, environ: dict[str, str] | None = None) -> Connection:
    path.write_text(json.dumps(document))  # JSON is YAML
    return find(environ or {}, home=path.parent, kubeconfig=path)


def test_a_pod_connects_as_its_service_account(account: Path) -> None:
    connection = in_cluster(POD, folder=account)
    assert connection.server == "https://10.0.0.1:443"
    assert connection.namespace == "initshim"
    assert token(connection) == "first"


def test_an_address_of_version_six_is_bracketed(account: Path) -> None:
    environ = {**POD, "KUBERNETES_SERVICE_HOST": "fd00::1"}
    assert in_cluster(environ, folder=account).server == "https://[fd00::1]:443"


def test_the_token_is_read_again_as_the_kubelet_renews_it(account: Path) -> None:
    connection = in_cluster(POD, folder=account)
    (account / "token").write_text("second")
    assert token(connection) == "second"
    (account / "token").unlink()
    assert token(connection) == "second"
    (account / "token").write_text("")
    assert token(connection) == "second"


def test_a_new_cluster_ca_is_trusted_beside_the_old_one(account: Path) -> None:
    connection = in_cluster(POD, folder=account)
    (account / "ca.crt").write_bytes(trustme.CA().cert_pem.bytes())
    assert len(connection.tls.get_ca_certs()) == 1
    token(connection)
    token(connection)
    assert len(connection.tls.get_ca_certs()) == 2
    (account / "ca.crt").write_text("half a certif")
    assert token(connection) == "first"


def test_no_pod_and_no_account_are_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="KUBERNETES_SERVICE_HOST"):
        in_cluster({}, folder=tmp_path)
    with pytest.raises(NoCluster) as error:
        in_cluster(POD, folder=tmp_path)
    assert "automountServiceAccountToken" in error.value.next_step


def test_nothing_configured_names_every_place_looked_at(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match=r"KUBECONFIG.*config.*pod"):
        find({}, home=tmp_path)
    with pytest.raises(NoCluster, match="No kubeconfig at"):
        find({"KUBECONFIG": str(tmp_path / "none")}, home=tmp_path)


def test_the_first_of_several_kubeconfigs_wins(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(json.dumps({"users": [{"name": "u", "user": {"token": "a"}}]}))
    (tmp_path / "b").write_text(json.dumps(config({"token": "b"})))
    environ = {"KUBECONFIG": f"{tmp_path / 'a'}:{tmp_path / 'none'}:{tmp_path / 'b'}"}
    connection = find(environ, home=tmp_path)
    assert token(connection) == "a"
    assert connection.namespace == "n"


def test_the_home_folders_config_is_found(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(json.dumps(config({"token": "home"})))
    assert token(find(POD, home=tmp_path)) == "home"


def test_a_client_certificate_is_shown_to_the_server(
    tmp_path: Path, ca: trustme.CA, mutual: str
) -> None:
    me = ca.issue_cert("me@example.org")
    (tmp_path / "key.pem").write_bytes(me.private_key_pem.bytes())
    certificate = base64.b64encode(me.cert_chain_pems[0].bytes()).decode()
    user = {"client-certificate-data": certificate, "client-key": "key.pem"}
    (tmp_path / "ca.pem").write_bytes(ca.cert_pem.bytes())
    document = config(user, mutual, **{"certificate-authority": "ca.pem"})
    assert version(kubeconfig(tmp_path / "config", document)) == "v1.36.1"


def test_a_token_file_is_read_at_every_call(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("one")
    connection = kubeconfig(tmp_path / "config", config({"tokenFile": "t"}))
    assert token(connection) == "one"
    (tmp_path / "t").write_text("two")
    assert token(connection) == "two"


PLUGIN = """
import json, os, pathlib, sys
runs = pathlib.Path(sys.argv[1]); runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
status = {"token": os.environ["WHO"] + str(len(runs.read_text()))}
if sys.argv[2:]: status["expirationTimestamp"] = sys.argv[2]
print(json.dumps({"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": status}))
"""


def plugin(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": ["-c", PLUGIN, str(tmp_path / "runs"), *arguments],
            "env": [{"name": "WHO", "value": "me"}],
        }
    }


def test_an_exec_plugin_is_asked_once_while_its_token_is_good(tmp_path: Path) -> None:
    connection = kubeconfig(tmp_path / "config", config(plugin(tmp_path, "2999-01-01T00:00:00Z")))
    assert [token(connection), token(connection)] == ["me1", "me1"]


def test_an_exec_plugin_is_asked_again_when_its_token_expires(tmp_path: Path) -> None:
    connection = kubeconfig(tmp_path / "config", config(plugin(tmp_path, "2001-01-01T00:00:00Z")))
    assert [token(connection), token(connection)] == ["me1", "me2"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(3)", "failed with 3"),
        ("print('hello')", "no ExecCredential"),
        ("print('[]')", "no ExecCredential"),
        ("print('x' * (1 << 21))", "more than 1 MiB"),
    ],
)
def test_a_plugin_that_fails_is_named(tmp_path: Path, code: str, message: str) -> None:
    fields = {"exec": {"command": sys.executable, "args": ["-c", code]}}
    connection = kubeconfig(tmp_path / "config", config(fields))
    with pytest.raises(NoCluster, match=message):
        token(connection)


def test_a_plugin_that_is_not_installed_gives_its_hint(tmp_path: Path) -> None:
    fields = {"exec": {"command": "./none", "installHint": "Get it\nfrom there."}}
    connection = kubeconfig(tmp_path / "config", config(fields))
    with pytest.raises(NoCluster) as error:
        token(connection)
    assert error.value.next_step == "Get it from there."


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "no kubeconfig"),
        ({"current-context": "x"}, "no context 'x'"),
        ({**config({}), "users": []}, "no user 'u'"),
        ({**config({}), "users": [{"name": "u"}]}, "has no user"),
        (config({"token": 1}), "no text"),
        (config({"username": "u"}), "dropped"),
        (config({"client-key-data": "%", "client-certificate-data": "%"}), "can't be read"),
        (config({}, "ftp://x"), "no server URL"),
        (config({}, **{"certificate-authority-data": "eA=="}), "CA of cluster 'c'"),
        (config({}, **{"tls-server-name": "x"}), "tls-server-name"),
        (config({"exec": {}}), "no command"),
    ],
)
def test_a_kubeconfig_that_can_not_be_used_says_why(
    tmp_path: Path, document: Any, message: str
) -> None:
    with pytest.raises(NoCluster, match=message):
        kubeconfig(tmp_path / "config", document)


def test_a_broken_kubeconfig_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{")
    with pytest.raises(NoCluster, match=r"config can't be read"):
        find({}, home=tmp_path, kubeconfig=tmp_path / "config")


def test_the_large_kubernetes_library_is_not_imported() -> None:
    """It costs 40 to 80 MB: the webhook's whole budget."""
    import subprocess

    code = (
        "import sys, webhook.kube.client, webhook.kube.kubeconfig; "
        "sys.exit('kubernetes' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
