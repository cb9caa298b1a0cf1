"""One fault under load: pods are created at a fixed rate while it happens, and then counted."""

import time
from dataclasses import dataclass

from tests.integration.faults.faults import Fault
from tests.integration.faults.load import Figures
from tests.integration.faults.stage import Stage
from webhook.core.argv import INIT

_BEFORE = 3.0  # seconds of load before the fault


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the pods that were created around a fault."""

    fault: Fault
    figures: Figures
    stored: int
    unwrapped: int  # pods of which no container was wrapped: the webhook was not heard
    known: int  # others of which the container with a known image was left
    fresh: int  # others of which the container with a new image was left
    rejected: int
    seconds: float  # from the first pod that was not wrapped whole to the last
    remark: str = ""

    @property
    def lost(self) -> int:
        """Pods that a controller asked for and did not get."""
        return len(self.figures.sent) - self.stored

    @property
    def partly(self) -> int:
        """Pods that were wrapped but for one container."""
        return self.known + self.fresh

    @property
    def retried(self) -> int:
        """Pods that needed more than one attempt."""
        return sum(each.attempts > 1 for each in self.figures.sent)


def try_fault(stage: Stage, fault: Fault, *, rate: float) -> Trial:
    """Inflict a fault under load, and count what the API server has stored at the end."""
    if fault.environment:
        stage.replace_replicas(fault.environment)
    stage.choose(fault.engine)
    with stage.creating(rate=rate, seconds=fault.seconds, fresh=fault.fresh) as load:
        time.sleep(_BEFORE)
        remark = fault.inflict(stage) or ""
        figures = load.wait(fault.seconds)
    trial = _count(stage, fault, figures, remark, rate)
    stage.clear()
    stage.choose("webhook")
    if fault.environment:
        stage.replace_replicas({})
    stage.fleet.await_ready()
    stage.await_wrapping()
    return trial


def _count(stage: Stage, fault: Fault, figures: Figures, remark: str, rate: float) -> Trial:
    left: dict[int, frozenset[str]] = {}  # by the pod's number: its containers that were left
    stored = 0
    for pod in stage.pods():
        stored += 1
        containers = pod["spec"]["containers"]
        names = frozenset(
            each["name"] for each in containers if (each.get("command") or [""])[0] != INIT
        )
        if names:
            left[int(pod["metadata"]["name"].rpartition("-")[2])] = names
    others = [names for names in left.values() if "app" not in names]
    return Trial(
        fault,
        figures,
        stored=stored,
        unwrapped=len(left) - len(others),
        known=sum("known" in names for names in others),
        fresh=sum(names == {"fresh"} for names in others),
        rejected=sum(each.outcome.startswith("HTTP 4") for each in figures.sent),
        seconds=(max(left) - min(left)) / rate if left else 0.0,
        remark=remark,
    )
