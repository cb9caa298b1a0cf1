"""Semantics §3: who has an init, who has to be PID 1, and who only looks so."""

import re

import pytest
import re2

from tests.unit.core.real_images import REAL_IMAGES, RealImage
from webhook.core import inits, schema
from webhook.core.container import containers_of
from webhook.core.errors import BadInput
from webhook.core.image_config import MOST_WORDS, read
from webhook.core.inits import find, init_system_of
from webhook.core.policy import NeedsImage, Skip, settle

NEEDS = [
    ["/init"],
    ["/sbin/init"],
    ["/usr/local/sbin/init"],
    ["/s6-init"],
    ["/lib/systemd/systemd", "--system"],
    ["runit"],
    ["/usr/bin/s6-svscan", "/run/service"],
    ["/usr/local/bin/prepare", "/init"],
    ["/usr/local/bin/entrypoint", "/sbin/init"],
    ["entry.sh", "s6-svscan", "/etc/s6"],
    ["entry.sh", "--", "systemd"],
    ["/entry.sh", "--debug", "/command/s6-svscan", "/run/service"],
    ["/bin/sh", "-c", "/usr/lib/systemd/systemd"],
    ["/bin/sh", "-c", "exec /sbin/init --log-target=journal 3>&1"],
    ["/bin/sh", "-c", "mkdir -p /run/lock && exec /sbin/init"],
    [
        "/bin/sh",
        "-c",
        "if [ -x /prepare ]; then /prepare; fi\nexec env container=docker /sbin/init",
    ],
    ["bash", "-euo", "pipefail", "-c", "'/sbin/init' \"$@\""],
    ["/usr/bin/env", "TZ=UTC", "/init"],
    ["/usr/bin/env", "-i", "PATH=/bin", "/init"],
    ["chroot", "/rootfs", "/sbin/init"],
    ["sh", "/init"],
    ["sh", "-c", "sh -c /init"],
    ["sh", "-c", 'exec "$@"', "sh", "/sbin/init"],
    ["/bin/k3s", "server"],
    ["k3s", "agent", "--token", "x"],
    ["/bin/rke2", "server"],
    ["sh", "-c", "exec k3s server"],
    ["busybox", "init"],
    ["busybox.static", "sh", "-c", "exec /init"],
    ["toybox", "env", "A=1", "/init"],
    ["fish", "-c", "exec /sbin/init"],
    ["env", "-SA=1 /sbin/init"],
    ["env", "-iS", "A=1 /sbin/init"],
    ["env", "--split-string=-i /sbin/init"],
    ["/usr/bin/env", "-S", 'sh -c "exec /sbin/init"'],
    ["busybox", "sh", "-c", "exec /sbin/init"],
    ["openrc-init"],
]
HAS = [
    ["/sbin/tini", "--", "app"],
    ["tini-static", "--", "app"],
    ["/tini-amd64", "--", "app"],
    ["/usr/bin/dumb-init", "app"],
    ["/usr/bin/dumb-init_1.2.5_x86_64", "app"],
    ["catatonit", "--", "app"],
    ["/catatonit.x86_64", "--", "app"],
    ["/dev/init/docker-init"],
    ["podman-init"],
    ["/pid1"],
    ["/sbin/my_init"],
    ["env", "A=b", "tini", "--", "app"],
    ["env", "-u", "A", "--", "tini", "app"],
    ["env", "-", "tini", "app"],
    ["env", "-S", "tini -- app"],
    ["sudo", "-E", "-u", "app", "A=b", "tini", "--", "app"],
    ["gosu", "app:app", "dumb-init", "app"],
    ["su-exec", "1000", "tini", "--", "app"],
    ["setpriv", "--reuid", "1000", "--clear-groups", "--", "tini", "app"],
    ["setpriv", "--reuid=1000", "tini", "app"],
    ["chpst", "-u", "app", "-/", "/srv", "tini", "app"],
    ["sh", "-c", "exec tini -- app"],
    ["sh", "-c", "tini -- app"],
    ["/bin/bash", "-lc", "cd /srv && exec tini -- app"],
    ["sh", "-c", "A=1 exec -a name gosu app dumb-init app"],
    ["sh", "-c", 'exec "$@"', "--", "tini", "--", "app"],
    ["tini", "--", "/init"],
    ["dumb-init", "--", "tini", "--", "app"],
    ["doas", "-u", "app", "tini", "app"],
    ["su-exec", "app:app", "tini", "app"],
    ["busybox", "setuidgid", "app", "tini", "app"],
    ["runuser", "-u", "app", "--", "tini", "app"],
    ["runuser", "-c", "exec tini app", "app"],
    ["su", "-", "app", "-c", "exec tini app"],
    ["rbash", "-c", "exec tini app"],
    ["chrt", "-f", "1", "tini", "app"],
    ["prlimit", "--nofile=1024", "tini", "app"],
    ["numactl", "--interleave=all", "tini", "app"],
    ["setarch", "x86_64", "tini", "app"],
    ["linux32", "tini", "app"],
    ["unshare", "-n", "tini", "app"],
]
NEITHER = [
    ["app", "--config", "/init.d"],
    ["init-db"],
    ["init"],
    ["/app/init"],
    ["/app/init/run"],
    ["sh", "-c", "echo /sbin/init"],
    ["sh", "-c", 'echo "run /sbin/init"; exec app'],
    ["sh", "-c", "[ -e /init ] && exec app"],
    ["sh", "-c", "rm -f /sbin/init; exec app"],
    ["sh", "-c", "exec app # not /sbin/init"],
    ["sh", "-c", "exec app --with tini-config"],
    ["sh", "-c", "app > /sbin/init"],
    ["sh", "-c", "app 'an /sbin/init in a sentence'"],
    ["cat", "/sbin/init"],
    ["/usr/bin/tinyproxy"],
    ["tini-config"],
    ["fluent-bit", "-i", "systemd", "-o", "stdout"],
    ["node_exporter", "--collector.systemd", "--path=/run/systemd"],
    ["tail", "-F", "/run/systemd"],
    ["terraform", "init"],
    ["cloud-init", "init"],
    ["kubeadm", "init"],
    ["python", "-m", "systemd"],
    ["journalctl", "-u", "runit"],
    ["apt-get", "install", "runit"],
    ["pgrep", "systemd"],
    ["sh", "-c", "systemctl status runit || true; exec app"],
    ["sh", "-c", "if pidof systemd; then :; fi; exec app"],
    ["sh", "-c", "command -v tini; exec app"],
    ["sh", "-c", "apk add tini && exec app"],
    ["su", "app"],
    ["su", "-c"],
    ["env", "-S"],
    ["busybox", "httpd", "-f"],
    ["k3s-agent-proxy", "server"],
    ["app", "/run/systemd"],
    ["app", "/etc/runit"],
    ["app", "--exec=/sbin/init"],
    ["k3s", "kubectl", "get", "pods"],
    ["server", "k3s"],
    ["busybox", "sh", "-c", "exec app"],
    ["entry.sh", "tini", "--", "app"],
    ["sh", "-c"],
    ["sh", "tini"],
    ["env"],
    ["gosu", "tini"],
    ["sudo"],
    [""],
]


