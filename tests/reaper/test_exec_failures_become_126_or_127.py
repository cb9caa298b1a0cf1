"""Every way in which exec fails: the code, one line, the same line where the kubelet looks."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reaper import need
from tests.reaper.process import NAMESPACE, shell

if TYPE_CHECKING:
    from tests.reaper.process import Launcher

MUSL = {
    errno.ELOOP: "Symbolic link loop",
    errno.ENAMETOOLONG: "Filename too long",
}


def failing(folder: Path, number: int) -> str:
    """A program in the folder whose exec gives this errno."""
    path = folder / "program"
    script = "#!/bin/sh\nexit 0\n"
    match number:
        case errno.ENOENT:
            return str(folder / "missing")
        case errno.ENOTDIR:
            return "/etc/passwd/program"
        case errno.ENAMETOOLONG:
            return "/" + "n" * 256
        case errno.ELOOP:
            path.symlink_to(path)
        case errno.EISDIR:
            path.mkdir()
        case errno.ENOEXEC:
            path.write_text("exit 0\n")
            path.chmod(0o755)
        case errno.EACCES:
            path.write_text(script)
        case errno.ETXTBSY:
            path.write_text(script)
            path.chmod(0o755)
    return str(path)


FAILURES = [
    (errno.ENOENT, 127, errno.ENOENT),
    (errno.EACCES, 126, errno.EACCES),
    (errno.EISDIR, 126, errno.EACCES),
    (errno.ENOEXEC, 126, errno.ENOEXEC),
    (errno.ENOTDIR, 126, errno.ENOTDIR),
    (errno.ELOOP, 126, errno.ELOOP),
    (errno.ENAMETOOLONG, 126, errno.ENAMETOOLONG),
    (errno.ETXTBSY, 126, errno.ETXTBSY),
]


@pytest.mark.parametrize(
    ("case", "code", "number"), FAILURES, ids=[errno.errorcode[case] for case, _, _ in FAILURES]
)
def test_the_code_and_the_line(
    reaper: Launcher, tmp_path: Path, pid1: bool, case: int, code: int, number: int
) -> None:
    program = failing(tmp_path, case)
    message = tmp_path / "message"
    message.touch()
    with Path(program).open("a") if case == errno.ETXTBSY else Path("/dev/null").open():
        done = reaper.run([program, "argument"], ("-t", str(message)), pid1=pid1)
    assert done.returncode == code
    texts = {os.strerror(number), MUSL.get(number, os.strerror(number))}
    assert done.stderr in {f"initshim: cannot run {program}: {text}\n" for text in texts}
    assert message.read_text() == done.stderr
    assert done.stdout == ""


def test_an_interpreter_that_is_missing(reaper: Launcher, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = reaper.run([str(script)])
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == f"initshim: cannot run {script}: No such file or directory\n"


def test_too_many_arguments(reaper: Launcher, tmp_path: Path) -> None:
    """A script's interpreter line makes the list longer than the one that the reaper got."""
    need.tool("prlimit", "util-linux")
    script = tmp_path / "script"
    script.write_text("#!/bin/sh " + "x" * 200 + "\n")
    script.chmod(0o755)
    wrap = ("prlimit", "--stack=524288", "--")
    for size in range(129_500, 131_500, 60):
        argv = [str(script), *("a" * 99 for _ in range(900))]
        argv += ["b" * (size - sum(len(a) + 1 + 8 for a in argv))]
        done = reaper.run(argv, wrap=wrap, env={})
        if done.stderr.startswith("initshim:"):
            break
    else:
        pytest.fail("no size fits the reaper and is too long for the script")
    assert done.returncode == 126
    assert done.stderr == f"initshim: cannot run {script}: Argument list too long\n"


