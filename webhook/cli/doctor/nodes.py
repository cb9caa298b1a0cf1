"""The nodes, where the reaper comes as an image volume: which of them can't mount one, and why."""

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.core import image_volumes
from webhook.core.image_volumes import Node
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.nodes import fetch_nodes

_FAMILY = "nodes"
_MOST_NAMED = 5
_DESCRIBE = "kubectl get nodes -o wide"


async def fetch(client: KubeClient, cluster: Cluster) -> tuple[Node, ...] | KubeError:
    """List the nodes where image volumes are asked for."""
    if cluster.settings.delivery == "initContainer":
        return ()
    return await attempt(fetch_nodes(client))


def check(cluster: Cluster, nodes: tuple[Node, ...]) -> list[Finding]:
    """Name the nodes that keep `auto` from image volumes, or on which pods would not start."""
    if cluster.settings.delivery == "initContainer":
        return []
    about = Subject(_FAMILY, "Nodes")
    unable = image_volumes.unable(nodes)
    if not nodes:
        return [about.info("there is no Linux node that says what it can mount", _DESCRIBE)]
    if not unable:
        return [about.ok(f"all {len(nodes)} report what image volumes need")]
    named = "; ".join(f"{node.name}: {why}" for node, why in unable[:_MOST_NAMED])
    more = f"; and {len(unable) - _MOST_NAMED} more" if len(unable) > _MOST_NAMED else ""
    few = f"{len(unable)} of {len(nodes)} can't mount images as volumes ({named}{more})"
    if cluster.settings.delivery == "auto":
        return [about.info(f"{few}: pods get the init container", _DESCRIBE)]
    remedy = cluster.upgrade("delivery=auto")
    return [about.error(f"{few}: injected pods don't start there", remedy)]
