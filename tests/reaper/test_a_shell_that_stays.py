"""`sh -c 'app; true'`: what docs/migration.md says of it, and that `-g -l` lets the app finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reaper.process import shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher

APP = (
    "trap 'echo finishing; sleep 0.3; echo finished; exit 0' TERM; "
    "echo up; while :; do sleep 0.01; done"
)


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize(
    ("options", "finishes"), [((), False), (("-g", "-l", "100"), True)], ids=["plain", "-g -l"]
)
def test_the_app_behind_it(reaper: Launcher, options: tuple[str, ...], finishes: bool) -> None:
    running = reaper.start(shell('sh -c "$1"; true', APP), options, pid1=True)
    running.out.expect("up\n")
    running.send(15)
    assert running.wait() == 143  # the shell's
    assert ("finished" in running.out.rest()) is finishes
