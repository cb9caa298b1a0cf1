"""Pods counted by workload, and what is left to be done. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from webhook.cli import output
from webhook.cli.audit.compare import MISSED, State
from webhook.cli.audit.list_pods import Audited
from webhook.cli.audit.owners import Workload, again
from webhook.cli.installation.survey import INSTALL
from webhook.cli.outcomes import WHOLE_POD, WRAPPED, Outcome
from webhook.core.reasons import Reason

if TYPE_CHECKING:
    from webhook.cli.installation.reaper_delivery import Undelivered

_USUAL = {WRAPPED, *(reason for reason in Reason if reason.meaning.usual)}

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Tally:
    """The pods of one workload, counted by state; outcomes by container and in pods."""

    workload: Workload
    states: Counter[State]
    outcomes: Counter[Outcome]
    pods: tuple[Audited, ...]

    @property
    def live(self) -> int:
        """How many pods have not ended."""
        return self.states.total() - self.states[State.ENDED]

    @property
    def note(self) -> str:
        """What is not wrapped, in short: `proxy has-init, app missed (2)`."""
        unusual: Counter[str] = Counter()
        for each, count in self.outcomes.items():
            if each.outcome not in _USUAL:
                who = "" if each.container == WHOLE_POD else f"{each.container} "
                unusual[f"{who}{each.outcome}"] += count
        shown = [
            what if count == self.live else f"{what} ({count})"
            for what, count in sorted(unusual.items())
        ]
        if self.states[State.STUCK]:
            shown.append(f"{self.states[State.STUCK]} stuck")
        if self.states[State.ENDED]:
            shown.append(f"{self.states[State.ENDED]} ended")
        return ", ".join(shown)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that needs a hand: what it is about, what is so, what to do."""

    subject: str
    what: str
    remedy: str


def tallies(pods: Iterable[Audited]) -> list[Tally]:
    """Count by workload; the pods come sorted by it."""
    found = []
    for workload, group in groupby(pods, key=attrgetter("workload")):
        of_it = tuple(group)
        states = Counter(pod.state for pod in of_it)
        outcomes = Counter(each for pod in of_it for each in pod.outcomes)
        found.append(Tally(workload, states, outcomes, of_it))
    return found


def states(counted: Iterable[Tally]) -> Counter[State]:
    """Count all pods by state."""
    return sum((each.states for each in counted), Counter[State]())


def tasks(counted: Iterable[Tally], *, installed: bool = True) -> Iterator[Task]:
    """Give what needs a hand: pods that can't start first, then missed ones, then containers.

    Where initshim is not `installed`, no new pod would fare better, and that is all there is.
    """
    listed = list(counted)
    yield from _stuck(listed)
    if installed:
        yield from _missed(listed)
        yield from _containers(listed)
        return
    missed = sum(each.states[State.MISSED] for each in listed)
    if missed:
        what = f"{output.counted(missed, 'pod')} without an init: initshim is not installed"
        yield Task("The cluster", what, INSTALL)


def _stuck(listed: Sequence[Tally]) -> Iterator[Task]:
    """Tell what keeps the reaper from pods, once for each cause."""
    causes: dict[str, list[tuple[Audited, Undelivered]]] = {}
    for pod in (each for tally in listed for each in tally.pods):
        if pod.undelivered:
            causes.setdefault(pod.undelivered.sentence, []).append((pod, pod.undelivered))
    for sentence, pods in causes.items():
        first, undelivered = pods[0]
        where = f"{first.namespace} {first.workload}"
        more = f" and {len(pods) - 1} more" if len(pods) > 1 else ""
        remedy = undelivered.remedy(first.namespace, first.name)
        what = f"{output.counted(len(pods), 'pod')} can't start: {sentence}"
        yield Task(f"{where}{more}", what, remedy)


def _missed(listed: Sequence[Tally]) -> Iterator[Task]:
    """Give workloads with missed pods; the bare pods of a namespace together."""
    bare: dict[tuple[str, str], list[str]] = {}
    for tally in listed:
        missed, workload = tally.states[State.MISSED], tally.workload
        if not missed:
            continue
        outcomes = {
            each.why: count for each, count in tally.outcomes.items() if each.outcome == MISSED
        }
        why = Counter(outcomes).most_common(1)[0][0]
        if workload.kind == "Pod":
            bare.setdefault((workload.namespace, why), []).append(workload.name)
            continue
        what = f"{output.counted(missed, 'pod')} missed: {why}"
        yield Task(f"{workload.namespace} {workload}", what, again(workload))
    for (namespace, why), names in bare.items():
        shown = ", ".join(names[:_MOST_NAMED])
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        what = f"{output.counted(len(names), 'bare pod')} missed: {why} ({shown}{more})"
        yield Task(namespace, what, "delete each and create it again: nobody else does")


def _containers(listed: Sequence[Tally]) -> Iterator[Task]:
    for tally in listed:
        for each, count in sorted(tally.outcomes.items(), key=lambda item: item[0].container):
            if each.remedy:
                who = "" if each.container == WHOLE_POD else f"{each.container}, "
                what = f"{who}{each.outcome} in {output.counted(count, 'pod')}: {each.why}"
                yield Task(f"{tally.workload.namespace} {tally.workload}", what, each.remedy)
