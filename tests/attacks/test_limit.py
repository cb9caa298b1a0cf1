"""The limit leaves nothing behind, whatever ends a run."""

import multiprocessing
import os
import signal
import subprocess

from tests.attacks.limit import CGROUPS, limited


def _killed_within() -> None:
    with subprocess.Popen(["sleep", "0"]) as sleep, limited(sleep.pid):
        sleep.wait()
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_run_left_is_removed_by_the_next() -> None:
    run = multiprocessing.get_context("spawn").Process(target=_killed_within)
    run.start()
    run.join()
    left = list(CGROUPS.glob(f"initshim-attack-{run.pid}-*"))
    assert run.exitcode == -signal.SIGKILL
    assert len(left) == (1 if os.access(CGROUPS, os.W_OK) else 0)  # without, an rlimit holds it
    with subprocess.Popen(["sleep", "0"]) as sleep, limited(sleep.pid):
        sleep.wait()
    assert not any(each.exists() for each in left)
