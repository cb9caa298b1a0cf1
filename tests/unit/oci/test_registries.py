"""The registries file: whom to ask, in which order, and mistakes that show at start."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trustme

from webhook.core import image
from webhook.core.errors import BadSettings
from webhook.oci.endpoint import Endpoint, Registry
from webhook.oci.registries import Registries, load
from webhook.oci.registries_file import Host, Mirror, schema


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


def test_a_registry_is_asked_for_everything_unless_that_is_said() -> None:
    endpoint = Endpoint("https://r.io/v2")
    assert (Registry((endpoint,)).lookup, endpoint.resolves, endpoint.mirror) == (True, True, False)


def test_a_mirror_is_asked_for_tags_and_digests_unless_that_is_said() -> None:
    assert Mirror.model_validate("https://m.io").capabilities == ("pull", "resolve")


def test_there_is_no_root_where_there_is_no_url() -> None:
    assert Host().root("https://R.io:5000/x/") == "https://r.io:5000/x/v2"
    for written in ("https://r.io/x/v2", "https://r.io/x/v2/"):
        assert Host().root(written) == "https://r.io/x/v2"
    with pytest.raises(ValueError, match=r"'ftp://r\.io' is no http"):
        Host().root("ftp://r.io")


def test_a_key_may_be_written_as_containerd_writes_it() -> None:
    mirror = {"url": "https://m.io/api", "override_path": True}
    registries = Registries({"r.io": {"mirrors": [mirror]}})
    assert asked(registries, "r.io/a")[0] == "https://m.io/api"


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
        ("[]", "must be a mapping"),
        ("{r.io: []}", "r.io: must be a mapping"),
        ("{r.io: {lookup: sometimes}}", "r.io.lookup: must be 'always' or 'never'"),
        ("{r.io: {mirrors: x}}", "r.io.mirrors: must be a list"),
        ("{r.io: {mirrors: [ftp://x]}}", "no http:// or https:// URL"),
        ("{r.io: {mirrors: [https://m, ftp://x]}}", "r.io.mirrors.1.url: 'ftp://x' is no http"),
        ("{r.io: {mirrors: [7]}}", "r.io.mirrors.0: must be a mapping"),
        ("{r.io: {mirrors: [{}]}}", "r.io.mirrors.0.url: is needed"),
        ('{r.io: {server: "https://u:p@x"}}', "no http:// or https:// URL"),
        ("{r.io: {skip_verify: true}}", "always verified"),
        ("{r.io: {skipVerify: true}}", "always verified"),
        ("{r.io: {plainHttp: true}}", "r.io.plainHttp: there is no such key"),
        ("{r.io: {ca: /nonexistent}}", "ca /nonexistent"),
        ('{r.io: {ca: "-----BEGIN nonsense"}}', "no certificates"),
        (
            "{r.io: {addresses: [10.0.0.1/8]}}",
            "addresses.0: '10.0.0.1/8' is no network, as 10.0.0.0",
        ),
        ("{r.io: {credentials: {username: u}}}", "r.io.credentials.passwordFile: is needed"),
        ("{r.io: {credentials: {password: x}}}", "r.io.credentials.password: there is no such key"),
        ("{r.io: {mirrors: [{url: https://m, plainHTTP: true}]}}", "mirrors.0.plainHTTP: there is"),
        ("{r.io: {mirrors: [{url: https://m, capabilities: [all]}]}}", "mirrors.0.capabilities"),
        ("{r.io: {plainHTTP: 1}}", "r.io.plainHTTP: must be true or false"),
        ("{r.io: {overridePath: 'yes'}}", "r.io.overridePath: must be true or false"),
        ("{_default: {credentials: {username: u, passwordFile: p}}}", "_default.credentials would"),
        ("{_default: {plainHTTP: true}}", "_default.plainHTTP would be for any host"),
        ("{_default: {addresses: 169.254.0.0/16}}", "_default.addresses would be for any host"),
        ("{r.io: ", "can't be read"),
        ("7: {}", "7.[key]: must be a text"),
        ("'[a b': {}", "no http:// or https:// URL"),
        ("'r.io:99999': {}", "no http:// or https:// URL"),
        ("'[a b': {server: https://s.io}", "no http:// or https:// URL"),
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


def test_credentials_for_all_registries_are_for_the_one_server_that_is_asked() -> None:
    """Elsewhere they would be shown to whatever host a pod's author names."""
    login = {"username": "u", "passwordFile": "/p"}
    registries = Registries({"_default": {"server": "https://only.io", "credentials": login}})
    (endpoint,) = registries.of(image.parse("evil.example.com/a")).endpoints
    assert (endpoint.authority, endpoint.mirror) == ("only.io", True)
    assert endpoint.login is not None


def test_a_template_may_leave_a_value_out() -> None:
    registries = Registries({"r.io": None, "q.io": {"mirrors": None, "ca": None}, "_default": None})
    assert registries.knows("r.io")
    assert asked(registries, "q.io/a") == ["https://q.io/v2"]


def test_the_schema_takes_what_the_reader_takes() -> None:
    kind = schema()
    assert "$ref" not in str(kind)
    good = {
        "docker.io": {"mirrors": ["https://m.io", {"url": "https://n.io", "ca": "a.pem"}]},
        "r.io": {"plainHTTP": True, "addresses": ["10.0.0.0/8"], "lookup": "never"},
        "q.io": {"credentials": {"username": "u", "passwordFile": "p"}, "ca": ["a", "b"]},
        "_default": None,
    }
    jsonschema.validate(good, kind)
    bads: list[Any] = [{"r.io": {"plainHttp": True}}, {"r.io": {"mirrors": [{}]}}, {"r.io": []}]
    bads += [{"r.io": {key: value}} for key in ("ca", "addresses") for value in (7, [7])]
    for bad in bads:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, kind)


def test_the_schema_says_what_each_key_is_for() -> None:
    entry, _ = schema()["additionalProperties"]["anyOf"]
    _, mirror = entry["properties"]["mirrors"]["items"]["anyOf"]
    assert mirror["properties"]["url"]["description"] == "Where it is."
    for kind in (entry, mirror):
        assert [key for key, each in kind["properties"].items() if not each["description"]] == []


@pytest.mark.parametrize("first", ["a.io", "b.io"])
def test_a_registrys_own_entry_says_more_of_its_host_than_anothers_mirrors(first: str) -> None:
    entries: dict[str, Any] = {
        "a.io": {"mirrors": ["https://b.io"]},
        "b.io": {"addresses": ["10.0.0.0/8"]},
    }
    ordered = {first: entries[first], **entries}
    known = Registries(ordered).host("b.io", 443)
    assert known is not None
    assert [str(each) for each in known.networks] == ["10.0.0.0/8"]


def test_what_is_listed_goes_before_the_default_for_its_host() -> None:
    default = {"mirrors": ["https://b.io"]}
    known = Registries({"_default": default, "b.io": {"addresses": ["10.0.0.0/8"]}}).host(
        "b.io", 443
    )
    assert known is not None
    assert known.networks
