"""The census' executable on real processes in PID namespaces, compared with what /proc says."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from initshim import __version__, build, targets
from tests.census.leaker import children, first_of_all, leaker
from tests.fakes import proc_folder
from tests.fakes.proc_folder import Process
from tests.reaper import need
from tests.reaper.process import namespace

Row = dict[str, Any]


@pytest.fixture(scope="session")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = build.PROGRAMS["initshim-census"]
    return build.build(targets.this_machine(), tmp_path_factory.mktemp("census"), program)


@pytest.fixture
def count(census: Path) -> Callable[..., list[Row]]:
    def run(*words: str, user: int | None = None) -> list[Row]:
        done = subprocess.run(
            [census, "--watch", "1", *words],
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def zombies_of(pid: int) -> int:
    """How many zombies a process has now, by the kernel's own list of its children."""
    return sum(state(child) == "Z" for child in children(pid))


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def rows(found: list[Row], kind: str, **fields: Any) -> list[Row]:
    return [row for row in found if row["kind"] == kind and fields.items() <= row.items()]


def test_zombies_are_counted_under_whom_they_belong_to(count: Callable[..., list[Row]]) -> None:
    need.namespaces()
    with leaker(30, 5) as first:
        worker, late = sorted(each for each in children(first) if state(each) != "Z")
        found = count()
        (own,) = rows(found, "zombies", parent=first)
        (workers,) = rows(found, "zombies", parent=worker)
        assert (own["before"], own["now"], own["stayed"]) == (30, 30, 30)
        assert own["now"] == zombies_of(first)
        assert (own["parent_first"], own["parent_name"]) == (1, workers["name"])
        assert (workers["now"], workers["stayed"], workers["parent_first"]) == (5, 5, 0)
        assert workers["now"] == zombies_of(worker)
        assert all(row["stayed"] == 0 for row in rows(found, "zombies", parent=late))


@pytest.mark.parametrize(
    ("sigterm", "term"), [("", "default"), ("caught", "handled"), ("blocked", "handled")]
)
def test_pid_1_of_a_namespace_is_told_of_with_what_sigterm_does(
    count: Callable[..., list[Row]], sigterm: str, term: str
) -> None:
    need.namespaces()
    with leaker(0, 1, sigterm=sigterm) as first:
        found = count()
        (row,) = rows(found, "first", pid=first)
        assert row["term"] == term
        assert row["cgroup"] == max(
            (line.split(":", 2)[2] for line in _lines(first, "cgroup")), key=len
        )


@pytest.mark.parametrize(
    ("blocked", "term"),
    [((True, False), "default"), ((True, True, True, False), "default"), ((True,), "handled")],
)
def test_sigterm_blocked_for_a_moment_is_not_waited_for(
    count: Callable[..., list[Row]], tmp_path: Path, blocked: tuple[bool, ...], term: str
) -> None:
    """A C library blocks all signals while it forks; an init blocks SIGTERM for good."""
    folder = proc_folder.write(tmp_path, Process(pid=1), Process(pid=5, inner=1))
    texts = [f"NSpid:\t5\t1\nSigBlk:\t{0x4000 * each:016x}\nSigCgt:\t0\n" for each in blocked]
    with proc_folder.changing(folder / "5/status", texts):
        (row,) = rows(count("--proc", str(folder)), "first")
    assert row["term"] == term


def test_pid_1_of_a_namespace_below_a_containers_is_no_containers(
    count: Callable[..., list[Row]],
) -> None:
    """A browser's sandbox, a container in a container: an init of the outer one can't mend it."""
    need.namespaces()
    inner = " ".join([*namespace(), "sh", "-c", "'sleep 0.01 & exec sleep 600'"])
    with first_of_all(f"import os\nprint('ready', flush=True)\nos.system({inner!r})") as first:
        until = time.monotonic() + 60
        while not (nested := [pid for pid in _below(first) if pid != first and _is_first(pid)]):
            assert time.monotonic() < until
        while zombies_of(nested[0]) == 0:
            assert time.monotonic() < until
        found = count()
        assert rows(found, "first", pid=first)
        assert not rows(found, "first", pid=nested[0])
        (zombies,) = rows(found, "zombies", parent=nested[0])
        assert (zombies["now"], zombies["parent_first"]) == (1, 0)


