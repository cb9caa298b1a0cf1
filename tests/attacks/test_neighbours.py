"""Attacks, each against a webhook of its own: all in `make attacks`, a few in `make test`."""

import pytest

from tests.attacks.attack import Attack
from tests.attacks.catalogue import ATTACKS
from tests.attacks.trial import tried

NEIGHBOURS = [
    pytest.param(
        each,
        id=f"{each.position}, {each.name}",
        marks=[] if each.quick else [pytest.mark.attacks],
    )
    for each in ATTACKS
]


@pytest.mark.timeout(180)
@pytest.mark.slow
@pytest.mark.xdist_group("attacks")
@pytest.mark.parametrize("attack", NEIGHBOURS)
def test_no_neighbour_makes_anothers_review_late_or_lost(attack: Attack) -> None:
    assert tried(attack).faults == []
