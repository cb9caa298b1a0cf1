"""Semantics §2: credentials as the kubelet's keyring finds them."""

import base64
import json
import traceback
from typing import Any

import pytest

from webhook.core.credentials import ANONYMOUS, Credential, Keyring
from webhook.core.docker_auths import (
    from_auths,
    from_config,
    from_secret,
    location,
    token_or_password,
)
from webhook.core.errors import BadInput


def users(auths: dict[str, str], name: str) -> list[str]:
    ring = from_auths(
        {key: {"username": user, "password": "p"} for key, user in auths.items()}, source="s"
    )
    return [credential.username for credential in ring.matching(name)]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("key", "name", "fits"),
    [
        ("registry.example.com", "registry.example.com/team/app", True),
        ("https://registry.example.com", "registry.example.com/team/app", True),
        ("https://registry.example.com/v1/", "registry.example.com/team/app", True),
        ("https://registry.example.com/v2/", "registry.example.com/team/app", True),
        ("http://registry.example.com/v2/team", "registry.example.com/team/app", True),
        ("registry.example.com/team", "registry.example.com/team/app", True),
        ("registry.example.com/team/app", "registry.example.com/team/app", True),
        ("registry.example.com/other", "registry.example.com/team/app", False),
        ("registry.example.com/team", "registry.example.com/teams/app", True),  # a plain prefix
        ("*.example.com", "registry.example.com/team/app", True),
        ("*.example.com/team", "registry.example.com/team/app", True),
        ("*.example.com", "a.b.example.com/app", False),  # one glob, one label
        ("*.*.example.com", "a.b.example.com/app", True),
        ("reg*.example.com", "registry.example.com/app", True),
        ("registry.*.com", "registry.example.com/app", True),
        ("registry.example.*", "registry.example.com/app", True),
        ("registr?.example.com", "registry.example.com/app", True),
        ("[^a]egistry.example.com", "registry.example.com/app", True),
        ("*", "registry.example.com/app", False),
        ("registry.example.com:5000", "registry.example.com:5000/app", True),
        ("registry.example.com", "registry.example.com:5000/app", False),
        ("registry.example.com:5000", "registry.example.com/app", False),
        ("*.example.com:5000/team", "registry.example.com:5000/team/app", True),
        ("registry.example.com:*", "registry.example.com:5000/app", False),  # no glob in a port
        ("[::1]:5000", "[::1]:5000/app", True),
        ("https://index.docker.io/v1/", "docker.io/library/nginx", True),
        ("index.docker.io", "docker.io/library/nginx", True),
        ("docker.io", "docker.io/library/nginx", True),
        ("docker.io/library", "docker.io/library/nginx", True),
        ("docker.io/team", "docker.io/library/nginx", False),
        ("registry-1.docker.io", "docker.io/library/nginx", False),
    ],
)
def test_a_location_fits_an_image_as_the_kubelet_says(key: str, name: str, fits: bool) -> None:
    assert bool(users({key: "u"}, name)) is fits


def test_the_most_specific_entry_goes_first_and_all_are_given() -> None:
    auths = {
        "*.example.com": "glob",
        "r.example.com": "host",
        "r.example.com/team": "team",
        "r.example.com/team/app": "app",
    }
    assert users(auths, "r.example.com/team/app") == ["app", "team", "host", "glob"]


def test_specific_entries_of_a_later_secret_go_before_general_ones_of_the_first() -> None:
    first = from_auths({"r.example.com": {"username": "a", "password": "1"}}, source="first")
    second = from_auths({"r.example.com/t": {"username": "b", "password": "2"}}, source="second")
    found = (first + second).matching("r.example.com/t/app")
    assert [credential.source for credential in found] == ["second", "first"]


def test_equal_locations_keep_the_order_of_their_secrets() -> None:
    rings = [
        from_auths({"r.io": {"username": n, "password": n}}, source=n) for n in ("z", "a", "m")
    ]
    found = sum(rings, Keyring()).matching("r.io/app")
    assert [credential.source for credential in found] == ["z", "a", "m"]


def test_a_secret_given_twice_is_tried_once() -> None:
    ring = from_auths({"r.io": {"auth": b64("u:p")}}, source="pod")
    again = from_auths({"r.io": {"username": "u", "password": "p"}}, source="account")
    assert len((ring + again).matching("r.io/app")) == 1


def test_a_more_specific_hub_entry_hides_the_default_one_as_in_the_kubelet() -> None:
    auths = {"https://index.docker.io/v1/": "default", "docker.io/team": "team"}
    assert users(auths, "docker.io/team/app") == ["team"]
    assert users(auths, "docker.io/other/app") == ["default"]


@pytest.mark.parametrize("auth", [b64("me:pa:ss"), b64("me:pa:ss").rstrip("="), b64("me:pa:ss\0")])
def test_auth_is_split_at_the_first_colon_with_or_without_padding(auth: str) -> None:
    (found,) = from_auths({"r.io": {"auth": auth}}, source="s").matching("r.io/a")
    assert (found.username, found.password) == ("me", "pa:ss")


