"""What is said of a container that is wrapped all the same, and of nothing else."""

import pytest

from webhook.core.cautions import ends_with_its_shell, looks_at_pid_1
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules, plan, warnings

LAST_APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}


def said(container: Json, **metadata: object) -> list[str]:
    app = {"name": "web", "image": "app", "command": ["/app"], **container}
    return warnings(
        plan(Pod({"metadata": metadata, "spec": {"containers": [app]}}), ClusterRules())
    )


@pytest.mark.parametrize(
    ("command", "looks"),
    [
        (["sh", "-c", 'test "$(cat /proc/1/comm)" = postgres'], True),
        (["readlink", "/proc/1/exe"], True),
        (["grep", "-q", "app", "/proc/1/cmdline"], True),
        (["sh", "-c", "grep VmRSS /proc/1/status"], True),
        (["cat", "/proc//1/./comm"], True),
        (["ps", "-p", "1", "-o", "comm="], True),
        (["ps", "--pid=1"], True),
        (["sh", "-c", '[ "$(ps -o comm= -p1)" = app ]'], True),
        (["/bin/ps", "-q", "1"], True),
        (["ps", "-p", "12"], False),
        (["sh", "-c", "ps aux | grep -c 1"], False),
        (["sh", "-c", "ps aux; app -p 1"], False),
        (["caps", "-p", "1"], False),
        (["cat", "/proc/1/fd/1"], False),
        (["sh", "-c", "echo x > /proc/1/fd/1"], False),
        (["cat", "/proc/1/environ"], False),
        (["cat", "/proc/10/comm"], False),
        (["cat", "/proc/1/command"], False),
        (["cat", "/proc/self/exe"], False),
        (["pg_isready"], False),
        ([], False),
        (["x" * 1_000_000 + "/proc/1/comm"], False),
    ],
)
def test_a_probe_that_looks_at_pid_1_is_known(command: list[str], looks: bool) -> None:
    assert looks_at_pid_1(command) is looks


@pytest.mark.parametrize(
    "fields",
    [
        {"livenessProbe": {"exec": {"command": ["cat", "/proc/1/comm"]}}},
        {"readinessProbe": {"exec": {"command": ["cat", "/proc/1/comm"]}}},
        {"startupProbe": {"exec": {"command": ["cat", "/proc/1/comm"]}}},
        {"lifecycle": {"postStart": {"exec": {"command": ["cat", "/proc/1/comm"]}}}},
        {"lifecycle": {"preStop": {"exec": {"command": ["cat", "/proc/1/comm"]}}}},
    ],
    ids=str,
)
def test_every_command_of_the_kubelet_in_a_container_counts(fields: Json) -> None:
    [warning] = said(fields)
    assert warning.startswith("initshim: web: ")
    assert "looks at PID 1" in warning
    assert len(warning) <= 120
    assert len(said({**fields, "name": "a-name-of-as-many-as-sixty-three-characters"})[0]) <= 120


@pytest.mark.parametrize(
    "fields",
    [
        {"livenessProbe": {"httpGet": {"path": "/proc/1/comm", "port": 80}}},
        {"livenessProbe": {"exec": None}, "lifecycle": None},
        {"livenessProbe": {"exec": {"command": ["cat", "/proc/1/comm"]}}, "command": ["tini"]},
    ],
    ids=str,
)
def test_nothing_is_said_of_other_probes_or_of_what_is_left_alone(fields: Json) -> None:
    assert said(fields) == []


SURE = [
    ["sh", "-c", "app; true"],
    ["/bin/bash", "-c", "./app.sh; exit 0"],
    ["bash", "-ec", "cd /srv && ./app\necho done"],
    ["sh", "-c", "app || true"],
    ["env", "A=b", "sh", "-c", "app; :"],
]
NOT_SURE = [
    ["sh", "-c", "exec app"],
    ["sh", "-c", "app"],
    ["sh", "-c", "prepare; app"],
    ["sh", "-c", "prepare && exec app; true"],
    ["sh", "-c", "app & wait; true"],
    ["sh", "-c", "app & true"],
    ["sh", "-c", "trap stop TERM; app; true"],
    ["sh", "-c", "while true; do app; done; true"],
    ["sh", "-c", "app | tee /log"],
    ["sh", "-c", "echo a; echo b"],
    ["sh", "-c", "x" * 10_000 + "; true"],
    ["sh", "app.sh"],
    ["app", "-c", "a; true"],
    [],
]


@pytest.mark.parametrize("argv", SURE, ids=str)
def test_a_shell_that_certainly_stays_is_known(argv: list[str]) -> None:
    assert ends_with_its_shell(argv)
    [warning] = said({"command": argv})
    assert "SIGTERM ends its shell" in warning
    assert len(warning) <= 120


@pytest.mark.parametrize("argv", NOT_SURE, ids=lambda argv: str(argv)[:40])
def test_nothing_is_said_where_a_shell_may_hand_over_or_wait(argv: list[str]) -> None:
    assert not ends_with_its_shell(argv)


@pytest.mark.parametrize(("options", "warned"), [("-g", 1), ("-g -l 5", 0), ("-gl5", 0)])
def test_who_has_everything_in_the_container_signalled_needs_no_word(
    options: str, warned: int
) -> None:
    annotations = {"initshim.dev/options": options}
    assert len(said({"command": ["sh", "-c", "app; true"]}, annotations=annotations)) == warned


def test_a_pod_that_may_be_applied_again_is_warned_of() -> None:
    [warning] = said({}, annotations=LAST_APPLIED)
    assert "kubectl replace --force" in warning
    assert len(warning) <= 120
    owner = {"kind": "ReplicaSet", "name": "web", "controller": True}
    assert said({}, annotations=LAST_APPLIED, ownerReferences=[owner]) == []
    assert said({"command": ["tini", "--", "app"]}, annotations=LAST_APPLIED) == []
    assert said({}) == []


@pytest.mark.parametrize("last", ["true", ":", "exit", "false", "echo", "printf", "return"])
def test_a_shell_that_has_something_left_to_do_stays(last: str) -> None:
    assert ends_with_its_shell(["sh", "-c", f"app; {last} 0"])
    assert not ends_with_its_shell(["sh", "-c", f"app; {last}x 0"])


@pytest.mark.parametrize(
    "word",
    [
        *("exec", "trap", "wait", "while", "until", "for", "case", "if", "eval", ".", "source"),
        "set",
    ],
)
def test_where_a_shell_may_hand_over_or_run_on_nothing_is_certain(word: str) -> None:
    """POSIX, Shell Command Language: reserved words, and builtins that change what follows."""
    assert ends_with_its_shell(["sh", "-c", "prepare x; app; true"])
    assert not ends_with_its_shell(["sh", "-c", f"{word} x; app; true"])


def test_only_a_word_of_its_own_is_ps() -> None:
    assert not looks_at_pid_1(["sh", "-c", "psql -p 1"])
    assert not looks_at_pid_1(["sh", "-c", "ps aux; psql -p 1"])
