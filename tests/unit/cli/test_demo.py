"""`initshim demo`, for real: TLS, namespaces, zombies and signals of this machine's kernel."""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

import initshim
from webhook.cli.demo import container, example
from webhook.cli.demo.command import _kept
from webhook.cli.demo.container import CantRun, Kind
from webhook.cli.demo.processes import Process, Zombies, below
from webhook.cli.demo.stage import Measured
from webhook.cli.main import app
from webhook.core.argv import INIT
from webhook.core.mutation import Delivery, our_init_container
from webhook.core.pod import Json

pytestmark = pytest.mark.slow  # it starts programs

NO_REAPER = "needs the reaper: python -m initshim.build"
DEMO = [sys.executable, "-c", "from webhook.cli import start; start()", "demo"]
LOOK = 0.05


@pytest.fixture(scope="module")
def reaper() -> Path:
    try:
        return initshim.path()
    except (FileNotFoundError, LookupError):
        pytest.skip(NO_REAPER)


@pytest.fixture(scope="module")
def kind(reaper: Path) -> Kind:
    """How containers run here; without namespaces the tests of the other way still run."""
    chosen = asyncio.run(container.choose(reaper, subreaper=False))
    if not chosen.namespaces:
        pytest.skip("needs user namespaces: sysctl kernel.unprivileged_userns_clone=1")
    return chosen


def pod(*command: str) -> Json:
    init = [our_init_container(Delivery("reaper:1", "1"))]
    return {
        "spec": {
            "containers": [{"name": "a", "command": list(command)}],
            "initContainers": init if command[0] == INIT else [],
        }
    }


