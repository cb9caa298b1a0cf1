"""NOTES.txt as helm prints it after an install."""

import functools
import re
from pathlib import Path

import pytest

from tests.chart.render import CHART, NAMESPACE, run


@functools.cache
def notes(helm: Path, *options: str) -> str:
    """Give what `helm install` would print; --dry-run=client asks no cluster."""
    install = ("install", "initshim", str(CHART), "--namespace", NAMESPACE, "--dry-run=client")
    return run(helm, *install, *options).partition("NOTES:")[2]


def test_there_are_three_commands(helm: Path) -> None:
    said = notes(helm)
    assert "kubectl label namespace NAMESPACE initshim.dev/inject=enabled" in said
    assert "kubectl -n NAMESPACE rollout restart deployment" in said
    assert r"initshim\.dev/status" in said
    assert re.findall(r"^ +(\d)\. ", said, re.MULTILINE) == ["1", "2", "3"]


def test_they_end_with_what_looks_at_the_installation(helm: Path) -> None:
    said = notes(helm)
    assert re.findall(r"initshim (doctor|audit|leaks) ", said) == ["doctor", "audit", "leaks"]


def test_with_opt_out_nobody_is_told_to_label(helm: Path) -> None:
    said = notes(helm, "--set", "mode=optOut")
    assert "kubectl label namespace" not in said
    assert f"helm test initshim -n {NAMESPACE}" in said


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("registry.pullSecretNamespaces={*}", "may read every secret"),
        ("registry.pullSecretNamespaces={shop,warehouse}", "pull secrets in: shop, warehouse."),
        ("replicas=2", "registry.pullSecretNamespaces lists the namespaces"),
        ("admission.failurePolicy=Fail", "no pod of these namespaces starts"),
        ("rbac.create=false", "rbac.create is false"),
        ("events.enabled=true", "--field-selector reason=LeftWithoutInit"),
        ("hostNetwork=true", "can't enforce Pod Security"),
    ],
)
def test_what_an_administrator_should_know_is_said(helm: Path, values: str, sentence: str) -> None:
    assert sentence in notes(helm, "--set", values)


def test_nobody_is_warned_about_what_is_not_so(helm: Path) -> None:
    said = notes(helm)
    assert "every secret" not in said
    assert "NOTE:" not in said
    assert "LeftWithoutInit" not in said
