"""The namespace for the pods that look at nodes: it must allow hostPID."""

import asyncio
from contextlib import suppress

from webhook.cli.leaks import node_pods
from webhook.cli.leaks.by_nodes import NotCounted, see_through
from webhook.core.pod import Json
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import NAMESPACE, Ref

_LEAVING = 60  # seconds until a namespace is gone: its pods first


async def prepare(client: KubeClient, name: str, *, create: bool) -> bool:
    """See to it that the namespace is there and allows hostPID; true where this made it.

    Raises NotCounted where it isn't there and is not to be made, or doesn't allow it.
    """
    ref = Ref(NAMESPACE, name)
    try:
        namespace = await _settled(client, ref)
    except Missing as error:
        if not create:
            raise NotCounted(
                f"There is no namespace {name} for the pods that look at nodes. It"
                " must allow hostPID (Pod Security: privileged)",
                next_step="--create-namespace makes it for the time of the look; --pods-in names"
                " another; --exec does without pods.",
            ) from error
        await _make(client, ref)
        return True
    if not node_pods.admits_host_pid(namespace):
        raise NotCounted(
            f"The namespace {name} does not allow hostPID (Pod Security)",
            next_step="Name one with the label pod-security.kubernetes.io/enforce: privileged"
            " (--pods-in), or look from inside: --exec.",
        )
    return False


async def _make(client: KubeClient, ref: Ref) -> None:
    try:
        await see_through(client.create(ref, node_pods.namespace_manifest(ref.name)))
    except asyncio.CancelledError:
        with suppress(KubeError):
            await client.delete(ref)
        raise


async def _settled(client: KubeClient, ref: Ref) -> Json:
    """Give the namespace; one that is on its way out (a run before this one's) is waited for."""
    for _ in range(_LEAVING):
        namespace = await client.get(ref)
        if (namespace.get("status") or {}).get("phase") != "Terminating":
            return namespace
        await asyncio.sleep(1)
    raise NotCounted(
        f"The namespace {ref.name} is being deleted", next_step="Name another one: --pods-in."
    )
