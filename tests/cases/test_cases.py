"""Every golden pod: what is expected of it, the laws, and the schemas of ten versions.

Semantics §1, §3 and §4 on real input. `python -m tests.cases` writes the expectations anew.
"""

import json
from pathlib import Path

import pytest

from tests.cases.load import Case, cases, shown
from tests.unit.core import resources
from tests.unit.core.pipeline import check_laws, mutate
from tests.unit.core.schemas import VERSIONS, complaints
from webhook.core import annotations as core_annotations
from webhook.core.annotations import PREFIX
from webhook.core.reasons import Reason

CASES = cases()

every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@every_case
def test_the_pod_becomes_what_is_expected(case: Case) -> None:
    found = json.loads(json.dumps(shown(mutate(case.pod, case.world))))
    assert found == case.expected, "if that is right: python -m tests.cases"


@every_case
def test_the_laws_hold(case: Case) -> None:
    """Semantics §4: nothing but ours changes, and the same program starts."""
    check_laws(case.pod, case.world)


@every_case
def test_every_version_of_the_api_knows_the_result_if_it_knew_the_pod(case: Case) -> None:
    """Semantics §6: an image volume is known since 1.31; all else we add since 1.28 at least."""
    after = mutate(case.pod, case.world).after
    assert complaints(case.pod, VERSIONS[-1]) == []
    for version in VERSIONS:
        said = set(complaints(after, version)) - set(complaints(case.pod, version))
        if case.world.delivery.as_volume and tuple(map(int, version.split("."))) < (1, 31):
            said = {line for line in said if not line.startswith("spec.volumes.")}
        assert not said, version


@every_case
def test_a_case_says_in_a_line_what_it_is_for(case: Case) -> None:
    [line] = (case.folder / "about.txt").read_text().splitlines()
    assert 10 <= len(line) <= 120


def test_the_pods_are_as_the_api_server_sends_them() -> None:
    """With its defaults filled in: a hand-written manifest would not show what they do."""
    assert len(CASES) >= 44
    pods = [case.pod for case in CASES]
    assert all(pod["spec"]["tolerations"] and "dnsPolicy" in pod["spec"] for pod in pods)
    assert all(pod["metadata"]["managedFields"] for pod in pods)
    projected = [pod for pod in pods if "kube-api-access-" in json.dumps(pod)]
    assert len(projected) >= len(pods) // 2


def annotations() -> set[str]:
    """Every annotation that core knows the name of."""
    values = [each for each in vars(core_annotations).values() if isinstance(each, str)]
    return {each for each in values if each.startswith(PREFIX) and each != PREFIX}


def test_every_annotation_has_a_row_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    rows = [line for line in readme.splitlines() if line.startswith("|")]
    for annotation in annotations():
        assert any(annotation in row for row in rows), annotation


def test_the_cases_show_every_reason_every_annotation_and_every_qos_class() -> None:
    outcomes = {fate for case in CASES for fate in case.expected["outcome"].values()}
    assert outcomes == {"wrapped", *Reason} - {Reason.LEFT_TO_WEBHOOK}  # the policy's, not ours
    named = {
        key.removeprefix(PREFIX).partition(".")[0]
        for case in CASES
        for key in case.pod["metadata"].get("annotations") or {}
        if key.startswith(PREFIX)
    }
    assert named >= {each.removeprefix(PREFIX).rstrip(".") for each in annotations()}
    classes = {resources.pod_qos(case.pod) for case in CASES}
    assert classes == {"Guaranteed", "Burstable", "BestEffort"}