@pytest.mark.parametrize("size", [250, 300, 500, 1000, 4000])
def test_a_long_name_leaves_room_for_the_reason(
    reaper: Launcher, tmp_path: Path, size: int
) -> None:
    message = tmp_path / "message"
    message.touch()
    name = "/" + "/".join(["n" * 99] * (size // 100 + 1))[:size]
    done = reaper.run([name], ("-t", str(message)))
    assert done.returncode == 127
    assert done.stderr.endswith(": No such file or directory\n")
    assert done.stderr.startswith("initshim: cannot run /nnn")
    assert len(done.stderr) <= 512
    assert message.read_text() == done.stderr
    assert size > 250 or name in done.stderr


def test_an_empty_name(reaper: Launcher) -> None:
    done = reaper.run([""])
    assert done.returncode == 127
    assert done.stderr == "initshim: cannot run : No such file or directory\n"


def test_path_search_is_execvps(reaper: Launcher, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (first / "tool").write_text("#!/bin/sh\necho first\n")
    (second / "tool").write_text("#!/bin/sh\necho second\n")
    (second / "tool").chmod(0o755)

    def run(name: str, path: str, cwd: Path | None = None) -> tuple[int, str]:
        done = reaper.run([name], env={"PATH": path}, cwd=cwd)
        return done.returncode, done.stdout

    assert run("tool", f"{first}:{second}") == (0, "second\n")
    assert run("tool", f"/etc/passwd:/no/such:{second}") == (0, "second\n")
    assert run("tool", f"{first}:/no/such") == (126, "")
    assert run("tool", f"{first}/none:/no/such") == (127, "")
    assert run("tool", ":/no/such", second) == (0, "second\n")
    assert run("tool", "/no/such:", second) == (0, "second\n")
    assert run("tool", "/no/such::/nor/this", second) == (0, "second\n")
    assert run("./tool", "/no/such", second) == (0, "second\n")
    assert run("tool", ".", second) == (0, "second\n")
    assert run("second/tool", "/no/such", tmp_path) == (0, "second\n")
    assert run("tool", "/no/such", second) == (127, "")
    assert run("tool", f"/{'l' * 5000}:{second}") == (0, "second\n")


def test_a_missing_path_and_an_empty_environment(reaper: Launcher, pid1: bool) -> None:
    for env in ({}, {"OTHER": "1"}):
        done = reaper.run(["sh", "-c", "exit 9"], env=env, wrap=() if not pid1 else ("env", "-i"))
        assert done.returncode == 9
        done = reaper.run(["no-such-program"], env=env)
        assert done.returncode == 127


def test_a_message_file_is_never_made_nor_touched_without_need(
    reaper: Launcher, tmp_path: Path
) -> None:
    absent = tmp_path / "absent"
    done = reaper.run(["/missing"], ("-t", str(absent)))
    assert done.returncode == 127
    assert done.stderr == "initshim: cannot run /missing: No such file or directory\n"
    assert not absent.exists()
    present = tmp_path / "present"
    present.touch()
    assert reaper.run(["/bin/false"], ("-t", str(present))).returncode == 1
    assert present.read_text() == ""


def test_a_message_file_that_cannot_be_written_changes_nothing(
    reaper: Launcher, tmp_path: Path
) -> None:
    for path in (tmp_path, "/proc/version", "/etc/passwd/x"):
        done = reaper.run(["/missing"], ("-t", str(path)))
        assert done.returncode == 127
        assert done.stderr == "initshim: cannot run /missing: No such file or directory\n"


def test_a_link_in_the_place_of_the_message_file_is_not_followed(
    reaper: Launcher, tmp_path: Path, pid1: bool
) -> None:
    """Who can write into its folder must not choose a file for root to write to."""
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    link = tmp_path / "message"
    link.symlink_to(victim)
    done = reaper.run(["/missing"], ("-t", str(link)), pid1=pid1)
    assert done.returncode == 127
    assert done.stderr == "initshim: cannot run /missing: No such file or directory\n"
    done = reaper.run(["true"], ("-t", str(link), "--unknown"), pid1=pid1)
    assert done.returncode == 2
    assert victim.read_text() == "precious\n"


@pytest.mark.root
@pytest.mark.parametrize("exists", [True, False], ids=["there", "absent"])
@pytest.mark.usefixtures("namespaces")
def test_the_kubelets_file_is_the_default(reaper: Launcher, exists: bool) -> None:
    need.root()
    script = (
        "mount -t tmpfs none /dev && "
        + (": > /dev/termination-log && " if exists else "")
        + f"{reaper.executable} -- /missing 2>/proc/self/fd/1; code=$?; "
        "ls /dev; cat /dev/termination-log 2>&-; exit $code"
    )
    done = subprocess.run(
        [*NAMESPACE, "--mount", "--", *shell(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    line = "initshim: cannot run /missing: No such file or directory\n"
    assert done.returncode == 127
    assert done.stdout == (f"{line}termination-log\n{line}" if exists else line)


@pytest.mark.root
def test_its_own_failure_is_125(reaper: Launcher, tmp_path: Path) -> None:
    need.root()
    need.tool("setpriv", "util-linux")
    message = tmp_path / "message"
    message.touch(0o666)
    message.chmod(0o666)
    tmp_path.chmod(0o755)
    wrap = (
        "setpriv",
        "--reuid=61532",
        "--regid=61532",
        "--clear-groups",
        "prlimit",
        "--nproc=1",
        "--",
    )
    done = reaper.run(["/bin/true"], ("-t", str(message)), wrap=wrap)
    assert done.returncode == 125
    assert done.stderr.startswith("initshim: ")
    assert done.stderr.endswith(f"{os.strerror(errno.EAGAIN)}\n")
    assert done.stderr.count("\n") == 1
