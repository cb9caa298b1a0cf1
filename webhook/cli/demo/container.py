"""The container of a pod, run on this machine, and what can be seen of it from outside."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from webhook.cli.demo.processes import Zombies, below
from webhook.cli.demo.sandbox import Sandbox, subreaper
from webhook.core.argv import INIT, MOUNT
from webhook.core.errors import InitshimError
from webhook.core.pod import Json, Pod

_LEAK = Path(__file__).with_name("leak.py")
_LEAK_PATH = "/app/leak.py"
_INSTALLER = "/init"
_SHARED = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/dev", "/nix", "/gnu")
_START_SECONDS = 10.0


class CantRun(InitshimError):
    """A container can't be run on this machine; the message says what the kernel refused."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How containers are run: each in a PID namespace, or as subreapers. `why` says why not."""

    namespaces: bool
    why: str = ""


@dataclass(slots=True)
class Container:
    """A running container: `pid` is its first process, seen from outside."""

    pid: int
    process: asyncio.subprocess.Process
    zombies: Zombies

    def count(self) -> int:
        """Count its zombies."""
        return self.zombies.count(self.pid)

    async def ended(self) -> int:
        """Wait for its end; give the exit code, 128 + N if signal N was its end."""
        code = await self.process.wait()
        return code if code >= 0 else 128 - code

    async def stop(self, grace: float) -> tuple[int, float]:
        """Stop it as a kubelet does: TERM, then KILL. Give exit code and seconds."""
        start = monotonic()
        os.kill(self.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                return await self.ended(), monotonic() - start
        except TimeoutError:
            os.kill(self.pid, signal.SIGKILL)
            await self.ended()  # unshare(1) before 2.39 does not tell of a KILL
        return 128 + signal.SIGKILL, monotonic() - start


async def choose(reaper: Path, *, subreaper: bool) -> Kind:
    """Find out by trying whether this machine lets its user make namespaces."""
    if subreaper:
        return Kind(namespaces=False, why="asked for")
    pod = {"spec": {"containers": [{"command": ["true"]}]}}
    try:
        async with run(pod, reaper, Kind(namespaces=True)) as container:
            code = await container.ended()
    except CantRun as refused:
        return Kind(namespaces=False, why=str(refused))
    return Kind(namespaces=code == 0, why="" if code == 0 else f"a first try ended with {code}")


@asynccontextmanager
async def run(pod: Json, reaper: Path, kind: Kind) -> AsyncIterator[Container]:
    """Run a pod's init containers and its first container; at the end nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="initshim-demo-") as root:
        argv = _namespaced(pod, reaper, root) if kind.namespaces else _substituted(pod, reaper)
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": _path()},
            start_new_session=True,
        )
        try:
            yield Container(await _started(process), process, Zombies())
        finally:
            await _end(process)


async def _started(process: asyncio.subprocess.Process) -> int:
    """Read the first line: the pid of the command, or what the kernel refused."""
    if process.stdout is None:
        raise AssertionError("it is a pipe")
    try:
        async with asyncio.timeout(_START_SECONDS):
            said = (await process.stdout.readline()).decode(errors="replace").strip()
    except TimeoutError as error:
        raise CantRun(f"it did not start within {_START_SECONDS:.0f} seconds") from error
    if not said.isdecimal():
        raise CantRun(said or "it ended before it began")
    return int(said)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left; where there is no PID namespace that takes all with it, one by one."""
    for pid in (process.pid, *(each.pid for each in below(process.pid))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await process.wait()


def _namespaced(pod: Json, reaper: Path, root: str) -> list[str]:
    """A root with the host's programs, the reaper's image and the leaking program in it."""
    init = [each.command for each in Pod(pod).containers if each.field == "initContainers"]
    files = {_LEAK_PATH: _LEAK, _INSTALLER: reaper}
    return Sandbox(root, _shared(), files, MOUNT, init, _command(pod)).argv()


def _substituted(pod: Json, reaper: Path) -> list[str]:
    """The command with the paths of this machine, where there can be no root of its own."""
    local = {INIT: str(reaper), _LEAK_PATH: str(_LEAK)}
    return subreaper(sys.executable, [local.get(word, word) for word in _command(pod)])


def _command(pod: Json) -> list[str]:
    first = Pod(pod).containers[0]
    return [*first.command, *first.args]


def _path() -> str:
    """Find this Python first; chroot(8) is where users' paths may not lead."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def _shared() -> Sequence[Path]:
    """The host's folders that programs need, and those that this Python is in."""
    paths = [Path(each) for each in _SHARED if Path(each).exists()]
    python = shutil.which("python3") or sys.executable
    for text in (sys.prefix, sys.base_prefix, Path(python).resolve().parent):
        place = Path(text).resolve()
        if not any(place.is_relative_to(each) for each in paths):
            paths.append(place)
    return paths
