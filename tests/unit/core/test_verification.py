"""A patch that leads to another pod than the planned one is found out, whatever is wrong of it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.core.pipeline import World, mutate
from webhook.core.annotations import DEFAULT_CONTAINER
from webhook.core.argv import INIT
from webhook.core.errors import PatchFailed
from webhook.core.ours import NAME
from webhook.core.pod import Json, Pod
from webhook.core.verification import verify

BEFORE: Json = {
    "metadata": {"name": "x", "labels": {"a": "b"}},
    "spec": {
        "containers": [
            {"name": "web", "image": "app", "command": ["/app"], "args": ["x"]},
            {"name": "shell", "image": "app", "command": ["/sbin/init"]},
        ],
        "initContainers": [
            {"name": "proxy", "image": "p", "command": ["/p"], "restartPolicy": "Always"}
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
    },
}
Change = Callable[[Json], Any]


def of(pod: Json, name: str) -> Json:
    found: Json
    spec = pod["spec"]
    [found] = [e for e in (*spec["containers"], *spec["initContainers"]) if e["name"] == name]
    return found


def add_container(pod: Json) -> None:
    pod["spec"]["initContainers"].append({"name": "more", "image": "m", "command": ["/m"]})


def run_another(pod: Json) -> None:
    of(pod, "web")["command"] = [INIT, "--", "/other"]


def install_last(pod: Json) -> None:
    inits = pod["spec"]["initContainers"]
    inits.append(inits.pop(0))


def install_never(pod: Json) -> None:
    inits = pod["spec"]["initContainers"]
    pod["spec"]["initContainers"] = [each for each in inits if each["name"] != NAME]


def without_volume(pod: Json) -> None:
    pod["spec"]["volumes"] = [each for each in pod["spec"]["volumes"] if each["name"] != NAME]


def without_mount(pod: Json) -> None:
    of(pod, "web")["volumeMounts"] = []


def default(pod: Json) -> None:
    pod["metadata"]["annotations"][DEFAULT_CONTAINER] = "shell"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add_container, "containers came or went"),
        (lambda pod: of(pod, "shell").update(command=["/x"]), "containers[1] is another one"),
        (lambda pod: of(pod, "web").update(image="y"), "containers[0] is another one"),
        (lambda pod: of(pod, "web").update(command=["/app"]), "does not run through the reaper"),
        (without_mount, "containers[0] has no mount"),
        (run_another, "containers[0] runs something else"),
        (lambda pod: of(pod, "web").update(args=["y"]), "containers[0] runs something else"),
        (without_volume, "it has no volume of ours"),
        (install_last, "something runs through the reaper before it is installed"),
        (install_never, "nothing installs the reaper"),
        (default, "it names another default container"),
        (lambda pod: pod["metadata"]["labels"].clear(), "it changes what is not ours"),
        (lambda pod: pod["spec"]["volumes"].pop(0), "it changes what is not ours"),
    ],
)
def test_what_was_not_planned_is_named(change: Change, said: str) -> None:
    done = mutate(BEFORE, World())
    verify(Pod(BEFORE), Pod(done.after), done.plan)
    wrong = copy.deepcopy(done.after)
    change(wrong)
    with pytest.raises(PatchFailed) as caught:
        verify(Pod(BEFORE), Pod(wrong), done.plan)
    assert said in str(caught.value)


def test_a_container_that_ran_through_the_reaper_before_runs_what_it_ran() -> None:
    """As on a second pass, where an earlier webhook's container is kept."""
    before = mutate(BEFORE, World()).after
    done = mutate(before, World())
    verify(Pod(before), Pod(done.after), done.plan)
    wrong = copy.deepcopy(done.after)
    run_another(wrong)
    with pytest.raises(PatchFailed, match="runs something else"):
        verify(Pod(before), Pod(wrong), done.plan)
