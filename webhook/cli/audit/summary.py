"""Pods counted by workload, and what is left to be done. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from webhook.cli import output
from webhook.cli.audit.compare import MISSED, State
from webhook.cli.audit.list_pods import Audited
from webhook.cli.audit.owners import Workload, again
from webhook.cli.outcomes import WHOLE_POD, WRAPPED, Outcome
from webhook.core.reasons import Reason

_USUAL = {WRAPPED, *(reason for reason in Reason if reason.meaning.usual)}


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
        told: Counter[str] = Counter()
        for each, count in self.outcomes.items():
            if each.outcome not in _USUAL:
                who = "" if each.container == WHOLE_POD else f"{each.container} "
                told[f"{who}{each.outcome}"] += count
        shown = [
            what if count == self.live else f"{what} ({count})"
            for what, count in sorted(told.items())
        ]
        if self.states[State.ENDED]:
            shown.append(f"{self.states[State.ENDED]} ended")
        return ", ".join(shown)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that needs a hand: how many pods of which workload, what is so, what to do."""

    workload: Workload
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


def tasks(counted: Iterable[Tally]) -> Iterator[Task]:
    """Give what needs a hand, missed pods first."""
    listed = list(counted)
    for tally in listed:
        missed = tally.states[State.MISSED]
        if missed:
            why = Counter(
                {
                    each.why: count
                    for each, count in tally.outcomes.items()
                    if each.outcome == MISSED
                }
            ).most_common(1)[0][0]
            yield Task(
                tally.workload,
                f"{output.counted(missed, 'pod')} missed: {why}",
                again(tally.workload),
            )
    for tally in listed:
        for each, count in sorted(tally.outcomes.items(), key=lambda item: item[0].container):
            if each.remedy:
                who = "" if each.container == WHOLE_POD else f"{each.container}, "
                what = f"{who}{each.outcome} in {output.counted(count, 'pod')}: {each.why}"
                yield Task(tally.workload, what, each.remedy)
