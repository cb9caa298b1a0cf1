"""Manifest, review over TLS, patch, and the patched pod running: no zombies, nothing else new.

Each file in cases/ holds a pod and what is expected of its containers. Unless it says `alone:
false`, the same pod runs without initshim as well, and must print and exit the same (semantics §4).
"""

from pathlib import Path

import pytest
import yaml

from tests.integration.pods.conftest import Admit, cases
from tests.integration.pods.runtime import Node, Ran

pytestmark = pytest.mark.xdist_group("podman")


@pytest.mark.parametrize("case", cases(), ids=lambda path: path.stem)
def test_an_admitted_pod_runs_as_it_did_and_leaves_no_zombie(
    case: Path, node: Node, admit: Admit
) -> None:
    document = yaml.safe_load(case.read_text())
    pod, expected = document["pod"], document["expected"]
    admitted = admit(pod)
    assert admitted != pod
    ran = node.run(admitted, signal=expected.get("signal", ""))
    for name, code in expected["exits"].items():
        assert ran[name].exit == code, ran[name]
    for name, lines in expected.get("prints", {}).items():
        assert set(lines) <= set(ran[name].lines), ran[name]
    leaks = expected.get("zombies", {})
    for name in leaks:
        assert ran[name].zombies == 0
    if expected.get("alone", True):
        alone = node.run(pod_alone(pod), signal=expected.get("signal", ""))
        for name, count in leaks.items():
            assert alone[name].zombies == count, "the case proves nothing: nothing leaks"
        assert {name: same(each) for name, each in ran.items()} == {
            name: same(each) for name, each in alone.items()
        }


def pod_alone(pod: dict[str, object]) -> dict[str, object]:
    metadata = pod["metadata"]
    assert isinstance(metadata, dict)
    return {**pod, "metadata": {"name": f"{metadata['name']}-alone"}}


def same(ran: Ran) -> tuple[int, list[str]]:
    """What must not differ."""
    return ran.exit, [line for line in ran.lines if not line.startswith("zombies:")]
