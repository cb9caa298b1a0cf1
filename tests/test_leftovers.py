"""A run that is killed leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN = """
import subprocess, sys, time
from tests import leftovers
leftovers.end_with_this_process()
started = [
    subprocess.Popen(["sleep", "3600"], start_new_session=True),
    subprocess.Popen(["sleep", "3600"], env={"PATH": "/usr/bin:/bin", **leftovers.mark()}),
    subprocess.Popen(["sh", "-c", "sleep 3600; true"]),
]
print(*(each.pid for each in started), flush=True)
time.sleep(3600)
"""


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # killed, and its parent has not looked yet


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_a_killed_run_has_started_is_killed(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as run:
        assert run.stdout
        started = [int(pid) for pid in run.stdout.readline().split()]
        assert len(started) == 3
        assert all(map(lives, started))
        os.kill(run.pid, number)
        run.wait(60)
    until = time.monotonic() + 60
    while any(map(lives, started)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(lives, started))
