"""Semantics §3, word by word: the names of inits, and the programs that only read such a name."""

import pytest

from webhook.core.inits import Found, find, init_system_of
from webhook.core.reasons import Reason

# Programs that print, read, write or look for what they are given: POSIX, coreutils, procps, file,
# bash's own `[[`, `hash` and `type`.
READERS = (
    "[ [[ basename cat chmod chown cmp cp diff dirname echo file find grep hash head kill killall "
    "ldd ln ls md5sum mkdir mv pgrep pidof pkill printf ps readlink realpath rm sed sha256sum stat "
    "tail test touch type wc whereis which"
)
# Programs that install packages, and those that ask a service manager which runs already.
INSTALLERS = "apk apt apt-get dnf dpkg microdnf pip pip3 rpm yum zypper"
MANAGERS = "journalctl service systemctl"


@pytest.mark.parametrize("program", READERS.split())
def test_a_line_that_only_reads_a_path_starts_no_init(program: str) -> None:
    assert find(["sh", "-c", f"{program} /sbin/init; exec app"]) is None
    assert find(["sh", "-c", f"{program} x /lib/systemd/systemd; exec tini app"]) == Found(
        Reason.HAS_INIT, "tini"
    )


@pytest.mark.parametrize("program", [*INSTALLERS.split(), *MANAGERS.split()])
def test_a_line_that_installs_or_asks_for_an_init_starts_none(program: str) -> None:
    for init in ("runit", "systemd", "/sbin/init"):
        assert find(["sh", "-c", f"{program} install {init} && exec app"]) is None
        assert find(["sh", "-c", f"/usr/bin/{program} {init} && exec app"]) is None


ARCHITECTURES = [
    "amd64",
    "arm64",
    "armel",
    "armhf",
    "i386",
    "ppc64el",
    "ppc64le",
    "riscv64",
    "s390x",
]


@pytest.mark.parametrize(
    "name",
    [
        # The files of github.com/krallin/tini/releases.
        *("tini", "tini-static", "tini-muslc-amd64"),
        *(f"tini-{architecture}" for architecture in ARCHITECTURES),
        *(f"tini-static-{architecture}" for architecture in ARCHITECTURES),
        # Those of github.com/Yelp/dumb-init and github.com/openSUSE/catatonit.
        *("dumb-init", "dumb-init_1.2.5_aarch64", "catatonit", "catatonit.aarch64"),
        *("docker-init", "podman-init", "pid1", "my_init", "initshim-init"),
    ],
)
def test_an_init_is_known_by_its_name(name: str) -> None:
    assert find([f"/opt/{name}", "app"]) == Found(Reason.HAS_INIT, f"/opt/{name}")


@pytest.mark.parametrize(
    "path",
    [
        *("/init", "/s6-init", "/linuxrc", "/sbin/init", "/bin/init", "/usr/sbin/init"),
        *("/usr/bin/init", "/usr/local/sbin/init", "/usr/local/bin/init"),
        *("/opt/s6-overlay-suexec", "/opt/s6-linux-init", "/opt/s6-svscan", "/opt/systemd"),
        *("/opt/runit", "/opt/runit-init", "/opt/openrc-init"),
    ],
)
def test_an_init_system_is_known_by_its_name_or_path(path: str) -> None:
    assert find([path]) == Found(Reason.NEEDS_PID_1, path)


@pytest.mark.parametrize(
    "name",
    [
        *("tini", "dumb-init", "catatonit", "docker-init", "podman-init", "pid1", "my_init"),
        *("initshim-init", "s6-overlay-suexec", "s6-linux-init", "s6-svscan", "systemd"),
        *("runit", "runit-init", "openrc-init"),
    ],
)
def test_a_name_that_lacks_a_letter_or_has_one_more_is_another_programs(name: str) -> None:
    """Also where an init's name stands among its words."""
    for other in (name[:-1], f"{name}x", f"x{name}"):
        assert find([f"/opt/{other}", "--like=systemd,tini"]) is None, other


@pytest.mark.parametrize(
    "line", ["busybox init", "busybox linuxrc", "k3s server", "k3s agent", "rke2 server"]
)
def test_an_init_system_among_other_things_is_known_by_its_next_word(line: str) -> None:
    program, word = line.split()
    assert find([program, word]) == Found(Reason.NEEDS_PID_1, program)
    assert find([program]) is None
    assert find([program, f"{word}s"]) is None


@pytest.mark.parametrize("folder", ["bin", "sbin", "libexec", "command", "systemd"])
def test_an_argument_names_an_init_system_where_programs_are(folder: str) -> None:
    word = f"/usr/{folder}/s6-svscan"
    assert find(["entry.sh", word]) == Found(Reason.NEEDS_PID_1, word)
    assert find(["entry.sh", f"{folder}/s6-svscan"]) is not None
    assert find(["entry.sh", f"/usr/{folder}s/s6-svscan"]) is None


def test_a_folder_named_like_an_init_system_is_no_program() -> None:
    for argv in (["/init/"], ["entry.sh", "/systemd"], ["entry.sh", "/srv//systemd"]):
        assert find(argv) is None, argv


def test_an_argv_is_searched_at_either_end() -> None:
    """8192 characters there: what stands farther in is no program that anybody named."""
    for before, behind, found in ((8192, 8192, False), (8192, 8181, True), (8172, 8192, True)):
        argv = ["entry.sh", "x" * before, "/sbin/init", "y" * behind]
        assert bool(find(argv)) is found, (before, behind)


def test_of_a_variable_only_the_name_is_told() -> None:
    assert init_system_of("", ["S6_KEEP_ENV=secret"], {}) == "S6_KEEP_ENV"
    told = init_system_of("", [], {"com.redhat.component": "ubi9-init-container"})
    assert told == "label com.redhat.component=ubi9-init-container"
