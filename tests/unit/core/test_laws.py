"""The laws of semantics §1 and §4, over pods that nobody would write by hand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.pipeline import World, check_laws, mutate
from tests.unit.core.schemas import VERSIONS, complaints
from tests.unit.core.strategies import pods, worlds
from webhook.core import reasons
from webhook.core.argv import INIT
from webhook.core.ours import NAME
from webhook.core.pod import Json
from webhook.core.policy import Skip, Wrap
from webhook.core.reasons import Reason


@given(pods(), worlds())
def test_nothing_but_ours_changes_and_the_same_program_starts(pod: Json, world: World) -> None:
    """The patch applies, a second pass is empty; QoS, requests, limits and argv stay."""
    check_laws(pod, world)


@given(pods(), worlds())
def test_every_planned_wrap_is_carried_out_and_can_start(pod: Json, world: World) -> None:
    outcome = mutate(pod, world)
    spec = outcome.after["spec"]
    through = [
        each.container
        for each in outcome.plan.decisions
        if isinstance(each, Wrap)
        or (isinstance(each, Skip) and each.reason is Reason.ALREADY_WRAPPED)
    ]
    for container in through:
        now = next(each for each in spec[container.field] if each["name"] == container.name)
        assert now["command"][0] == INIT
        assert {"name": NAME, "mountPath": "/.initshim", "readOnly": True} in now["volumeMounts"]
    if through:
        assert [each["name"] for each in spec["volumes"]].count(NAME) == 1
    else:
        assert outcome.after is pod
    if through and not world.delivery.as_volume:
        assert spec["initContainers"][0]["name"] == NAME


@given(pods(), worlds(), st.sampled_from(VERSIONS))
@settings(max_examples=50)
def test_what_the_api_knew_before_it_knows_after(pod: Json, world: World, version: str) -> None:
    """The result passes kubernetes-validate wherever the pod did; image volumes since 1.31."""
    said = set(complaints(mutate(pod, world).after, version)) - set(complaints(pod, version))
    if world.delivery.as_volume and tuple(map(int, version.split("."))) < (1, 31):
        said = {line for line in said if not line.startswith("spec.volumes.")}
    assert not said


@given(pods(), worlds())
def test_every_warning_is_short_and_names_what_was_left_alone(pod: Json, world: World) -> None:
    for warning in mutate(pod, world).warnings:
        assert warning.startswith("initshim left ")
        assert len(warning) <= reasons.LONGEST_WARNING