def reason(argv: list[str]) -> str | None:
    found = find(argv)
    return found.reason if found else None


@pytest.mark.parametrize("argv", NEEDS, ids=" ".join)
def test_an_init_system_is_found_wherever_it_stands(argv: list[str]) -> None:
    assert reason(argv) == "needs-pid-1"


@pytest.mark.parametrize("argv", HAS, ids=" ".join)
def test_an_init_is_found_where_the_program_stands(argv: list[str]) -> None:
    assert reason(argv) == "has-init"


@pytest.mark.parametrize("argv", NEITHER, ids=" ".join)
def test_what_only_looks_so_is_wrapped(argv: list[str]) -> None:
    assert reason(argv) is None


@pytest.mark.parametrize("image", REAL_IMAGES, ids=lambda image: image.source.split("@")[0])
def test_a_real_image_is_known_for_what_it_runs(image: RealImage) -> None:
    [container] = containers_of("containers", [schema.Container("app", "app")])
    settled = settle(NeedsImage(container), image.config)
    assert (settled.reason if isinstance(settled, Skip) else "wrapped") == image.expected


def test_the_table_of_real_images_is_large_and_each_has_its_source() -> None:
    assert len({image.source for image in REAL_IMAGES}) == len(REAL_IMAGES) >= 60
    for image in REAL_IMAGES:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} [\w./-]+", image.source)


@pytest.mark.parametrize(
    ("argv", "added", "found"),
    [
        (["/opt/vendor/boot"], ("/opt/vendor/boot",), True),
        (["/opt/vendor/boot"], ("boot",), True),
        (["entry.sh", "/opt/vendor/boot"], ("boot",), True),
        (["sh", "-c", "exec boot"], ("boot",), True),
        (["app", "--mode", "boot"], ("boot",), False),
        (["/opt/other/boot"], ("/opt/vendor/boot",), False),
        (["app"], ("boot",), False),
    ],
)
def test_the_administrator_adds_names_and_paths(
    argv: list[str], added: tuple[str, ...], found: bool
) -> None:
    assert bool(find(argv, added)) is found


@pytest.mark.parametrize(
    ("stop_signal", "variables", "labels", "hint"),
    [
        ("SIGRTMIN+3", [], {}, "STOPSIGNAL SIGRTMIN+3"),
        ("rtmin+3", [], {}, "STOPSIGNAL rtmin+3"),
        ("37", [], {}, "STOPSIGNAL 37"),
        ("SIGTERM", ["PATH=/bin", "S6_KEEP_ENV=1"], {}, "S6_KEEP_ENV"),
        ("", [], {"com.redhat.component": "ubi9-init-container"}, "label com.redhat.component"),
        ("SIGRTMIN+4", [], {}, ""),
        ("SIGQUIT", ["S6=1", "s6_x=1", "NOT_S6_X=1", "S6_KEEP_ENV"], {}, ""),
        ("", [], {"com.redhat.component": "ubi9-container"}, ""),
    ],
)
def test_an_image_tells_of_its_init_system(
    stop_signal: str, variables: list[str], labels: dict[str, str], hint: str
) -> None:
    assert init_system_of(stop_signal, variables, labels).startswith(hint)
    fields = {
        "entrypoint": ["/entrypoint.sh"],
        "stopsignal": stop_signal,
        "env": variables,
        "labels": labels,
    }
    [container] = containers_of("containers", [schema.Container("app")])
    settled = settle(NeedsImage(container), read(fields))
    assert isinstance(settled, Skip) is bool(hint)


