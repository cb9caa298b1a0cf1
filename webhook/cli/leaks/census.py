"""Read what the census wrote to its log, as `initshim/census/census.py` says. No I/O."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from webhook.cli.leaks.cgroup import container_of
from webhook.cli.leaks.observations import Observations, Observed, Term, Zombies
from webhook.core.errors import InitshimError

_LONGEST_LINE = 128 << 10


class BadCensus(InitshimError):
    """A census' log is not what a census writes; the message says what is wrong with it."""


class _Line(BaseModel):
    """A line of the census; unknown fields are those of a later one."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _First(_Line):
    name: str
    cgroup: str
    term: str


class _Zombies(_Line):
    name: str
    before: NonNegativeInt
    now: NonNegativeInt
    stayed: NonNegativeInt
    parent_name: str = ""
    parent_first: NonNegativeInt = 0
    group: NonNegativeInt = 0
    cgroup: str = ""


class _Group(_Line):
    group: NonNegativeInt
    threads: NonNegativeInt


class _Node(_Line):
    seconds: NonNegativeInt
    threads: NonNegativeInt
    zombies: NonNegativeInt
    pid_max: NonNegativeInt = 0
    threads_max: NonNegativeInt = 0
    full: NonNegativeInt = 0
    hidden: NonNegativeInt = 0


Row = TypeVar("Row", bound=_Line)


def parse(log: str) -> Observations:
    """Read a census' whole log. Raises BadCensus, also where its last line is missing."""
    rows = _rows(log)
    firsts = [_read(_First, row) for row in rows["first"]]
    kinds = [_read(_Zombies, row) for row in rows["zombies"]]
    tasks = {each.group: each.threads for each in (_read(_Group, row) for row in rows["group"])}
    nodes = [_read(_Node, row) for row in rows["node"]]
    if len(nodes) != 1:
        raise BadCensus("The census did not write its last line", next_step=_AGAIN)
    node = nodes[0]
    groups = {row.get("cgroup"): row.get("group") for row in (*rows["first"], *rows["zombies"])}
    containers = dict(_containers(firsts, kinds, groups, tasks))
    inside = sum(each.now for seen in containers.values() for each in seen.zombies)
    return Observations(
        seconds=node.seconds,
        containers=containers,
        tasks=node.threads,
        zombies=node.zombies,
        most=min(filter(None, (node.pid_max, node.threads_max)), default=0),
        elsewhere=max(0, node.zombies - inside),
        partial=_HIDDEN if node.hidden else _FULL if node.full else "",
    )


_FULL = "the node has too many processes for the census to count all"
_HIDDEN = "its /proc shows processes to their owners only (hidepid): zombies were not seen"
_AGAIN = "Look at the node again: `initshim leaks --node NAME`."


def _rows(log: str) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in log.splitlines():
        if len(line) > _LONGEST_LINE:
            raise BadCensus("A line of the census is too long", next_step=_AGAIN)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadCensus(f"The census wrote no JSON: {line[:80]!r}") from error
        if isinstance(row, dict):
            rows[str(row.get("kind"))].append(row)
    return rows


def _read(kind: type[Row], row: dict[str, Any]) -> Row:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadCensus(f"The census wrote a line without a good {where!r}") from error


def _containers(
    firsts: Iterable[_First],
    kinds: Iterable[_Zombies],
    groups: dict[Any, Any],
    tasks: dict[int, int],
) -> Iterator[tuple[str, Observed]]:
    """Put together what was said of each container: its PID 1, its zombies, its tasks.

    A container's processes may have made cgroups below its own, so that it has several.
    """
    pid_1s = {each.cgroup: each for each in firsts}
    zombies: dict[str, list[_Zombies]] = defaultdict(list)
    for each in kinds:
        zombies[each.cgroup].append(each)
    by_container: dict[str, list[str]] = defaultdict(list)
    for path in {**pid_1s, **zombies}:
        place = container_of(path)
        if place and place.container:
            by_container[place.container].append(path)
    for container, paths in by_container.items():
        first = next((pid_1s[path] for path in sorted(paths, key=len) if path in pid_1s), None)
        yield (
            container,
            Observed(
                zombies=tuple(_zombies(each) for path in paths for each in zombies[path]),
                pid_1=_text(first.name) if first else "",
                term=_term(first.term) if first else None,
                tasks=sum(tasks.get(groups.get(path) or 0, 0) for path in paths),
            ),
        )


def _zombies(row: _Zombies) -> Zombies:
    return Zombies(
        name=_text(row.name),
        parent=_text(row.parent_name),
        by_pid_1=row.parent_first == 1,
        before=row.before,
        now=row.now,
        stayed=row.stayed,
    )


def _term(word: str) -> Term | None:
    return Term(word) if word in set(Term) else None


def _text(escaped: str) -> str:
    r"""Give the text whose bytes the census wrote one by one as \u00XX."""
    return escaped.encode("latin-1", errors="replace").decode(errors="replace")
