"""The registries file: whom to ask, in which order, and mistakes that show at start."""

from pathlib import Path

import pytest
import trustme

from webhook.core import image
from webhook.core.errors import BadSettings
from webhook.oci.registries import Registries, load


def asked(registries: Registries, reference: str) -> list[str]:
    return [each.root for each in registries.of(image.parse(reference)).endpoints]


def test_without_a_file_each_registry_is_asked_over_https() -> None:
    assert asked(Registries(), "nginx") == ["https://registry-1.docker.io/v2"]
    assert asked(Registries(), "r.example.com:5000/a") == ["https://r.example.com:5000/v2"]


def test_mirrors_come_in_order_and_the_registry_last(tmp_path: Path) -> None:
    file = tmp_path / "registries.yaml"
    file.write_text(
        """
docker.io:
  mirrors:
    - https://one.example.com
    - {url: "http://two.example.com:5000/hub", capabilities: [pull]}
    - {url: "https://three.example.com/api", overridePath: true}
quay.io: {server: "https://quay.example.com", lookup: never}
r.example.com:5000: {plainHTTP: true}
_default: {mirrors: ["https://all.example.com"]}
"""
    )
    registries = load(file)
    assert asked(registries, "nginx") == [
        "https://one.example.com/v2",
        "http://two.example.com:5000/hub/v2",
        "https://three.example.com/api",
        "https://registry-1.docker.io/v2",
    ]
    first, second, _, last = registries.of(image.parse("nginx")).endpoints
    assert (first.resolves, second.resolves, last.resolves) == (True, False, True)
    assert (first.mirror, last.mirror) == (True, False)
    quay = registries.of(image.parse("quay.io/a/b"))
    assert (quay.lookup, quay.endpoints[0].mirror) == (False, True)
    assert asked(registries, "r.example.com:5000/a") == ["http://r.example.com:5000/v2"]
    others = ["https://all.example.com/v2", "https://ghcr.io/v2"]
    assert asked(registries, "ghcr.io/a/b") == others
    assert not registries.knows("ghcr.io")
    assert registries.knows("docker.io")


def test_only_the_mirror_is_asked_where_it_is_the_default_server() -> None:
    registries = Registries({"_default": {"server": "https://only.example.com"}})
    assert asked(registries, "ghcr.io/a/b") == ["https://only.example.com/v2"]


def test_hosts_are_known_by_name_and_port_whatever_the_case() -> None:
    registries = Registries({"R.example.com": {"plainHTTP": True}})
    assert registries.host("r.EXAMPLE.com", 80) is not None
    assert registries.host("r.example.com", 443) is None
    assert registries.host("other.example.com", 80) is None


def test_paths_start_from_the_files_folder(tmp_path: Path) -> None:
    ca = trustme.CA().cert_pem.bytes()
    (tmp_path / "ca.pem").write_bytes(ca)
    (tmp_path / "registries.json").write_text(
        '{"r.io": {"ca": ["ca.pem"], "credentials": {"username": "u", "passwordFile": "p"}}}'
    )
    (endpoint,) = load(tmp_path / "registries.json").of(image.parse("r.io/a")).endpoints
    assert endpoint.ca == (ca.decode(),)
    assert endpoint.login is not None
    assert endpoint.login.password_file == str(tmp_path / "p")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "the file is no mapping"),
        ("{r.io: []}", "r.io is no mapping"),
        ("{r.io: {lookup: sometimes}}", "lookup is"),
        ("{r.io: {mirrors: x}}", "mirrors is a list"),
        ("{r.io: {mirrors: [ftp://x]}}", "no http:// or https:// URL"),
        ("{r.io: {mirrors: [7]}}", "no mapping"),
        ("{r.io: {mirrors: [{}]}}", "no http:// or https:// URL"),
        ('{r.io: {server: "https://u:p@x"}}', "no http:// or https:// URL"),
        ("{r.io: {skip_verify: true}}", "always verified"),
        ("{r.io: {plainHttp: true}}", "unknown plainHttp"),
        ("{r.io: {ca: /nonexistent}}", "ca /nonexistent"),
        ('{r.io: {ca: "-----BEGIN nonsense"}}', "no certificates"),
        ("{r.io: {addresses: [10.0.0.1/8]}}", "addresses"),
        ("{r.io: {credentials: {username: u}}}", "need username and passwordFile"),
        ("{r.io: {credentials: {password: x}}}", "unknown password"),
        ("{r.io: ", "can't be read"),
        ("7: {}", "no mapping"),
        ("'[a b': {}", "no http:// or https:// URL"),
        ("'r.io:99999': {}", "no http:// or https:// URL"),
    ],
)
def test_a_mistake_is_said_at_start_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "registries.yaml"
    file.write_text(text)
    with pytest.raises(BadSettings) as caught:
        load(file)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="can't be read"):
        load(tmp_path / "none")
