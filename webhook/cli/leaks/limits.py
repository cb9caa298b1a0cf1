"""How many tasks a pod may have, as the kubelet of its node has it: `podPidsLimit`.

It stands in the kubelet's configuration alone (KubeletConfiguration), which the API server passes
on at /api/v1/nodes/NAME/proxy/configz. Right: get nodes/proxy; a cluster that doesn't give it to
whoever asks has its reasons, and the limit is then unknown.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, KubeError
from webhook.kube.objects import NODE, Ref


@dataclass(slots=True)
class Limits:
    """The limit of a pod on each node, where there is one; `unknown` says why some aren't known."""

    by_node: dict[str, int] = field(default_factory=dict)
    unknown: str = ""


async def read_limits(client: KubeClient, nodes: Sequence[str], *, at_once: int) -> Limits:
    """Ask the nodes' kubelets, `at_once` at a time; after the first refusal no more."""
    limits = Limits()
    waiting = iter(nodes)

    async def work() -> None:
        for node in waiting:
            if limits.unknown == _NO_RIGHT:
                return
            try:
                found = await _limit(client, node)
            except Forbidden:
                limits.unknown = _NO_RIGHT
            except KubeError as error:
                limits.unknown = limits.unknown or f"the pods' PID limits are not known: {error}"
            else:
                if found > 0:  # -1, or none: as many as the node has
                    limits.by_node[node] = found

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(at_once, len(nodes))):
            workers.create_task(work())
    return limits


_NO_RIGHT = "the pods' PID limits are not known: that takes the right to get nodes/proxy"


async def _limit(client: KubeClient, node: str) -> int:
    path = f"{Ref(NODE, node).path}/proxy/configz"
    text = await client.text(f"the kubelet's configuration on node {node}", path)
    try:
        found = json.loads(text)["kubeletconfig"].get("podPidsLimit")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return 0
    return found if isinstance(found, int) else 0
