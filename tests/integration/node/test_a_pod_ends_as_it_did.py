"""Exit codes, messages, deletion: un-injected and injected side by side (semantics §1, §4)."""

import time

import pytest

from tests.integration.node import options
from tests.integration.node.cluster import Cluster


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sh", "-c", "exit 0"), 0),
        (("sh", "-c", "exit 42"), 42),
        (("sh", "-c", "echo own message >/dev/termination-log; exit 3"), 3),
        (("sh", "-c", "sh -c 'kill -9 $$$$'; exit $?"), 137),
    ],
    ids=["zero", "forty-two", "message", "killed"],
)
def test_exit_code_and_message_are_the_programs(
    cluster: Cluster, shop: str, plain: str, command: tuple[str, ...], code: int
) -> None:
    for namespace in (plain, shop):
        cluster.run(namespace, "x", *command, restartPolicy="Never")
    without, wrapped = (cluster.ended(namespace, "x") for namespace in (plain, shop))
    keys = ("exitCode", "reason", "message")
    assert [wrapped.get(key) for key in keys] == [without.get(key) for key in keys]
    assert wrapped["exitCode"] == code


@pytest.mark.parametrize(("program", "wrapped"), [("/bin/nowhere", 127), ("/etc/passwd", 126)])
def test_a_program_that_cant_start_says_why_in_describe(
    cluster: Cluster, shop: str, plain: str, program: str, wrapped: int
) -> None:
    """Un-injected, containerd says that it ended; CRI-O could not create it, and tries again."""
    for namespace in (plain, shop):
        cluster.run(namespace, "x", program, restartPolicy="Never")
    if options.runtime() == options.CRIO:
        cluster.until(lambda: cluster.waits(plain, "x") == "CreateContainerError")
    else:
        assert cluster.ended(plain, "x")["exitCode"] == 128
    ended = cluster.ended(shop, "x")
    assert ended["exitCode"] == wrapped
    assert program in ended["message"]
    assert ended["message"].strip() in cluster.kubectl("-n", shop, "describe", "pod", "x")


def test_out_of_memory_is_said_as_ever(cluster: Cluster, shop: str, plain: str) -> None:
    limits = {"resources": {"limits": {"memory": "64Mi"}}}
    for namespace in (plain, shop):
        cluster.run(namespace, "x", "/bin/eater", restartPolicy="Never", container=limits)
    for namespace in (plain, shop):
        assert cluster.ended(namespace, "x")["exitCode"] == 137


def test_a_program_without_a_handler_is_gone_at_once(
    cluster: Cluster, shop: str, plain: str
) -> None:
    """The kernel drops a PID 1's unhandled TERM: un-injected, the grace period passes."""
    took = {}
    for namespace in (plain, shop):
        cluster.run(namespace, "x", "/bin/idle", terminationGracePeriodSeconds=15)
        cluster.running(namespace, "x")
        begun = time.monotonic()
        cluster.kubectl("-n", namespace, "delete", "pod", "x")
        took[namespace] = time.monotonic() - begun
    assert took[plain] > 15 > took[shop]


def test_qos_and_effective_requests_stay(cluster: Cluster, shop: str, plain: str) -> None:
    same = {"cpu": "10m", "memory": "32Mi"}
    for name, resources in {
        "best": {}, "burst": {"requests": same}, "sure": {"requests": same, "limits": same},
    }.items():  # fmt: skip
        for namespace in (plain, shop):
            cluster.run(namespace, name, "/bin/idle", container={"resources": resources})
        classes = [cluster.pod(each, name)["status"]["qosClass"] for each in (plain, shop)]
        assert classes[0] == classes[1]


def test_logs_exec_cp_and_debug_work_without_a_word_of_ours(cluster: Cluster, shop: str) -> None:
    cluster.run(shop, "x", "/bin/leaker")
    cluster.running(shop, "x")
    assert "Defaulted" not in cluster.kubectl("-n", shop, "logs", "x")
    said = cluster.kubectl("-n", shop, "exec", "x", "--", "sh", "-c", "echo hello; exit 0")
    assert said == "hello\n"
    debugged = cluster.kubectl("-n", shop, "debug", "x", "--image", "registry.test:5000/box:1",
                               "--copy-to=y", "--", "/bin/idle")  # fmt: skip
    assert "rror" not in debugged
    cluster.running(shop, "y")