def _below(pid: int) -> list[int]:
    """Give a process and all below it."""
    return [pid, *(each for child in children(pid) for each in _below(child))]


def _is_first(pid: int) -> bool:
    """Tell whether it is PID 1 of the innermost of its namespaces."""
    (numbers,) = (line for line in _lines(pid, "status") if line.startswith("NSpid:"))
    return numbers.split()[-1] == "1"


@pytest.mark.parametrize("hidden", [False, True])
def test_what_hidepid_hides_is_said_to_be_hidden(
    count: Callable[..., list[Row]], tmp_path: Path, *, hidden: bool
) -> None:
    mine = Process(pid=9, name="census")
    folder = proc_folder.write(tmp_path, mine, *(() if hidden else (Process(pid=1),)))
    assert count("--proc", str(folder))[-1]["hidden"] == hidden


@pytest.mark.parametrize("level", [1, 2])
def test_where_proc_is_mounted_with_hidepid_it_says_so(
    census: Path, tmp_path: Path, level: int
) -> None:
    need.root()
    need.namespaces()
    need.tool("setpriv", "util-linux")
    for folder in (census, *census.parents):
        if not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o555)
    mount = f"mkdir {tmp_path}/p && mount -t proc -o hidepid={level} proc {tmp_path}/p"
    drop = "exec setpriv --reuid 65532 --regid 65532 --clear-groups"
    open_up = f"chmod a+rx {tmp_path} {tmp_path.parent} {tmp_path.parent.parent}"
    # Under a PID 1 of another user: the census may read of itself.
    script = f"{open_up} && {mount} && ({drop} {census} --watch 1 --proc {tmp_path}/p); true"
    done = subprocess.run(
        [*namespace(), "sh", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["kind"], last["hidden"]) == ("node", 1)


def _lines(pid: int, name: str) -> list[str]:
    return Path(f"/proc/{pid}/{name}").read_text().splitlines()


def test_it_needs_no_rights(count: Callable[..., list[Row]], census: Path) -> None:
    need.root()
    need.namespaces()
    for folder in (census, *census.parents):
        if not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o555)
    with leaker(3, 1) as first:
        (row,) = rows(count(user=65532), "zombies", parent=first)
        assert row["now"] == 3


def test_the_last_line_sums_up_the_node(count: Callable[..., list[Row]]) -> None:
    found = count()
    last = found[-1]
    assert last["kind"] == "node"
    assert last["seconds"] == 1
    assert last["pid_max"] == int(Path("/proc/sys/kernel/pid_max").read_text())
    assert last["threads"] >= last["processes"] > last["zombies"]
    assert last["full"] == 0
    assert not rows(found[:-1], "node")


def test_many_zombies_are_counted_to_the_last(
    count: Callable[..., list[Row]], tmp_path: Path
) -> None:
    many = [
        Process(pid=10 + at, name=f"n{at % 90}", state="Z", parent=2 + at % 3) for at in range(5000)
    ]
    parents = [
        Process(pid=pid, parent=1, inner=pid - 1, cgroup=f"0::/pods/{pid}") for pid in (2, 3, 4)
    ]
    folder = proc_folder.write(tmp_path, Process(pid=1), *parents, *many)
    found = count("--proc", str(folder))
    assert sum(row["now"] for row in rows(found, "zombies")) == 5000
    assert all(row["stayed"] == row["now"] for row in rows(found, "zombies"))
    assert found[-1]["zombies"] == 5000
    assert sum(row["zombies"] for row in rows(found, "group")) == 5000


NAMES = [
    'a"b',
    "a\\b",
    "x) Z 1 (",
    "\x01\x7f",
    "\N{GREEK SMALL LETTER PI}",
    "(",
    "",
    ")",
    "a b  c",
    "\n",
    "9 (x) Z 1\n9",
    "a\nb) S 2 (c",
    "\x85\u2028",
]