@contextmanager
def running_demo(
    *options: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the demo, and wait until it counts zombies."""
    command = [*DEMO, "--seconds", "60", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as demo:
        assert demo.stdout
        next(line for line in demo.stdout if b"without initshim: " in line)
        yield demo


def code_of(command: Json, reaper: Path, kind: Kind) -> int:
    async def ended() -> int:
        async with container.run(command, reaper, kind) as running:
            return await running.ended()

    return asyncio.run(ended())


def test_the_demo_shows_zombies_without_initshim_and_none_with_it(
    reaper: Path,  # noqa: ARG001
    kind: Kind,  # noqa: ARG001
) -> None:
    result = CliRunner().invoke(app, ["demo", "--seconds", "3", "--grace", "1"])
    assert result.exit_code == 0, result.output
    shown = result.stdout
    assert "certificate verified" in shown
    assert "+    - /.initshim/init" in shown
    assert "each is PID 1 of a PID namespace" in shown
    table = [line.split() for line in shown.split("5. What came of it")[1].splitlines() if line]
    zombies = table[1]
    assert zombies[:4] == ["zombies", "after", "3", "s"]
    assert int(zombies[4]) > 0
    assert zombies[5] == "0"
    assert table[2] == ["exit", "code", "137", "(KILL)", "143", "(TERM)"]
    assert "\x1b" not in shown


def test_on_a_terminal_zombies_are_drawn_as_they_come(reaper: Path) -> None:  # noqa: ARG001
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    command = [*DEMO, "--seconds", "3", "--grace", "1"]
    with (
        subprocess.Popen(command, stdout=theirs, env=environment) as demo,
        os.fdopen(ours, "rb", 0) as tty,
    ):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # EIO: how a terminal without a writer ends
            while chunk := tty.read(4096):
                shown += chunk
    assert demo.returncode == 0
    assert b"\x1b[32m+    - /.initshim/init" in shown
    assert re.search(rb"\x1b\[31m[1-9][0-9]* zombies? *\x1b.*\x1b\[31mZ+", shown)


def test_without_namespaces_the_demo_says_so_and_shows_it_with_subreapers(
    reaper: Path,  # noqa: ARG001
) -> None:
    arguments = ["demo", "--seconds", "3", "--subreaper"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "no PID namespace (asked for): each is a subreaper, not PID 1" in result.stdout
    measured = json.loads(CliRunner().invoke(app, [*arguments, "-o", "json"]).stdout)
    assert measured["without"]["zombies"] > 0
    assert measured["with"]["zombies"] == 0
    assert [measured[each]["exit_code"] for each in ("without", "with")] == [143, 143]


@pytest.mark.parametrize("way", [[], ["--subreaper"]])
def test_control_c_ends_everything_that_the_demo_started(
    reaper: Path,  # noqa: ARG001
    tmp_path: Path,
    way: list[str],
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with running_demo(*way, environment=environment) as demo:
        started = below(demo.pid)
        assert len(started) >= 4
        demo.send_signal(signal.SIGINT)
        demo.communicate()
    assert demo.returncode == 130
    assert not [each for each in started if _lives(each)]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_demo_takes_its_containers_along(reaper: Path, kind: Kind) -> None:  # noqa: ARG001
    with running_demo() as demo:
        started = below(demo.pid)
        demo.kill()
    while any(_lives(each) for each in started):  # the kernel's work; the test has a timeout
        time.sleep(LOOK)


def test_the_container_is_a_restricted_one(reaper: Path, kind: Kind) -> None:
    """PID 1, uid 65532, no capabilities, and the reaper mounted read-only (semantics §4)."""
    checks = (
        "test $PPID = 1 && test $(id -u) = 65532 && test $(ls -d /proc/[0-9]* | wc -l) -le 6 && "
        "grep -q 'CapEff:.0*$' /proc/self/status && test -x /.initshim/init && "
        "! touch /.initshim/x 2>/dev/null && exit 42"
    )
    assert code_of(pod(INIT, "--", "sh", "-c", checks), reaper, kind) == 42
    assert code_of(pod("sh", "-c", "test $$ = 1 && exit 43"), reaper, kind) == 43


def test_a_container_that_cannot_be_made_says_what_the_kernel_refused(
    reaper: Path, kind: Kind
) -> None:
    broken = pod(INIT, "--", "true")
    broken["spec"]["initContainers"][0]["command"] = ["/init", "--no-such-option"]
    with pytest.raises(CantRun, match=r"/init: the init container ended with \d+"):
        code_of(broken, reaper, kind)


def test_where_namespaces_are_refused_the_fallback_says_why(
    reaper: Path,  # noqa: ARG001
    kind: Kind,  # noqa: ARG001
) -> None:
    """A kernel that refuses, as Ubuntu's does by AppArmor: here by a limit (namespaces(7))."""
    limited = f"echo 0 >/proc/sys/user/max_user_namespaces; exec {shlex.join(DEMO)} --seconds 1"
    unshare = ["unshare", "--user", "--map-root-user", "sh", "-ec", limited]
    shown = subprocess.run(unshare, check=True, capture_output=True, text=True).stdout
    assert "no PID namespace (unshare: unshare failed: No space left on device)" in shown


def test_where_a_part_of_proc_is_covered_the_containers_have_namespaces_all_the_same(
    reaper: Path,  # noqa: ARG001
    kind: Kind,  # noqa: ARG001
) -> None:
    """As in Docker, where the kernel permits no new /proc (mount_namespaces(7))."""
    covered = f"mount -t tmpfs none /proc/sys; exec {shlex.join(DEMO)} --seconds 1 --grace 0.5"
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", covered]
    shown = subprocess.run(unshare, check=True, capture_output=True, text=True).stdout
    assert "each is PID 1 of a PID namespace" in shown


def test_where_util_linux_is_missing_the_fallback_says_so(
    reaper: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shell = shutil.which("sh")
    assert shell
    (tmp_path / "sh").symlink_to(shell)
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = asyncio.run(container.choose(reaper, subreaper=False))
    assert not chosen.namespaces
    assert re.search("setpriv: (command )?not found$", chosen.why)


def test_a_program_that_is_not_there_ends_as_in_a_shell(reaper: Path, kind: Kind) -> None:
    assert code_of(pod("no-such-program"), reaper, kind) == 127
    assert code_of(pod("sh", "-c", "kill -9 $$; exit 9"), reaper, kind) == 9  # PID 1 is spared


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit(3)", "a container ended early, with 3"),
        ("import time\ntime.sleep(60)", "this is not what initshim promises"),
    ],
)
def test_a_demo_that_shows_something_else_fails_and_says_so(
    reaper: Path,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    program: str,
    said: str,
) -> None:
    """A program that ends, and one that leaks nothing."""
    leak = tmp_path / "leak.py"
    leak.write_text(program)
    monkeypatch.setattr(container, "_LEAK", leak)
    result = CliRunner().invoke(app, ["demo", "--seconds", "1", "--subreaper"])
    assert result.exit_code == 1
    assert result.stderr == f"initshim demo: {said}\n"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CLIENT_CA_FILE", "/no/such.pem", "/no/such.pem can't be used as the CAs of clients: "),
        ("MAX_BODY", "1024", "the webhook answered 413: "),
        ("INIT_SYSTEMS", "python3", "the webhook did not patch the pod: "),
    ],
)
def test_a_webhook_that_these_settings_hinder_is_told(
    reaper: Path,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(f"INITSHIM_{variable}", value)
    result = CliRunner().invoke(app, ["demo", "--seconds", "1", "--subreaper"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"initshim demo: {said}")


def test_on_a_machine_that_has_no_reaper_the_demo_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "vax")
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 1
    said = "the reaper is not built for vax (but for x86_64, aarch64, "
    assert result.stderr.startswith(f"initshim demo: {said}")


def test_a_zombie_counts_when_it_is_seen_twice() -> None:
    child = subprocess.Popen(["true"])
    while not [each for each in below(os.getpid()) if (each.pid, each.state) == (child.pid, "Z")]:
        time.sleep(LOOK)
    zombies = Zombies()
    assert zombies.count(os.getpid()) == 0
    assert zombies.count(os.getpid()) == 1
    child.wait()
    assert zombies.count(os.getpid()) == 0


@pytest.mark.parametrize(
    ("without", "with_", "kept"),
    [
        (Measured(9, 137, 5.0), Measured(0, 143, 0.1), True),
        (Measured(9, 143, 0.1), Measured(0, 143, 0.1), True),
        (Measured(9, 137, 5.0), Measured(1, 143, 0.1), False),
        (Measured(9, 137, 5.0), Measured(0, 137, 5.0), False),
        (Measured(0, 137, 5.0), Measured(0, 143, 0.1), False),
    ],
)
def test_the_promise_is_no_zombies_and_a_stop_on_term(
    without: Measured, with_: Measured, *, kept: bool
) -> None:
    assert _kept(without, with_) is kept


def test_the_examples_pod_is_one_that_the_api_server_would_take() -> None:
    import kubernetes_validate

    deployment = example.deployment()
    kubernetes_validate.validate(deployment, "1.34", strict=True)
    made = example.created_pod(deployment)
    named = {**made, "metadata": {**made["metadata"], "name": "leaky"}}
    kubernetes_validate.validate(named, "1.34", strict=True)
    review = example.review(made, "u")
    assert review["request"]["object"] is made


def _lives(process: Process) -> bool:
    """Tell whether the process is still there, and not another one with its pid."""
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = stat.rpartition(")")[2].split()
    return int(fields[19]) == process.start and fields[0] != "Z"
