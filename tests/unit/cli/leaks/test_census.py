"""What the census writes, read; a log that is none, refused with a sentence."""

import json

import pytest

from webhook.cli.leaks.census import BadCensus, parse
from webhook.cli.leaks.observations import Observed, Term, Zombies

ID = "86bf1f7e8d5a1d9a8e8d8f1b6b2a9c0d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b"
POD = "/kubepods/burstable/pod8dbc4577-d0e2-4706-8787-57d52c03ddf2"
NODE = {
    "kind": "node", "seconds": 5, "processes": 90, "threads": 100, "zombies": 9, "pid_max": 32768,
    "threads_max": 190000, "full": 0,
}  # fmt: skip
FIRST = {
    "kind": "first", "pid": 7, "name": "app", "group": 1, "cgroup": f"{POD}/{ID}", "term": "default"
}  # fmt: skip
ZOMBIES = {
    "kind": "zombies", "name": "sh", "parent": 7, "before": 2, "now": 6, "stayed": 2,
    "parent_name": "app", "parent_parent": 6, "parent_first": 1, "group": 1,
    "cgroup": f"{POD}/{ID}",
}  # fmt: skip
GROUP = {"kind": "group", "group": 1, "processes": 8, "threads": 12, "zombies": 6}


def log(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_container_is_put_together_from_its_lines() -> None:
    seen = parse(log(FIRST, ZOMBIES, GROUP, NODE))
    sh = Zombies(name="sh", parent="app", by_pid_1=True, before=2, now=6, stayed=2)
    assert seen.containers == {
        ID: Observed(zombies=(sh,), pid_1="app", term=Term.DEFAULT, tasks=12)
    }
    assert (seen.seconds, seen.tasks, seen.zombies, seen.most) == (5, 100, 9, 32768)
    assert seen.elsewhere == 3
    assert not seen.partial


def test_cgroups_below_a_container_are_the_containers() -> None:
    inner = {**ZOMBIES, "cgroup": f"{POD}/{ID}/init.scope", "group": 2, "parent_first": 0}
    more = {"kind": "group", "group": 2, "processes": 1, "threads": 3, "zombies": 6}
    seen = parse(log(FIRST, inner, GROUP, more, NODE))
    assert seen.containers[ID].tasks == 15
    assert not seen.containers[ID].zombies[0].by_pid_1


def test_zombies_without_a_container_are_the_nodes_own() -> None:
    seen = parse(log({**ZOMBIES, "cgroup": "/system.slice/x.service"}, NODE))
    assert seen.containers == {}
    assert seen.elsewhere == 9


def test_bytes_of_a_name_are_its_bytes_again() -> None:
    escaped = {**ZOMBIES, "name": "\u00cf\u0080\u001b", "parent_name": "\u00ff"}
    (zombies,) = parse(log(escaped, NODE)).containers[ID].zombies
    assert zombies.name == "π\x1b"
    assert zombies.parent == "\N{REPLACEMENT CHARACTER}"


def test_a_node_that_is_too_large_is_said_to_be_counted_in_part() -> None:
    assert "too many processes" in parse(log({**NODE, "full": 1})).partial


def test_what_a_later_census_adds_is_no_error() -> None:
    seen = parse(
        log({**FIRST, "new": [1], "term": "later"}, {"kind": "new"}, GROUP, NODE) + "[1]\n"
    )
    assert seen.containers[ID].term is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        log(FIRST),
        log(NODE, NODE),
        "no JSON\n",
        log(NODE)[:-3],
        "[" * 100_000,
        log({**NODE, "seconds": "5"}),
        log({**NODE, "zombies": -1}),
        log({"kind": "node"}),
        log({"kind": "first", "name": "x"}, NODE),
        '{"kind":"node","seconds":' + "9" * 200_000 + "}",
    ],
)
def test_what_no_census_wrote_is_refused(text: str) -> None:
    with pytest.raises(BadCensus):
        parse(text)