def test_names_are_escaped(count: Callable[..., list[Row]], tmp_path: Path) -> None:
    """Each under a parent of its own, so that one look is enough for all."""
    parents = [Process(pid=100 + at, parent=1) for at in range(len(NAMES))]
    children = [
        Process(pid=200 + at, name=name, state="Z", parent=100 + at)
        for at, name in enumerate(NAMES)
    ]
    folder = proc_folder.write(tmp_path, Process(pid=1, name="init"), *parents, *children)
    found = {row["parent"]: row["name"] for row in rows(count("--proc", str(folder)), "zombies")}
    assert found == {
        100 + at: name.encode()[:15].decode("latin-1") for at, name in enumerate(NAMES)
    }


# What the two looks see of one process: its state, "" for gone, and when it started.
LOOKS = {
    (("Z", 100), ("Z", 100)): (1, 1, 1),
    (("Z", 100), ("Z", 101)): (1, 1, 0),  # another one that got its number
    (("Z", 100), ("", 0)): (1, 0, 0),
    (("", 0), ("Z", 100)): (0, 1, 0),
    (("S", 100), ("Z", 100)): (0, 1, 0),
    (("Z", 100), ("S", 101)): (1, 0, 0),
}


def test_who_is_gone_or_came_between_the_looks_is_told_from_who_stayed(
    count: Callable[..., list[Row]], tmp_path: Path
) -> None:
    cases = list(enumerate(LOOKS.items(), start=100))
    parents = [Process(pid=pid, parent=1) for pid, _ in cases]
    children = [Process(pid=100 + pid, name="sh", parent=pid) for pid, _ in cases]
    folder = proc_folder.write(tmp_path, Process(pid=1), *parents, *children)
    with ExitStack() as changing:
        for child, (_, (looks, _)) in zip(children, cases, strict=True):
            texts = [
                proc_folder.stat(replace(child, state=state, started=at)) if state else ""
                for state, at in looks
            ]
            file = folder / str(child.pid) / "stat"
            changing.enter_context(proc_folder.changing(file, texts))
        found = {row["parent"]: row for row in rows(count("--proc", str(folder)), "zombies")}
    assert {
        pid: tuple(found[pid][each] for each in ("before", "now", "stayed")) for pid, _ in cases
    } == {pid: seen for pid, (_, seen) in cases}


def test_a_process_that_goes_while_it_is_looked_at_is_passed_over(
    count: Callable[..., list[Row]], tmp_path: Path
) -> None:
    """Its files go one by one: none, then only stat, then all but cgroup."""
    several = [Process(pid=pid, inner=1, cgroup="0::/c") for pid in (5, 6, 7, 8)]
    folder = proc_folder.write(tmp_path, Process(pid=1), *several)
    for pid, names in (
        (5, ("stat", "status", "cgroup")),
        (6, ("status", "cgroup")),
        (7, ("cgroup",)),
    ):
        for name in names:
            (folder / str(pid) / name).unlink()
    found = count("--proc", str(folder))
    assert [row["pid"] for row in rows(found, "first")] == [8]
    assert found[-1]["processes"] == 4


def test_of_several_hierarchies_the_longest_path_is_taken(
    count: Callable[..., list[Row]], tmp_path: Path
) -> None:
    lines = "12:cpuset:/\n5:pids:/kubepods/podx/y\n1:name=systemd:/kubepods\n0::/"
    folder = proc_folder.write(tmp_path, Process(pid=5, inner=1, cgroup=lines))
    (row,) = rows(count("--proc", str(folder)), "first")
    assert row["cgroup"] == "/kubepods/podx/y"


@pytest.mark.parametrize(
    "words",
    [
        ["--watch"],
        ["--watch", "0"],
        ["--watch", "x"],
        ["--watch", "86401"],
        ["x"],
        ["--proc"],
        ["-h", "1"],
    ],
)
def test_a_wrong_command_line_is_refused(census: Path, words: list[str]) -> None:
    done = subprocess.run([census, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: census" in done.stderr
    assert done.stdout == ""


def test_where_there_is_no_proc_it_says_so(census: Path, tmp_path: Path) -> None:
    command = [str(census), "--proc", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "can't be read" in done.stderr


def test_it_says_its_version(census: Path) -> None:
    done = subprocess.run([census, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == f"initshim {__version__}\n"


def test_it_ends_at_once_on_sigterm(census: Path) -> None:
    with subprocess.Popen([census, "--watch", "600"]) as running:
        time.sleep(0.1)
        running.terminate()
        assert running.wait(20) == -15
