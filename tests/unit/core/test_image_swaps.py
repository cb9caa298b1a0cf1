"""Whose pods have their images swapped in place, by the words of the controllers' own sources."""

from typing import Any

import pytest

from webhook.core.image_swaps import swaps_images
from webhook.core.pod import Pod


@pytest.mark.parametrize(
    "gate",
    [
        "InPlaceUpdateReady",  # openkruise/kruise, apis/apps/pub
        "grove.io/InPlaceUpdateReady",
        "tkestack.io/InPlaceUpdate",  # tkestack/tapp
    ],
)
def test_who_waits_for_an_update_in_place_says_so_by_a_readiness_gate(gate: str) -> None:
    gates = [{"conditionType": "load-balancer"}, {"conditionType": gate}]
    assert swaps_images(Pod({"spec": {"readinessGates": gates}}))


def test_tektons_tasks_say_so_by_a_label() -> None:
    assert swaps_images(Pod({"metadata": {"labels": {"tekton.dev/taskRun": "build-1"}}}))


@pytest.mark.parametrize(
    "pod",
    [
        {},
        {"spec": {"readinessGates": [{"conditionType": "load-balancer"}]}},
        {"metadata": {"labels": {"tekton.dev/pipeline": "build"}}},
    ],
)
def test_all_others_do_not(pod: dict[str, Any]) -> None:
    assert not swaps_images(Pod(pod))
