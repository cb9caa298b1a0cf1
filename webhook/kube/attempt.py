"""Calls whose error is an answer among others: what may not be read is known to be unknown."""

from collections.abc import Awaitable
from typing import TypeVar

from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import Json, Kind

_T = TypeVar("_T")
Listed = list[Json] | KubeError


async def attempt(call: Awaitable[_T]) -> _T | KubeError:
    """Give what a call gives, or its error."""
    try:
        return await call
    except KubeError as error:
        return error


async def attempt_list(
    client: KubeClient, kind: Kind, namespace: str | None = None, *, labels: str = ""
) -> Listed:
    """List a kind, or give the error; `labels` is a selector."""
    try:
        return [each async for each in client.list(kind, namespace=namespace, labels=labels)]
    except KubeError as error:
        return error
