"""Where the API server is, and who we are there."""

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.fakes.api_server import ApiServer, serving
from webhook.kube.client import KubeClient
from webhook.kube.config import load_config
from webhook.kube.connect import Connection, in_cluster
from webhook.kube.errors import ApiUnreachable, NoCluster

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
        async with KubeClient(connection) as client:
            return await client.version()

    return asyncio.run(ask())


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def config(user: Any, server: str = "https://localhost:1", **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
    }


def kubeconfig(path: Path, document: Any, environ: dict[str, str] | None = None) -> Connection:
    path.write_text(json.dumps(document))  # JSON is YAML
    return load_config(environ or {}, home=path.parent, kubeconfig=path)


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
        load_config({}, home=tmp_path)
    with pytest.raises(NoCluster, match="No kubeconfig at"):
        load_config({"KUBECONFIG": str(tmp_path / "none")}, home=tmp_path)


def test_without_a_kubeconfig_a_pod_is_its_service_account(tmp_path: Path) -> None:
    with pytest.raises(NoCluster) as error:  # here is no account
        load_config(POD, home=tmp_path)
    assert "automountServiceAccountToken" in error.value.next_step


def test_the_first_of_several_kubeconfigs_wins(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(json.dumps({"users": [{"name": "u", "user": {"token": "a"}}]}))
    (tmp_path / "b").write_text(json.dumps(config({"token": "b"})))
    (tmp_path / "c").write_text(json.dumps({"current-context": "elsewhere"}))
    environ = {"KUBECONFIG": ":".join(str(tmp_path / name) for name in ("a", "none", "b", "c"))}
    connection = load_config(environ, home=tmp_path)
    assert token(connection) == "a"
    assert connection.namespace == "n"


def test_the_home_folders_config_is_found(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(json.dumps(config({"token": "home"})))
    assert token(load_config(POD, home=tmp_path)) == "home"


def test_a_client_certificate_is_shown_to_the_server(
    tmp_path: Path, ca: trustme.CA, mutual: str
) -> None:
    me = ca.issue_cert("me@example.org")
    (tmp_path / "key.pem").write_bytes(me.private_key_pem.bytes())
    (tmp_path / "me.pem").write_bytes(me.cert_chain_pems[0].bytes())
    files = {"client-certificate": "me.pem", "client-key": "key.pem"}
    inline = {
        "client-certificate-data": encoded(me.cert_chain_pems[0].bytes()),
        "client-key-data": encoded(me.private_key_pem.bytes()),
    }
    (tmp_path / "ca.pem").write_bytes(ca.cert_pem.bytes())
    for user in (files, inline):
        document = config(user, mutual, **{"certificate-authority": "ca.pem"})
        assert version(kubeconfig(tmp_path / "config", document)) == "v1.36.1"


def test_a_token_file_is_found_from_the_kubeconfigs_folder(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("one\n")
    assert token(kubeconfig(tmp_path / "config", config({"tokenFile": "t"}))) == "one"


@pytest.mark.parametrize("name", ["api.internal", "other.internal"])
def test_the_certificate_may_name_another_server_than_the_url(
    tmp_path: Path, ca: trustme.CA, name: str
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("api.internal").configure_cert(tls)
    more = {"certificate-authority-data": encoded(ca.cert_pem.bytes()), "tls-server-name": name}
    with serving(ApiServer(), tls) as url:
        connection = kubeconfig(tmp_path / "config", config({"token": "t"}, url, **more))
        if name == "api.internal":
            assert version(connection) == "v1.36.1"
        else:
            with pytest.raises(ApiUnreachable, match=r"api\.internal|Hostname mismatch"):
                version(connection)


def test_a_server_is_not_verified_where_the_kubeconfig_says_so(
    tmp_path: Path, ca: trustme.CA
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("api.internal").configure_cert(tls)
    with serving(ApiServer(), tls) as url:
        document = config({"token": "t"}, url, **{"insecure-skip-tls-verify": True})
        assert version(kubeconfig(tmp_path / "config", document)) == "v1.36.1"


def test_only_the_kubeconfigs_own_proxy_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://environment:1")
    path = tmp_path / "config"
    assert kubeconfig(path, config({})).proxy is None
    proxied = config({}, **{"proxy-url": "http://proxy:3128"})
    assert kubeconfig(path, proxied).proxy == "http://proxy:3128"


def test_a_context_is_chosen_by_name(tmp_path: Path) -> None:
    document = config({"token": "mine"})
    document["users"].append({"name": "v", "user": {"token": "yours"}})
    document["contexts"].append({"name": "there", "context": {"cluster": "c", "user": "v"}})
    (tmp_path / "config").write_text(json.dumps(document))
    there = load_config({}, home=tmp_path, kubeconfig=tmp_path / "config", context="there")
    assert (token(there), there.namespace) == ("yours", "default")


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
    assert token(connection) != token(connection)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(3)", "process returned 3"),
        ("import sys; sys.exit('log in first')", "log in first"),
        ("print('hello')", "failed to decode process output"),
        ("print('{}')", "malformed response"),
    ],
)
def test_a_plugin_that_fails_is_said_in_a_sentence(tmp_path: Path, code: str, message: str) -> None:
    fields = {"exec": {"apiVersion": "v1", "command": sys.executable, "args": ["-c", code]}}
    with pytest.raises(NoCluster, match=message) as error:
        kubeconfig(tmp_path / "config", config(fields))
    assert "kubectl" in error.value.next_step


def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    fields = {"exec": {"apiVersion": "v1", "command": "no-such-plugin"}}
    with pytest.raises(NoCluster, match="No such file or directory: 'no-such-plugin'"):
        kubeconfig(tmp_path / "config", config(fields))


def test_a_plugin_that_fails_later_on_is_an_error_too(tmp_path: Path) -> None:
    fields = plugin(tmp_path, "2001-01-01T00:00:00Z")
    connection = kubeconfig(tmp_path / "config", config(fields))
    (tmp_path / "runs").unlink()
    (tmp_path / "runs").mkdir()
    with pytest.raises(NoCluster, match="process returned 1"):
        token(connection)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "is empty"),
        ([], "no kubeconfig"),
        ("text", "no kubeconfig"),
        ({}, "Expected key current-context"),
        ({**config({}), "current-context": "x"}, "Expected object with name x"),
        ({**config({}), "clusters": []}, "Expected object with name c"),
        ({**config({}), "users": [{"name": "u"}]}, "Expected key user"),
        (config({"tokenFile": 1}), "no kubeconfig"),
        (config({"tokenFile": "none"}), "No such file"),
        (config({"client-key-data": "%", "client-certificate-data": "%"}), "can't be used"),
        (config({"client-key": "none", "client-certificate": "none"}), "does not exist"),
        (config({}, "ftp://x"), "no server URL"),
        (config({}, ""), "no server URL"),
        (config({}, **{"certificate-authority-data": "eA=="}), "can't be used"),
        (config({"exec": {"apiVersion": "v1"}}), "missing key 'command'"),
    ],
)
def test_a_kubeconfig_that_can_not_be_used_says_why(
    tmp_path: Path, document: Any, message: str
) -> None:
    with pytest.raises(NoCluster, match=message):
        kubeconfig(tmp_path / "config", document)


def test_a_name_and_password_are_refused(tmp_path: Path) -> None:
    document = config({"username": "u", "password": "hunter2"})
    with pytest.raises(NoCluster, match="which Kubernetes dropped") as error:
        token(kubeconfig(tmp_path / "config", document))
    assert "hunter2" not in str(error.value)


def test_no_secret_is_quoted_from_a_broken_entry(tmp_path: Path) -> None:
    """The library names an entry by its content."""
    broken = {"name": "u", "token": "hunter2"}
    with pytest.raises(NoCluster) as error:
        kubeconfig(tmp_path / "config", {**config({}), "users": [broken]})
    assert str(tmp_path) in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_broken_kubeconfig_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{")
    with pytest.raises(NoCluster, match=r"config can't be used.*line 1"):
        load_config({}, home=tmp_path, kubeconfig=tmp_path / "config")


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match=r"No kubeconfig at .*none"):
        load_config({}, home=tmp_path, kubeconfig=tmp_path / "none")


@pytest.mark.slow
def test_the_webhook_does_not_import_the_large_kubernetes_library() -> None:
    """docs/adr/0003: it costs half of the webhook's memory."""
    code = "import sys, webhook.server.run; sys.exit('kubernetes' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
