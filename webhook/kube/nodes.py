"""The nodes that a pod may run on: their versions, as they report them.

Right: list nodes.
"""

from webhook.core.image_volumes import Node
from webhook.kube.client import KubeClient
from webhook.kube.objects import NODE

_LINUX = "kubernetes.io/os!=windows"
_COLUMNS = ("Name", "Version", "Container-Runtime")


async def fetch_nodes(client: KubeClient) -> tuple[Node, ...]:
    """Give every node but Windows'. Raises KubeError."""
    return tuple([Node(*row) async for row in client.table(NODE, _COLUMNS, labels=_LINUX)])
