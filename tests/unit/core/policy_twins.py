"""One pod with the admission policy and without: what it becomes must be what `admit` makes of it.

What stands behind it may be an API server, or an evaluator of CEL in the test's own process.
"""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from posixpath import basename

from tests.unit.core.pipeline import World, mutate
from webhook.core.argv import effective
from webhook.core.cel.argvs import RUNS_OTHERS
from webhook.core.pod import Json, Pod
from webhook.core.policy import Wrap


@dataclass(frozen=True, slots=True)
class Stored:
    """A pod as it is stored; `said` are the policy's limits which it exceeds, or that it `asks`."""

    pod: Json
    said: frozenset[str] = frozenset()

    @property
    def asked(self) -> bool:
        """Tell whether the webhook is asked about it."""
        return "asked" in self.said


class Twins(ABC):
    """The two ways of a pod, in a world in which the policy decides as the webhook beside it."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def plain(self, pod: Json) -> Stored | None:
        """Store it where there is no policy; None where it is refused."""

    @abstractmethod
    def by_policy(self, pod: Json) -> Stored:
        """Store it where there is."""

    def check(self, pod: Json) -> str:
        """Compare; say what the policy did: refused, left, untouched, settled, asked."""
        plain = self.plain(pod)
        if plain is None:
            return "refused"
        by_policy = self.by_policy(pod)
        expected = self._by_admit(plain.pod)
        after = self._by_admit(by_policy.pod) if by_policy.asked else by_policy.pod
        assert comparable(after) == comparable(expected)
        if not by_policy.asked:
            assert mutate(by_policy.pod, self.world).patch == []
        # What `admit` wrapped is recognised: the policy has nothing to add.
        assert comparable(self.by_policy(expected).pod) == comparable(expected)
        return self._kind(plain, by_policy)

    def _kind(self, plain: Stored, by_policy: Stored) -> str:
        """Whatever the policy did not do that `admit` does, it says why."""
        if plain.said:
            assert comparable(by_policy.pod) == comparable(plain.pod), "it says that it leaves it"
            return "left"
        left = {
            each.container.path
            for each in mutate(by_policy.pod, self.world).plan.decisions
            if isinstance(each, Wrap)
        }
        names = {each.name for each in Pod(by_policy.pod).containers if each.path in left}
        for each in mutate(plain.pod, self.world).plan.decisions:
            if isinstance(each, Wrap) and each.container.name in names:
                assert cannot_tell(each), f"{each.container} is left without a reason"
        if by_policy.asked:
            return "asked"
        return "untouched" if comparable(by_policy.pod) == comparable(plain.pod) else "settled"

    def _by_admit(self, stored: Json) -> Json:
        """Give the stored pod with the webhook's patch, as it is stored again."""
        after = mutate(stored, self.world).after
        if after == stored:
            return stored
        again = self.plain(after)
        assert again is not None, "what admit makes of it is refused"
        return again.pod


def cannot_tell(wrap: Wrap) -> bool:
    """Has its image to be asked for, or does it start with a shell or the like?"""
    container = wrap.container
    argv = effective(container.command, container.args, wrap.image)
    return not container.command or basename(argv[0]) in RUNS_OTHERS


def comparable(pod: Json) -> Json:
    """Without what differs between any two pods."""
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    text = json.dumps({"annotations": annotations, "spec": pod["spec"]}, sort_keys=True)
    for volume in pod["spec"].get("volumes") or ():
        if volume["name"].startswith("kube-api-access-"):
            text = text.replace(volume["name"], "kube-api-access-x")
    plain: Json = json.loads(text)
    return plain