def test_auth_beats_username_and_password_as_in_the_kubelet() -> None:
    entry = {"auth": b64("me:p"), "username": "other", "password": "q"}
    (found,) = from_auths({"r.io": entry}, source="s").matching("r.io/a")
    assert found.username == "me"


def test_an_identity_token_is_kept_apart() -> None:
    entry = {"auth": b64("me:"), "identitytoken": "tok"}
    (found,) = from_auths({"r.io": entry}, source="s").matching("r.io/a")
    assert (found.identity_token, found.password) == ("tok", "")


def test_a_credential_program_says_by_the_user_name_that_it_gives_a_token() -> None:
    assert token_or_password(username="<token>", secret="t", source="s").identity_token == "t"
    assert token_or_password(username="AWS", secret="t", source="s").password == "t"


def test_more_images_than_are_remembered_find_their_credentials_all_the_same() -> None:
    ring = from_auths({"r.io/a1999": {"username": "u", "password": "p"}}, source="s")
    for _ in range(2):
        found = [n for n in range(2000) if ring.matching(f"r.io/a{n}")]
        assert found == [1999]


def test_an_entry_that_is_no_mapping_is_named() -> None:
    with pytest.raises(BadInput, match=r"^secret a/b has an entry that is no mapping$"):
        from_auths({"r.io": "u:p"}, source="secret a/b")


def test_empty_entries_are_dropped() -> None:
    assert from_auths({"r.io": {}, "q.io": {"email": "x@example.com"}}, source="s") == Keyring()


@pytest.mark.parametrize(
    ("kind", "key", "body"),
    [
        ("kubernetes.io/dockerconfigjson", ".dockerconfigjson", {"auths": {"r.io": "AUTH"}}),
        ("kubernetes.io/dockercfg", ".dockercfg", {"r.io": "AUTH"}),
    ],
)
def test_both_kinds_of_pull_secret_are_read(kind: str, key: str, body: dict[str, object]) -> None:
    text = json.dumps(body).replace('"AUTH"', json.dumps({"auth": b64("u:p")}))
    ring = from_secret({"type": kind, "data": {key: b64(text)}}, source="secret a/b")
    assert [c.source for c in ring.matching("r.io/app")] == ["secret a/b"]


CANARY = "c4n4ry-s3cr3t"


