"""How an admission policy brings the reaper, as its own patch says it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import initshim
from webhook.cli.installation.policy_delivery import Brought, brought

DEPLOYED = Path(__file__).resolve().parents[4] / "deploy" / "policy.yaml"
IMAGE = f"ghcr.io/initshim/reaper:{initshim.__version__}"


@pytest.fixture
def policy() -> Any:
    kinds = {each["kind"]: each for each in yaml.safe_load_all(DEPLOYED.read_text()) if each}
    return kinds["MutatingAdmissionPolicy"]


def test_it_is_read_from_the_charts_policy(policy: Any) -> None:
    assert brought([policy]) == Brought(IMAGE, as_volume=False)


def test_the_first_policy_that_says_it_counts(policy: Any) -> None:
    """Kyverno's, a label's, one of ours that somebody has cut: none of them says it."""
    other: Any = {"jsonPatch": {"expression": '[JSONPatch{op: "add", path: "/metadata/labels/a"}]'}}
    applied = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}
    foreign: list[Any] = [{}, {"spec": {}}, {"spec": {"mutations": [other, applied]}}]
    assert brought([*foreign, policy]) == brought([policy])
    assert brought(foreign) is None
