"""A container in miniature, made by util-linux: namespaces, a root, the command as PID 1.

No root is needed: in a new user namespace a process may mount and change its root
(user_namespaces(7)). The command itself runs as uid 65532 without capabilities, as in a pod of
Pod Security `restricted`; the end of the first process takes all others along.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_UID = 65532
# The kernel ends what setpriv and `unshare --kill-child` have started, even if we are killed.
_ENTER = ("setpriv", "--pdeathsig", "KILL", "unshare", "--user", "--map-root-user", "--mount")
_SUBREAPER = Path(__file__).with_name("subreaper.py")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What is in a container: the host's folders, `files` by their path, and a memory volume.

    The init containers' commands fill the volume; the command gets it read-only.
    """

    root: str
    shared: Sequence[Path]
    files: Mapping[str, Path]
    volume: str
    init: Sequence[Sequence[str]]
    command: Sequence[str]

    def argv(self) -> list[str]:
        """Give the program that prints PID 1's pid, or what went wrong, and then is the command.

        The pid is the one that this process sees. The command has standard error alone.
        """
        enter = shlex.join((*_ENTER, "sh", "-ec", "\n".join(self._outside())))
        return ["sh", "-c", f"exec 3>&2 2>&1; exec {enter}"]

    def _outside(self) -> Iterator[str]:
        yield shlex.join(("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root))
        yield shlex.join(("mkdir", self._in("/tmp")))  # noqa: S108  # its own
        for path in (*self.shared, Path("/proc")):
            yield from self._share(path)
        for name, source in self.files.items():
            yield shlex.join(("install", "-D", "-m", "555", str(source), self._in(name)))
        if self.init:
            yield from self._volume()
        script = "\n".join(self._inside())
        yield "exec " + shlex.join(
            ("unshare", "--pid", "--fork", "--kill-child", "sh", "-ec", script)
        )

    def _share(self, path: Path) -> Iterator[str]:
        """Show a folder of the host in the new root; a link stays a link."""
        target = self._in(str(path))
        if path.is_symlink():
            yield shlex.join(("ln", "-s", str(path.readlink()), target))
        else:
            yield shlex.join(("mkdir", "-p", target))
            yield shlex.join(("mount", "--rbind", str(path), target))

    def _volume(self) -> Iterator[str]:
        target = self._in(self.volume)
        yield shlex.join(("mkdir", target))
        yield shlex.join(("mount", "-t", "tmpfs", "-o", "mode=777,size=1m", "tmpfs", target))
        for command in self.init:
            yield f"{shlex.join(('chroot', self.root, *command))} >/dev/null 2>&3 || {{"
            yield f'echo {shlex.quote(command[0])}: "the init container ended with $?"; exit 1; }}'
        yield shlex.join(("mount", "-o", "remount,bind,ro", target))

    def _inside(self) -> Iterator[str]:
        """Go on as PID 1, with a /proc of its own.

        Where a part of the host's is covered, as in Docker, the kernel refuses a new one
        (mount_namespaces(7)), and the host's stays: nothing here needs its own.
        """
        yield f"mount -t proc proc {shlex.quote(self._in('/proc'))} 2>/dev/null || :"
        yield "read -r pid rest </proc/self/stat"
        yield "echo $pid"
        ids = (f"--map-user={_UID}", f"--map-group={_UID}")
        drop = ("unshare", "--user", *ids, f"--root={self.root}", "--wd=/", "--")
        yield f"exec {shlex.join((*drop, *self.command))} </dev/null >&3 2>&3 3>&-"

    def _in(self, path: str) -> str:
        return self.root + path


def subreaper(python: str, command: Sequence[str]) -> list[str]:
    """Give the program for where there are no namespaces: orphans come to it, as to PID 1."""
    return [python, "-I", "-S", str(_SUBREAPER), *command]
