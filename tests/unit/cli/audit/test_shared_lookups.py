"""Thousands of pods, few questions."""

import asyncio
from dataclasses import dataclass, field

from msgspec.structs import replace

from tests.fakes.cluster import container, spec
from webhook.cli.audit.shared_lookups import SharedLookups
from webhook.core import policy
from webhook.core.annotations import OPTIONS
from webhook.core.argv import ImageConfig
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules, NeedsImage, Plan, Wrap


@dataclass
class Counting:
    """A resolver that takes a while and counts."""

    asked: list[str] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:
        assert deadline > asyncio.get_running_loop().time()
        self.asked.append(f"{namespace}/{pod.service_account}")
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(0.001)
        self.busy -= 1
        wraps = (
            policy.settle(each, ImageConfig(("x",)))
            for each in plan.decisions
            if isinstance(each, NeedsImage)
        )
        return replace(plan, decisions=tuple(wraps))


def settle(pods: list[tuple[Json, str]]) -> tuple[list[Plan], Counting]:
    resolver = Counting()

    async def main() -> list[Plan]:
        once = SharedLookups(resolver, seconds=5)
        return await asyncio.gather(
            *(
                once.settle(policy.plan(Pod(raw), ClusterRules()), Pod(raw), where)
                for raw, where in pods
            )
        )

    return asyncio.run(main()), resolver


def test_pods_that_would_ask_the_same_ask_once_and_keep_their_own_containers() -> None:
    pods = [
        ({"spec": spec(container("first"), {"name": f"c{number}", "image": "x"})}, "shop")
        for number in range(50)
    ]
    plans, resolver = settle(pods)
    assert resolver.asked == ["shop/default"]
    names = [[each.container.name for each in plan.decisions] for plan in plans]
    assert names == [["first", f"c{number}"] for number in range(50)]
    assert not any(isinstance(each, NeedsImage) for plan in plans for each in plan.decisions)


def test_another_namespace_account_secret_image_or_argument_is_another_question() -> None:
    plain = {"name": "a", "image": "x"}
    different = [
        (spec(plain), "shop"),
        (spec(plain), "billing"),
        (spec(plain, serviceAccountName="robot"), "shop"),
        (spec(plain, imagePullSecrets=[{"name": "s"}]), "shop"),
        (spec(plain, nodeSelector={"kubernetes.io/arch": "arm64"}), "shop"),
        (spec({**plain, "image": "y"}), "shop"),
        (spec({**plain, "args": ["b"]}), "shop"),
    ]
    _, resolver = settle([({"spec": each}, where) for each, where in different * 3])
    assert len(resolver.asked) == len(different)


def test_other_options_of_the_reaper_are_another_question() -> None:
    pods: list[tuple[Json, str]] = [
        (
            {
                "spec": spec({"name": "a", "image": "x"}),
                "metadata": {"annotations": {OPTIONS: each}},
            },
            "shop",
        )
        for each in ("-g", "-a", "-g")
    ]
    plans, resolver = settle(pods)
    assert [each.decisions[0].options for each in plans if isinstance(each.decisions[0], Wrap)] == [
        ("-g",),
        ("-a",),
        ("-g",),
    ]
    assert len(resolver.asked) == 2


def test_what_needs_no_lookup_asks_nobody() -> None:
    _, resolver = settle([({"spec": spec()}, "shop")])
    assert resolver.asked == []


def test_few_lookups_run_at_once() -> None:
    pods: list[tuple[Json, str]] = [
        ({"spec": spec({"name": "a", "image": f"x{number}"})}, "shop") for number in range(40)
    ]
    _, resolver = settle(pods)
    assert len(resolver.asked) == 40
    assert resolver.busiest == 8