@pytest.mark.parametrize(
    ("signal", "names", "hint"),
    [
        ("SIGRTMIN+3", [], "stopSignal SIGRTMIN+3"),
        ("", ["TZ", "S6_KEEP_ENV"], "S6_KEEP_ENV"),
        ("SIGTERM", ["S6_", "s6_x", "NOT_S6_X", "S6_lower", "S6"], ""),
        ("SIGRTMIN+4", [], ""),
        ("sigrtmin+3", [], ""),
    ],
)
def test_a_pod_tells_of_its_init_system(signal: str, names: list[str], hint: str) -> None:
    assert inits.init_system_of_pod(signal, names) == hint


def test_a_container_with_a_command_of_its_own_is_not_what_its_image_tells() -> None:
    [container] = containers_of("containers", [schema.Container("app", command=["/app"])])
    assert not isinstance(settle(NeedsImage(container), read({"stopsignal": "SIGRTMIN+3"})), Skip)


def test_hints_of_a_wrong_type_are_passed_over() -> None:
    for wrong in (7, "x", ["x"], {"x": 1}, [7], {"x": None}):
        config = read({"entrypoint": ["/a"], "stopsignal": [], "env": wrong, "labels": wrong})
        assert config.init_system == ""
        assert config.stop_signal == ""


@pytest.mark.parametrize(
    "piece", ["init;", "'init", '"init', "\\", "init ", "(init", "init\n", "$("]
)
def test_a_long_script_costs_no_more_than_its_end(piece: str) -> None:
    """A megabyte of a hostile script: only its last part is read, and that in one pass."""
    script = piece * (1_000_000 // len(piece))
    assert reason(["sh", "-c", script]) is None
    assert reason(["sh", "-c", f"{script}\n'\"\nexec /sbin/init"]) in (None, "needs-pid-1")
    assert reason(["sh", "-c", f"{'init; ' * 200_000} exec /sbin/init"]) == "needs-pid-1"


WORDS = sorted({word for argv in (*NEEDS, *HAS, *NEITHER) for word in argv})
PATTERNS = {
    "a program's name": (inits.INIT_NAME, WORDS),
    "a system's name": (inits.SYSTEM_NAME, WORDS),
    "a system's path": (
        inits.SYSTEM_ARGUMENT,
        [
            f"{folder}{word}"
            for folder in ("", "/usr/bin/", "bin/", "/a\nb/sbin/")
            for word in WORDS
        ],
    ),
    "a variable": (
        f"^{inits.VARIABLES}$",
        ["S6_KEEP_ENV", "S6_", "s6_x", "NOT_S6_X", "S6_É", "S6_2"],
    ),
    **{
        f"the label {name}": (
            f"^{pattern}$",
            ["ubi9-init", "ubi10-init-container", "ubi-init", "ubi9-container"],
        )
        for name, pattern in inits.LABELS
    },
}


@pytest.mark.parametrize("kind", PATTERNS)
def test_re2_gives_the_answers_of_python(kind: str) -> None:
    """The admission policy has the same patterns, and the API server's CEL has RE2."""
    pattern, words = PATTERNS[kind]
    theirs, ours = re2.compile(pattern), re.compile(pattern)
    answers = set()
    for word in words:
        for text in (word, word.upper(), f"{word}\n", f"\n{word}", f" {word}", f"{word}x", ""):
            assert bool(theirs.search(text)) is bool(ours.fullmatch(text)), (pattern, text)
            answers.add(bool(ours.fullmatch(text)))
    assert answers == {True, False}


@pytest.mark.parametrize("word", ["tini\n", "/usr/bin/systemd\n", "/init\n"])
def test_a_line_break_is_part_of_a_name(word: str) -> None:
    """The kernel looks for a file of that name, and finds none."""
    assert reason([word]) is None


def test_every_program_says_where_that_is_written() -> None:
    for program in (*inits.INITS, *inits.SYSTEMS):
        assert program.source.startswith("https://")
        assert program.name or program.paths


def test_an_image_of_more_words_than_anybody_writes_is_refused() -> None:
    assert len(read({"cmd": ["a"] * MOST_WORDS}).cmd) == MOST_WORDS
    for wrong in ({"cmd": ["a"] * (MOST_WORDS + 1)}, {"entrypoint": ["a"] * (MOST_WORDS + 1)}):
        with pytest.raises(BadInput, match=f"has more than {MOST_WORDS} words"):
            read(wrong)
