"""The container of a pod, run on this machine, and what can be seen of it from outside."""

import asyncio
import json
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
from typing import Any

from webhook.cli.demo.processes import Zombies, below
from webhook.core.argv import INIT, MOUNT
from webhook.core.errors import InitshimError
from webhook.core.pod import Json, Pod

_SANDBOX = Path(__file__).with_name("sandbox.py")
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

    async def stop(self, grace: float) -> tuple[int, float]:
        """Stop it as a kubelet does: TERM, then KILL. Give exit code and seconds."""
        start = monotonic()
        os.kill(self.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                code = await self.process.wait()
        except TimeoutError:
            os.kill(self.pid, signal.SIGKILL)
            code = await self.process.wait()
        return code, monotonic() - start


async def choose(reaper: Path, *, subreaper: bool) -> Kind:
    """Find out by trying whether this machine lets its user make namespaces."""
    if subreaper:
        return Kind(namespaces=False, why="asked for")
    pod = {"spec": {"containers": [{"command": ["true"]}]}}
    try:
        async with run(pod, reaper, Kind(namespaces=True)) as container:
            code = await container.process.wait()
    except CantRun as refused:
        return Kind(namespaces=False, why=str(refused))
    return Kind(namespaces=code == 0, why="" if code == 0 else f"a first try ended with {code}")


@asynccontextmanager
async def run(pod: Json, reaper: Path, kind: Kind) -> AsyncIterator[Container]:
    """Run a pod's init containers and its first container; at the end nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="initshim-demo-") as root:
        wish = _namespaced(pod, reaper, root) if kind.namespaces else _substituted(pod, reaper)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_SANDBOX),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            pid = await _started(process, wish)
            yield Container(pid, process, Zombies())
        finally:
            await _end(process)


async def _started(process: asyncio.subprocess.Process, wish: Json) -> int:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    process.stdin.write(json.dumps(wish).encode())
    process.stdin.close()
    try:
        async with asyncio.timeout(_START_SECONDS):
            said: Json = json.loads(await process.stdout.readline() or b"{}")
    except TimeoutError as error:
        raise CantRun(f"it did not start within {_START_SECONDS:.0f} seconds") from error
    if "pid" not in said:
        raise CantRun(str(said.get("error", "it ended before it began")))
    return int(said["pid"])


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left; where there is no PID namespace that takes all with it, one by one."""
    for pid in (process.pid, *(each.pid for each in below(process.pid))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await process.wait()


def _namespaced(pod: Json, reaper: Path, root: str) -> Json:
    """A root with the host's programs, the reaper's image and the leaking program in it."""
    init = [each for each in Pod(pod).containers if each.field == "initContainers"]
    return {
        **_common(pod),
        "root": root,
        "shared": _shared(),
        "files": {_LEAK_PATH: str(_LEAK), _INSTALLER: str(reaper)},
        "volume": MOUNT,
        "init": [list(each.command) for each in init],
    }


def _substituted(pod: Json, reaper: Path) -> Json:
    """The command with the paths of this machine, where there can be no root of its own."""
    local = {INIT: str(reaper), _LEAK_PATH: str(_LEAK)}
    common = _common(pod)
    return {**common, "root": "", "command": [local.get(w, w) for w in common["command"]]}


def _common(pod: Json) -> dict[str, Any]:
    first = Pod(pod).containers[0]
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return {"command": [*first.command, *first.args], "env": {"PATH": path}}


def _shared() -> Sequence[str]:
    """The host's folders that programs need, and those that this Python is in."""
    paths = [Path(each) for each in _SHARED if Path(each).exists()]
    python = shutil.which("python3") or sys.executable
    for text in (sys.prefix, sys.base_prefix, Path(python).resolve().parent):
        place = Path(text).resolve()
        if not any(place.is_relative_to(each) for each in paths):
            paths.append(place)
    return [str(each) for each in paths]
