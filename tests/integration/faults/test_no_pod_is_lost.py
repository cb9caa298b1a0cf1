"""A sample of `make faults`: two faults at a low rate, and whether the generator is honest."""

import time
from collections.abc import Iterator

import pytest

from tests.integration.controlplane.assets import Missing
from tests.integration.faults.faults import FAULTS, Fault
from tests.integration.faults.stage import Stage, stage
from tests.integration.faults.trial import try_fault

SAMPLE = [each for each in FAULTS if each.name in ("SIGKILL of a replica", "slow clients")]
STALL = 1.0  # seconds
pytestmark = [pytest.mark.controlplane, pytest.mark.xdist_group("faults")]


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    try:
        with stage(tmp_path_factory.mktemp("stage")) as made:
            yield made
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("fault", SAMPLE, ids=lambda fault: fault.name)
def test_no_pod_is_lost_or_rejected(on: Stage, fault: Fault) -> None:
    trial = try_fault(on, fault, rate=5)
    assert trial.stored == len(trial.figures.sent) > 0
    assert (trial.lost, trial.rejected) == (0, 0)


def test_every_review_that_is_due_is_sent_and_answered(on: Stage) -> None:
    with on.reviewing(rate=20, seconds=2) as load:
        assert load.wait(2).outcomes == {"wrapped": 40}


def test_a_stall_is_charged_to_every_review_that_was_due_in_it(on: Stage) -> None:
    with on.reviewing(rate=20, seconds=4) as load:
        time.sleep(1)
        for each in on.fleet.replicas:
            each.pause()
        time.sleep(STALL)
        for each in on.fleet.replicas:
            each.resume()
        figures = load.wait(4)
    waited = [each for each in figures.sent if each.latency > STALL / 2]
    assert len(waited) >= 20 * STALL / 4  # those that were due in the first half of it, and room
    assert figures.failed == {}
