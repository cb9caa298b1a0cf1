"""Globs as Go's filepath.Match reads them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.core.glob import compile_glob


# Rows of Go's own table for filepath.Match (path/filepath/match_test.go), those without a slash.
@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*c", "abc", True),
        ("a*", "a", True),
        ("a*", "abc", True),
        ("a*b*c*d*e*", "axbxcxdxe", True),
        ("a*b*c*d*e*", "axbxcxdxexxx", True),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^b-d]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a?b", "a☺b", True),
        ("a[^a]b", "a☺b", True),
        ("a???b", "a☺b", False),
        ("[a-\u03b6]*", "\u03b1", True),
        ("*[a-\u03b6]", "A", False),
        ("[\\]a]", "]", True),
        ("[\\-]", "-", True),
        ("[x\\-]", "x", True),
        ("[x\\-]", "z", False),
        ("[\\-x]", "a", False),
        ("[]a]", "]", None),
        ("[-]", "-", None),
        ("[x-]", "x", None),
        ("[-x]", "x", None),
        ("\\", "a", None),
        ("[a-b-c]", "a", None),
        ("[", "a", None),
        ("[^", "a", None),
        ("[^bc", "a", None),
        ("a[", "a", None),
        ("*x", "xxx", True),
        ("", "", True),
        ("**", "", True),
        ("?", "", False),
    ],
)
def test_patterns_mean_what_they_mean_in_go(pattern: str, text: str, fits: bool | None) -> None:
    compiled = compile_glob(pattern)
    if fits is None:
        assert compiled is None
    else:
        assert compiled is not None
        assert compiled.matches(text) is fits


def slowly(pattern: str, text: str) -> bool:
    """Match stars and question marks by trying all ways."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slowly(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and slowly(pattern[1:], text[1:])


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_it_is_what_trying_all_ways_gives(pattern: str, text: str) -> None:
    compiled = compile_glob(pattern)
    assert compiled is not None
    assert compiled.matches(text) is slowly(pattern, text)


@given(st.text("a[]^-\\*", max_size=12), st.text("a]-", max_size=4))
def test_nonsense_is_refused_or_read(pattern: str, text: str) -> None:
    compiled = compile_glob(pattern)
    assert compiled is None or compiled.matches(text) in (True, False)


def test_hostile_patterns_cost_what_plain_ones_do() -> None:
    hostile, plain = compile_glob("*a" * 100 + "b"), compile_glob("x" * 200)
    assert hostile is not None
    assert plain is not None
    text = "a" * 253

    def cost(pattern: object) -> float:
        start = time.process_time()
        for _ in range(200):
            assert not pattern.matches(text)  # type: ignore[attr-defined]
        return time.process_time() - start

    cost(hostile)
    assert cost(hostile) / 200 < 0.01  # backtracking would take longer than there are stars


def test_what_is_longer_than_a_host_name_matches_nothing() -> None:
    assert compile_glob("a" * 256) is None
    star = compile_glob("*")
    assert star is not None
    assert star.matches("a" * 255)
    assert not star.matches("a" * 256)
