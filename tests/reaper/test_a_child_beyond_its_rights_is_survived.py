"""A set-uid program that the reaper may not signal: the reaper stays and exits as it does."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from tests.reaper import kernel, need
from tests.reaper.process import shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reaper.process import Launcher

UID = ("setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--inh-caps=-all")


@pytest.fixture
def become_root(tmp_path: Path) -> str:
    """A set-uid root copy of setpriv, which sheds the caller's uid for good."""
    need.root()
    setpriv = need.tool("setpriv", "util-linux")
    if os.statvfs(tmp_path).f_flag & os.ST_NOSUID:
        pytest.skip("needs root: a temporary folder without nosuid")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder.stat().st_mode & 0o001 == 0:
            folder.chmod(0o711)
    copy = tmp_path / "become-root"
    shutil.copy(setpriv, copy)
    copy.chmod(0o4755)
    return str(copy)


@pytest.mark.root
@pytest.mark.parametrize("options", [(), ("-g",), ("-vv",)], ids=str)
def test_it_goes_on(
    reaper: Launcher, become_root: str, pid1: bool, options: tuple[str, ...]
) -> None:
    program = [become_root, "--reuid=0", "--regid=0", "--clear-groups", "--"]
    script = "echo up; while [ ! -e $1/end ]; do sleep 0.01; done; exit 5"
    folder = become_root.rpartition("/")[0]
    running = reaper.start([*program, *shell(script, folder)], options, pid1=pid1, wrap=UID)
    running.out.expect("up")
    assert kernel.status(running.child)["Uid"].split() == ["0"] * 4
    assert kernel.status(running.pid)["Uid"].split() == ["65532"] * 4
    child = running.child
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, 40):
        running.send(number)
    kernel.wait_until(lambda: not kernel.signals(running.pid, "ShdPnd"), "all were taken")
    assert kernel.alive(child)
    kernel.wait_until(lambda: kernel.children(running.pid) == [child], "no helper is left")
    with open(f"{folder}/end", "w"):  # noqa: PTH123
        pass
    assert running.wait() == 5
    lines = running.err.rest().splitlines()
    refused = [line for line in lines if "initshim: cannot forward " in line]
    assert len(refused) == (4 if "-vv" in options else 1)
    assert "Operation not permitted (it runs as another user" in refused[0]
    assert "-vv" in options or lines == refused
    os.unlink(f"{folder}/end")  # noqa: PTH108
