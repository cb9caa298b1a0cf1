"""A namespace whose registry hangs waits in its share, and the others as if it were not there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.reviews import pod
from webhook.core import policy
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, Plan
from webhook.server.waiting import SharedWait

DEADLINE = 1000.0
POD = Pod(pod())
PLAN = policy.plan(POD, ClusterRules())


class Hangs:
    """A resolver that waits until it is let go, and knows how long each review would have."""

    def __init__(self, *, all_hang: bool = False) -> None:
        self.all_hang = all_hang
        self.patient: list[str] = []
        self.hurried: list[str] = []
        self.go = asyncio.Event()

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        if deadline < DEADLINE:
            self.hurried.append(namespace)
            if self.all_hang:
                await self.go.wait()
            return plan
        self.patient.append(namespace)
        await self.go.wait()
        return plan


@asynccontextmanager
async def waiting(most: int, *namespaces: str, all_hang: bool = False) -> AsyncIterator[Hangs]:
    hangs = Hangs(all_hang=all_hang)
    shared = SharedWait(hangs, most=most, clock=lambda: 0.0)
    async with asyncio.TaskGroup() as tasks:
        for each in namespaces:
            tasks.create_task(shared.resolve(PLAN, POD, each, deadline=DEADLINE))
            await asyncio.sleep(0)
        yield hangs
        hangs.go.set()
    assert await shared.resolve(PLAN, POD, "again", deadline=DEADLINE) is PLAN
    assert hangs.patient[-1] == "again", "who has gone takes no room"


async def test_one_namespace_gets_half_and_leaves_the_rest() -> None:
    async with waiting(16, *["hostile"] * 100) as hangs:
        assert (len(hangs.patient), len(hangs.hurried)) == (8, 92)


async def test_others_wait_as_long_as_they_would_have() -> None:
    async with waiting(16, *["hostile"] * 100, "honest", "third", "honest") as hangs:
        assert hangs.patient[8:] == ["honest", "third", "honest"]


async def test_many_namespaces_share_what_there_is() -> None:
    async with waiting(16, *[f"n{at % 3}" for at in range(300)]) as hangs:
        assert {each: hangs.patient.count(each) for each in ("n0", "n1", "n2")} == {
            "n0": 4,
            "n1": 4,
            "n2": 4,
        }


async def test_a_peer_that_makes_up_namespaces_leaves_the_others_their_time() -> None:
    made_up = [f"10.9.9.9 n{at}" for at in range(300)]
    async with waiting(16, *made_up, "10.0.0.1 honest", all_hang=True) as hangs:
        assert len(hangs.patient) == 15
        assert hangs.patient[-1] == "10.0.0.1 honest"
