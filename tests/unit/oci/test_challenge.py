"""WWW-Authenticate: what registries send is read, the rest is survived."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.oci.challenge import LONGEST, Challenge, parse

HUB = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:library/nginx:pull"'
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            HUB,
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:library/nginx:pull",
                    },
                )
            ],
        ),
        ('Basic realm="x"', [Challenge("basic", {"realm": "x"})]),
        ("basic REALM=x", [Challenge("basic", {"realm": "x"})]),
        (
            'Bearer realm = "x" , service = "y"',
            [Challenge("bearer", {"realm": "x", "service": "y"})],
        ),
        ('Bearer realm="a\\"b\\\\c"', [Challenge("bearer", {"realm": 'a"b\\c'})]),
        ('Bearer realm="a,b=c"', [Challenge("bearer", {"realm": "a,b=c"})]),
        (
            'Basic realm="x", Bearer realm="y"',
            [Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": "y"})],
        ),
        ("Negotiate", [Challenge("negotiate", {})]),
        (
            'Negotiate YWJj==, Basic realm="x"',
            [Challenge("negotiate", {}), Challenge("basic", {"realm": "x"})],
        ),
        ('Bearer realm="one", realm="two"', [Challenge("bearer", {"realm": "one"})]),
        ('Bearer realm="unclosed', [Challenge("bearer", {"realm": '"unclosed'})]),
        ("Bearer realm=", [Challenge("bearer", {})]),  # by the grammar a token68
        ("", []),
        (",,,", []),
        ("\x00\x01", []),
        ("(Basic realm=x", [Challenge("basic", {"realm": "x"})]),
        ("x" * 8192, [Challenge("x" * 8192, {})]),
        ("x" * 8193, []),
    ],
)
def test_challenges_are_read_as_rfc_9110_has_them(header: str, expected: list[Challenge]) -> None:
    assert list(parse([header])) == expected


def test_several_headers_are_one_list() -> None:
    assert [each.scheme for each in parse(["Basic realm=x", HUB])] == ["basic", "bearer"]


def test_the_number_of_challenges_and_parameters_is_capped() -> None:
    assert len(parse([", ".join(f"S{n} a=b" for n in range(500))])) == 32
    (one,) = parse(["Bearer " + ",".join(f"a{n}=b" for n in range(500))])
    assert len(one.parameters) == 32


@given(st.text(alphabet=st.sampled_from('abB ,="\\\t;:/\x00é'), max_size=400))
def test_nothing_that_a_server_sends_is_an_error(text: str) -> None:
    for challenge in parse([text]):
        assert challenge.scheme == challenge.scheme.lower() != ""


@pytest.mark.parametrize("piece", ['"', "\\", 'a="', "a=", ",", " ", 'a="\\', "A", "a b", '"\\"'])
def test_long_nonsense_ends(piece: str) -> None:
    """At the length that is allowed; a parser that backtracks would not come back."""
    parse([(piece * LONGEST)[:LONGEST]] * 50)


@given(
    st.dictionaries(
        st.text(alphabet="abcdefgh", min_size=1, max_size=8),
        st.text(alphabet=st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_quoted_properly_comes_back(parameters: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = "Bearer " + ", ".join(f"{key}={quoted(value)}" for key, value in parameters.items())
    assert parse([header]) == (Challenge("bearer", parameters),)