@pytest.mark.parametrize(
    "secret",
    [
        {},
        {"type": "Opaque", "data": {".dockerconfigjson": b64(CANARY)}},
        {"type": "kubernetes.io/dockerconfigjson"},
        {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": CANARY}},
        {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": 7}},
        {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": b64(CANARY)}},
        {
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": b64(json.dumps({"auths": {"r": {"auth": CANARY}}}))},
        },
        {
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": b64(json.dumps({"auths": {"r": {"auth": b64(CANARY)}}}))},
        },
        {
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": b64(json.dumps({"auths": [CANARY]}))},
        },
        {
            "type": "kubernetes.io/dockercfg",
            "data": {".dockercfg": b64("[" * 100_000)},
        },
        {
            "type": "kubernetes.io/dockercfg",
            "data": {".dockercfg": b64(json.dumps({"r": {"password": [CANARY]}}))},
        },
    ],
)
def test_a_malformed_secret_is_bad_input_and_is_never_quoted(secret: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        from_secret(secret, source="secret a/b")
    assert "secret a/b" in str(caught.value)
    text = "".join(traceback.format_exception(caught.value))  # what a log would show
    assert CANARY not in text
    assert b64(CANARY) not in text


@pytest.mark.parametrize("stray", ["!", "\n", " "])
def test_base64_with_a_stray_character_is_not_read_around_it(stray: str) -> None:
    """Go's decoder passes over line breaks, but the API server writes none."""
    whole = secret({"r.io": ONE})
    key = ".dockerconfigjson"
    text = whole["data"][key]
    with pytest.raises(BadInput, match=r"^secret a/b holds no readable docker configuration$"):
        from_secret({**whole, "data": {key: stray + text}}, source="secret a/b")


def test_a_config_without_auths_is_an_empty_keyring() -> None:
    assert from_config({"credsStore": "x"}, source="s") == Keyring()


def test_a_credential_never_shows_its_secret() -> None:
    shown = repr(Credential("s", "user-x", CANARY, CANARY)) + repr(
        from_auths({"r.io": {"username": "u", "password": CANARY}}, source="s")
    )
    assert CANARY not in shown
    assert "user-x" not in shown


def test_identities_differ_where_secrets_differ_and_only_there() -> None:
    assert Credential("a", "u", "p").identity == Credential("b", "u", "p").identity
    different = {
        Credential("a", "u", "p").identity,
        Credential("a", "up", "").identity,
        Credential("a", "", "up").identity,
        Credential("a", identity_token="up").identity,
        ANONYMOUS.identity,
    }
    assert len(different) == 5


def test_hostile_globs_cost_no_exponential_time() -> None:
    assert users({"*a" * 60 + "b.io": "u"}, "a" * 200 + ".io/app") == []


@pytest.mark.parametrize("key", ["", "/", "https://", "*", "[", "[[", "::::", "a//b", "\0"])
def test_strange_locations_match_nothing_and_break_nothing(key: str) -> None:
    assert users({key: "u"}, "registry.example.com/app") == []
    assert isinstance(location(key), str)


def secret(auths: dict[str, object]) -> dict[str, Any]:
    content = b64(json.dumps({"auths": auths}))
    return {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": content}}


ONE = {"username": "u", "password": "p"}


@pytest.mark.parametrize(
    "auths",
    [
        {f"r{number}.io": ONE for number in range(22_000)},
        {f"r{number}.io": ONE for number in range(1025)},
        {"r.io": {"username": "u", "password": "x" * (300 << 10)}},
    ],
)
def test_a_secret_out_of_all_proportion_is_refused(auths: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"secret a/b (is larger than|has more than)"):
        from_secret(secret(auths), source="secret a/b")


def test_a_hundred_tokens_of_a_cloud_are_no_large_secret() -> None:
    auths: dict[str, object] = {
        f"{number}.dkr.ecr.eu-central-1.amazonaws.com": {"auth": b64("AWS:" + "t" * 1800)}
        for number in range(100)
    }
    assert len(from_secret(secret(auths), source="s").entries) == 100


def test_many_secrets_together_are_as_bounded_as_one() -> None:
    rings = [
        from_auths(
            {f"r.io/{part}{n}": {"username": f"{part}{n}", "password": "p"} for n in range(1000)},
            source=part,
        )
        for part in "abc"
    ]
    together = sum(rings, Keyring())
    assert len(together.entries) == 1024
    assert [each.username for each in together.matching("r.io/b23")] == ["b23", "b2"]
    assert together.matching("r.io/c1") == ()


def test_few_of_many_matching_credentials_are_tried() -> None:
    auths = {"r.io" + "/a" * n: {"username": str(n), "password": "p"} for n in range(40)}
    found = from_auths(auths, source="s").matching("r.io" + "/a" * 50)
    assert [each.username for each in found] == [str(n) for n in range(39, 23, -1)]


def test_globs_beyond_the_first_few_do_not_count() -> None:
    auths = {f"*{number}.io": f"u{number}" for number in range(1000)}
    assert users(auths, "x15.io/app") == ["u5", "u15"]
    assert users(auths, "x16.io/app") == ["u6"]
    assert users(auths, "x999.io/app") == ["u9"]


def test_a_name_is_matched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = from_auths({"r.io": ONE, "*.io": ONE}, source="s")
    first = ring.matching("r.io/app")
    monkeypatch.setattr(Keyring, "_match", None)
    assert ring.matching("r.io/app") is first


def test_a_location_that_is_longer_than_any_image_is_left_out() -> None:
    """Its host would be split at every dot, and kept so."""
    auths = {f"{'a.' * 100_000}com": "long", "r.example.com": "short"}
    ring = from_auths({key: {"username": user} for key, user in auths.items()}, source="s")
    assert [each.location for each in ring.entries] == ["r.example.com"]


def test_a_secret_is_read_up_to_384_kib_and_1024_entries() -> None:
    whole = secret({f"r{number}.io": ONE for number in range(1024)})
    assert len(from_secret(whole, source="s").entries) == 1024
    content = base64.b64decode(whole["data"][".dockerconfigjson"])
    for more, read in ((0, True), (3, False)):
        text = base64.b64encode(content.ljust((384 << 10) // 4 * 3 + more)).decode()
        large = {**whole, "data": {".dockerconfigjson": text}}
        if read:
            assert from_secret(large, source="s") == from_secret(whole, source="s")
            continue
        with pytest.raises(BadInput, match=r"^s is larger than 384 KiB$"):
            from_secret(large, source="s")


def test_a_location_may_have_1024_characters() -> None:
    keys = ["r.io/".ljust(length, "a") for length in (1024, 1025)]
    ring = from_auths(dict.fromkeys(keys, ONE), source="s")
    assert [each.location for each in ring.entries] == keys[:1]


@pytest.mark.parametrize("stray", ["!", "?", "-", "\n", "="])
def test_an_auth_with_a_stray_character_is_not_read_around_it(stray: str) -> None:
    auth = b64("me:pass")
    for wrong in (f"{auth[:4]}{stray}{auth[4:]}", f"{stray}{auth}", f"{auth}{stray}"):
        if wrong.strip().rstrip("=") == auth.rstrip("="):
            continue  # blanks around it and any padding are docker's own
        with pytest.raises(BadInput, match=r"^s has an entry whose `auth` is not base64 of text$"):
            from_auths({"r.io": {"auth": wrong}}, source="s")


def test_of_a_password_only_dockers_padding_is_taken_off() -> None:
    for password in ("pass?", "pass\0?", "pass ", "=pass="):
        (found,) = from_auths({"r.io": {"auth": b64(f"me:{password}")}}, source="s").matching(
            "r.io"
        )
        assert found.password == password
