"""Semantics §1, `$`: the port of the kubelet's expansion, and that doubling undoes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.kubelet import expand
from webhook.core.argv import escape

VARIABLES = {"VAR_A": "A", "VAR_B": "B", "VAR_C": "C", "VAR_REF": "$(VAR_A)", "VAR_EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)_$(VAR_B)_$(VAR_C)", "A_B_C"),
        ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
        ("f000-$$VAR_A", "f000-$VAR_A"),
        ("foo\\$(VAR_C)bar", "foo\\Cbar"),
        ("$(VAR_A$(VAR_B))", "$(VAR_A$(VAR_B))"),
        ("$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"),
        ("$(VAR_REF)", "$(VAR_A)"),
        ("foo$(VAR_EMPTY)bar", "foobar"),
        ("foo$(VAR_Awhoops!", "foo$(VAR_Awhoops!"),
        ("f00__(VAR_A)__", "f00__(VAR_A)__"),
        ("$?_boo_$!", "$?_boo_$!"),
        ("$VAR_A", "$VAR_A"),
        ("$(VAR_DNE)", "$(VAR_DNE)"),
        ("$$$$$$(VAR_A)", "$$$(VAR_A)"),
        ("$$$$$$$(VAR_A)", "$$$A"),
        ("${VAR_A}", "${VAR_A}"),
        ("$(VAR_B)_______$(", "B_______$("),
        ("$(VAR_A)foobarzab$", "Afoobarzab$"),
        ("--$($($($($--", "--$($($($($--"),
        ("$(foo$$var)", "$(foo$$var)"),
    ],
)
def test_the_port_expands_as_the_kubelet_does(text: str, expanded: str) -> None:
    """Attributes from kubernetes third_party/forked/golang/expansion/expand_test.go."""
    assert expand(text, VARIABLES) == expanded.encode()


@given(st.text(alphabet=st.one_of(st.sampled_from("$()VAR_ABC"), st.characters(codec="utf-8"))))
def test_a_doubled_dollar_comes_back_as_it_was(text: str) -> None:
    assert expand(escape(text), VARIABLES) == text.encode()


def test_the_kubelet_garbles_a_dollar_before_an_accent_unless_it_is_doubled() -> None:
    """Why escaping can't be done only where `$(` follows."""
    assert expand("$é", {}) != "$é".encode()
    assert expand("$$é", {}) == "$é".encode()
