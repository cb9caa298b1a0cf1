"""What a pod's author can make long or many: turned away, or no dearer than its first part.

Costs are counted in calls, not in seconds: a machine may be slow.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.core.pipeline import DELIVERY
from webhook.core import cautions, inits, mutation, policy, response, shell
from webhook.core import container as limits
from webhook.core.annotations import pod_options
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadAnnotation, BadPod
from webhook.core.notices import notices
from webhook.core.ours import is_our_mount
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, Plan, Wrap
from webhook.core.reasons import Reason
from webhook.core.response import Verdict
from webhook.core.review import Review
from webhook.core.schema import Mount


def made(*containers: dict[str, Any], **annotations: str) -> Pod:
    return Pod({"metadata": {"annotations": annotations}, "spec": {"containers": [*containers]}})


def calls(work: Callable[[], object]) -> int:
    """Count the functions that are called, those in C among them."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"name": "c" * 64}, "name is longer than 63"),
        ({"name": "c", "command": ["a"] * 9_000, "args": ["b"] * 9_000}, "18000 words"),
        ({"name": "c", "volumeMounts": [{}] * 5_000}, "5000 volume mounts"),
    ],
)
def test_a_container_out_of_all_proportion_is_turned_away(
    container: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadPod, match=said):
        made(container)


def test_the_words_of_all_containers_count_together() -> None:
    half = {"command": ["a"] * (limits.MOST_WORDS // 2)}
    made({"name": "a", **half}, {"name": "b", **half})
    with pytest.raises(BadPod, match="words to run"):
        made({"name": "a", **half}, {"name": "b", **half}, {"name": "c", "args": ["c"]})


LONG: dict[str, list[str]] = {
    "names of inits": ["x", *["a/init"] * 200_000],
    "prefixes": ["env"] * 200_000,
    "prefixes that split": ["env", *["-S", "env"] * 100_000],
    "a prefix that splits a long string": ["env", "-S", "env " * 200_000],
    "behind a shell": ["sh", "-c", "true", *["k3s"] * 200_000],
    "a long script": ["sh", "-c", "x; " * 200_000],
}


@pytest.mark.parametrize("argv", LONG.values(), ids=LONG)
@pytest.mark.parametrize("look", [inits.find, cautions.ends_with_its_shell])
def test_looking_for_an_init_costs_no_more_than_the_first_words(
    argv: list[str], look: Callable[[list[str]], object]
) -> None:
    assert calls(lambda: look(argv)) < 100 * shell.MOST_WORDS


def test_prefixes_are_walked_through_once() -> None:
    few, many = (calls(lambda: shell.behind_prefixes(["env"] * count)) for count in (100, 1000))  # noqa: B023  # called at once
    assert many < 11 * few
    assert shell.behind_prefixes(["env", "-S", "nice -n 5 app x", "y"]) == ["app", "x", "y"]


def test_a_path_that_no_kernel_takes_is_not_taken_apart() -> None:
    mount = Mount("initshim", "/.initshim" + "/../.initshim" * 100)
    assert is_our_mount(mount)
    assert not is_our_mount(Mount("initshim", "/.initshim" + "/../.initshim" * 1000))


def test_an_entrypoint_by_hand_has_a_length() -> None:
    with pytest.raises(BadAnnotation, match="more than 512 words"):
        pod_options({"initshim.dev/entrypoint.c": json.dumps(["a"] * 513)}, {})


@pytest.mark.parametrize("argv", [("$" * 1000,), ("/a",) * 500])
def test_what_many_containers_get_from_one_image_counts_for_each(argv: tuple[str, ...]) -> None:
    pod = made(*({"name": f"c{at}", "image": "a"} for at in range(200)))
    image = ImageConfig(argv)
    wrapped = Plan(tuple(Wrap(each, image) for each in pod.containers))
    with pytest.raises(BadPod, match="longer than 128 KiB in all"):
        mutation.operations(pod, wrapped, DELIVERY)
    few = Plan(tuple(Wrap(each, image) for each in pod.containers[:50]))
    assert mutation.operations(pod, few, DELIVERY)


def test_names_that_share_an_annotation_count_each() -> None:
    """Two containers of one name are refused later on, but not before the webhook has seen them."""
    by_hand = {"initshim.dev/entrypoint.c": json.dumps(["x" * 100_000])}
    pod = made({"name": "c", "image": "a"}, {"name": "c", "image": "a"}, **by_hand)
    with pytest.raises(BadPod, match="longer than 128 KiB in all"):
        mutation.operations(pod, policy.plan(pod, ClusterRules()), DELIVERY)


def test_sentences_are_cut_before_they_are_cleaned() -> None:
    long = "\x01é" * 100_000
    said = Review("u", "n", "p", None)
    assert calls(lambda: response.respond(said, Verdict(warnings=[long]))) < 1000
    plan = Plan(reason=Reason.BAD_ANNOTATION, detail=long)
    assert calls(lambda: notices(plan)) < 5000


def test_an_owner_is_named_and_not_quoted_whole() -> None:
    owner = {"kind": "K" * 1000, "name": "n" * 100_000, "controller": True}
    pod = Pod({"metadata": {"ownerReferences": [owner]}, "spec": {}})
    assert pod.owner == f"{'K' * 63}/{'n' * 253}"
