"""A container in miniature: namespaces, a root of its own, and the command as PID 1.

Runs as a program of its own, because only a process with one thread may enter a user namespace,
and because its end takes everything in the PID namespace with it. No root is needed: in a new
user namespace a process may mount and change its root (user_namespaces(7)). The command itself
runs as uid 65532 without capabilities, as in a pod of Pod Security `restricted`.

Reads one JSON object from standard input, writes one line to standard output, `{"pid": …}` of
the command or `{"error": …}`, and exits with the command's code, or 128 + signal.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_UID = 65532
_QUIET = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]  # stdout is for our one line

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Do as standard input says; give the exit code."""
    wish: dict[str, Any] = json.load(sys.stdin)
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    try:
        if wish["root"]:
            _enter(Path(wish["root"]), wish)
        pid = _start(wish)
    except OSError as error:
        _report({"error": f"{error.filename or 'setup'}: {error.strerror}"})
        return 1
    _report({"pid": pid})
    return _wait(pid)


def _enter(root: Path, wish: dict[str, Any]) -> None:
    """Make the namespaces and the root, run the init containers, then close the door."""
    uid, gid = os.getuid(), os.getgid()
    _checked(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
    # An unprivileged process may only map its own ids, and its group only without setgroups.
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{_UID} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{_UID} {gid} 1", encoding="ascii")
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", str(root), "tmpfs", 0, "mode=755")
    for path in wish["shared"]:
        _share(path, root)
    for name, source in wish["files"].items():
        target = root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(source).read_bytes())
        target.chmod(0o555)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "proc").mkdir()
    _mount("/proc", str(root / "proc"), "", _MS_BIND | _MS_REC)
    os.chroot(root)
    os.chdir("/")
    _volume(wish)
    _checked(_libc.unshare(_CLONE_NEWPID), "unshare")


def _share(path: str, root: Path) -> None:
    """Show a folder of the host in the new root; a link stays a link."""
    source, target = Path(path), root / path.lstrip("/")
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    else:
        target.mkdir()
        _mount(path, str(target), "", _MS_BIND | _MS_REC)


def _volume(wish: dict[str, Any]) -> None:
    """Fill the memory volume as the init containers do; the command gets it read-only."""
    if not wish["init"]:
        return
    Path(wish["volume"]).mkdir()
    _mount("tmpfs", wish["volume"], "tmpfs", 0, "mode=777,size=1m")
    for command in wish["init"]:
        pid = os.posix_spawn(command[0], command, wish["env"], file_actions=_QUIET)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            raise OSError(0, f"the init container ended with {code}", command[0])
    _mount("tmpfs", wish["volume"], "", _MS_REMOUNT | _MS_RDONLY)


def _start(wish: dict[str, Any]) -> int:
    """Start the command: PID 1 of the new namespace, or a subreaper where there is none."""
    pid = os.fork()
    if pid:
        return pid
    # From here on in the child. Whoever reads the pid must not read what it writes.
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if wish["root"]:
            # The namespace's own /proc. Where a part of the host's is covered, as in Docker, the
            # kernel refuses (mount_namespaces(7)), and the host's stays: nothing here needs it.
            _libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(0), None)
        else:
            _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # it survives execve(2)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.execvpe(wish["command"][0], wish["command"], wish["env"])  # noqa: S606  # no shell
    except OSError as error:
        os.write(2, f"{wish['command'][0]}: {error.strerror}\n".encode())
    os._exit(127)


def _wait(pid: int) -> int:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = (source.encode(), target.encode(), kind.encode() or None)
    code = _libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None)
    _checked(code, f"mount {target}")


def _checked(code: int, call: str) -> None:
    if code:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), call)


def _report(said: dict[str, Any]) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
