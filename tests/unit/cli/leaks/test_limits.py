"""The pods' PID limit, as kubelets tell it: none, some, and whoever may not ask."""

import json

import pytest

from webhook.cli.leaks.limits import read_limits
from webhook.kube.errors import ApiUnreachable, Forbidden


class Kubelets:
    """What GET of each node's configz gives: a text, or an error."""

    def __init__(self, **answers: str | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def text(self, _what: str, path: str) -> str:
        node = path.removeprefix("/api/v1/nodes/").removesuffix("/proxy/configz")
        self.asked.append(node)
        answer = self.answers[node]
        if isinstance(answer, Exception):
            raise answer
        return answer


def configz(limit: object) -> str:
    return json.dumps({"kubeletconfig": {"podPidsLimit": limit}})


async def test_each_nodes_own_limit_counts_and_minus_one_is_none() -> None:
    kubelets = Kubelets(a=configz(1024), b=configz(-1), c=configz(0), d=configz(4096))
    limits = await read_limits(kubelets, "abcd", at_once=2)  # type: ignore[arg-type]
    assert (limits.by_node, limits.unknown) == ({"a": 1024, "d": 4096}, "")


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "[" * 100_000, '{"kubeletconfig":null}', configz("9"), configz(None)]
)
async def test_what_is_no_kubelets_configuration_gives_no_limit(text: str) -> None:
    limits = await read_limits(Kubelets(a=text), ["a"], at_once=9)  # type: ignore[arg-type]
    assert (limits.by_node, limits.unknown) == ({}, "")


async def test_whoever_may_not_ask_asks_no_more() -> None:
    kubelets = Kubelets(**{f"n{at}": Forbidden("no") for at in range(100)})
    limits = await read_limits(kubelets, [*kubelets.answers], at_once=1)  # type: ignore[arg-type]
    assert len(kubelets.asked) == 1
    assert "get nodes/proxy" in limits.unknown


async def test_a_node_that_does_not_answer_is_said_and_the_others_are_asked() -> None:
    kubelets = Kubelets(a=ApiUnreachable("no answer in 30 s"), b=configz(7))
    limits = await read_limits(kubelets, "ab", at_once=1)  # type: ignore[arg-type]
    assert limits.by_node == {"b": 7}
    assert "no answer in 30 s" in limits.unknown
