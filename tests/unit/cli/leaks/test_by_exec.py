"""Looking from inside: the probes run in real PID namespaces, as exec would run them there."""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.census.leaker import leaker
from tests.reaper import need
from webhook.cli.audit.owners import Workload
from webhook.cli.audit.progress import Bar
from webhook.cli.leaks import by_exec
from webhook.cli.leaks.observations import Term
from webhook.cli.leaks.pods import Running, Sees
from webhook.kube.errors import ApiUnreachable, Forbidden, NotStarted

_PID_1 = Path("/proc/1/stat").read_text()
WEB = Workload("shop", "Deployment", "web", "apps/v1")


def container(pod: str, namespace: str = "shop") -> Running:
    workload = replace(WEB, namespace=namespace)
    return Running(workload=workload, pod=pod, container="app", node="n1", grace=30, wrapped=False)


async def test_zombies_of_pid_1_and_of_another_parent_are_told_apart() -> None:
    need.root()
    need.tool("nsenter", "util-linux")
    with leaker(4, 2) as first:

        async def run(_container: Running, command: tuple[str, ...]) -> str:
            enter = ["nsenter", "-t", str(first), "-p", "-m", "--"]
            done = await asyncio.create_subprocess_exec(
                *enter, *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            printed, _ = await done.communicate()
            return printed.decode()

        inside = await by_exec.observe_containers(
            {"1": container("a")}, run, seconds=0.1, bar=Bar(None)
        )
    assert inside.problems == ()
    (node,) = inside.observations
    seen = node.containers["1"]
    # A third parent waits, but late: one of its children may be seen at both looks.
    assert {(each.by_pid_1, each.stayed) for each in seen.zombies} >= {(True, 4), (False, 2)}
    assert seen.term is Term.DEFAULT


@pytest.mark.parametrize("missing", [{"sh"}, {"sh", "busybox", "bash", "python3", "python"}])
async def test_what_the_image_lacks_is_passed_over(missing: set[str]) -> None:
    asked: list[str] = []

    async def run(_container: Running, command: tuple[str, ...]) -> str:
        asked.append(command[0])
        if command[0] in missing:
            raise NotStarted("no such program")
        return _PID_1

    inside = await by_exec.observe_containers({"1": container("a")}, run, seconds=0, bar=Bar(None))
    assert [list(each.containers) for each in inside.observations] == [["1"]]
    assert asked[-1] == asked[-2] not in missing  # the one that ran runs for the second look, too


async def test_who_can_not_be_looked_into_is_said_by_cause() -> None:
    answers = {
        "scratch": NotStarted("no"),
        "other": ApiUnreachable("the kubelet does not answer"),
        "odd": None,
    }

    async def run(container: Running, _command: tuple[str, ...]) -> str:
        error = answers[container.pod]
        if error:
            raise error
        return "what a broken shell prints"

    containers = {name: container(name) for name in answers}
    inside = await by_exec.observe_containers(containers, run, seconds=0, bar=Bar(None))
    assert inside.observations == ()
    assert len(inside.problems) == 3
    assert any("nothing in the image can read /proc" in each for each in inside.problems)
    assert any("the kubelet does not answer" in each for each in inside.problems)
    assert any("shows no PID 1" in each for each in inside.problems)


async def test_a_namespace_without_the_right_is_asked_no_more() -> None:
    asked = []

    async def run(container: Running, _command: tuple[str, ...]) -> str:
        asked.append(container.pod)
        raise Forbidden("no")

    containers = {str(number): container(str(number)) for number in range(100)}
    inside = await by_exec.observe_containers(containers, run, seconds=0, bar=Bar(None))
    assert len(asked) <= 8
    assert inside.problems == (
        "100 containers not looked into: no right to exec: get and create pods/exec",
    )


async def test_of_containers_that_see_the_same_processes_one_is_looked_into() -> None:
    asked: set[str] = set()

    async def run(container: Running, _command: tuple[str, ...]) -> str:
        asked.add(container.container)
        return _PID_1

    pod = container("a")
    containers = {
        "1": replace(pod, container="one", sees=Sees.POD),
        "2": replace(pod, container="two", sees=Sees.POD),
        "3": replace(pod, container="alone"),
        "4": replace(pod, container="node", sees=Sees.NODE),
    }
    inside = await by_exec.observe_containers(containers, run, seconds=0, bar=Bar(None))
    assert asked == {"one", "alone"}
    (problem,) = inside.problems
    assert problem.startswith("1 container not looked into: ")
    assert "hostPID" in problem


async def test_who_is_gone_at_the_second_look_is_said() -> None:
    looks: list[str] = []

    async def run(container: Running, _command: tuple[str, ...]) -> str:
        looks.append(container.pod)
        if len(looks) > 1:
            raise ApiUnreachable("the pod is gone")
        return _PID_1

    inside = await by_exec.observe_containers({"1": container("a")}, run, seconds=0, bar=Bar(None))
    assert inside.observations == ()
    (problem,) = inside.problems
    assert "the pod is gone" in problem
