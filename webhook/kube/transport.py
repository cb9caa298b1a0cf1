"""The API server over HTTP: one exchange at a time, its answer capped, with a deadline.

httpx stays behind this module: its errors are mapped here, once.
"""

import asyncio
import json
from collections.abc import Mapping

import httpx

from webhook.core.errors import clause
from webhook.kube import errors
from webhook.kube.connect import Connection
from webhook.kube.objects import Json, Ref

JSON = "application/json"
_VERBS = {  # as RBAC and people name them: method and content type
    "get": ("GET", JSON),
    "list": ("GET", JSON),
    "create": ("POST", JSON),
    "update": ("PUT", JSON),
    "patch": ("PATCH", "application/merge-patch+json"),
    "delete": ("DELETE", JSON),
    "deletecollection": ("DELETE", JSON),
    "apply": ("PATCH", "application/apply-patch+yaml"),  # JSON is YAML
}
LARGEST = 8 << 20  # etcd keeps 1.5 MiB an object; a page of 250 pods is some 4 MiB
_REACH = "Check that the API server runs and that a NetworkPolicy allows egress to it."


class Transport:
    """Exchanges with one API server; safe for many tasks at once; close it."""

    def __init__(self, connection: Connection, *, deadline: float, largest: int) -> None:
        """`deadline` in seconds holds for a whole exchange; `largest` are an answer's bytes."""
        self._connection = connection
        self._deadline = deadline
        self._largest = largest
        self._http = httpx.AsyncClient(
            base_url=connection.server,
            verify=connection.tls,
            proxy=connection.proxy,
            trust_env=False,  # no proxy of the environment's: settings.py alone reads that
            follow_redirects=False,
            timeout=None,  # noqa: S113 - one deadline is around the whole call
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def exchange(
        self,
        verb: str,
        what: Ref | str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        more: Mapping[str, str] | None = None,
    ) -> tuple[int, httpx.Headers, bytes]:
        """Give the answer's status, headers and body; `verb` as RBAC has it, or `apply`.

        Raises ApiUnreachable, and BadApiAnswer for one that is too large.
        """
        task = f"Can't {verb} {what}"
        method, content = _VERBS[verb]
        headers = {"Accept": JSON, "Accept-Encoding": "identity", **(more or {})}
        data = None
        if body is not None:
            headers["Content-Type"] = content
            data = json.dumps(body).encode()
        name = self._connection.server_name
        request = self._http.build_request(
            method,
            path,
            params=_set(query),
            headers=headers,
            content=data,
            extensions={"sni_hostname": name} if name else None,  # it is verified, too
        )
        try:
            async with asyncio.timeout(self._deadline):
                token = await self._connection.token()
                if token:
                    request.headers["Authorization"] = f"Bearer {token}"
                return await self._send(request, task)
        except TimeoutError as error:
            raise errors.ApiUnreachable(
                f"{task}: no answer from {self._connection.server} in {self._deadline:g} s",
                next_step=_REACH,
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise errors.ApiUnreachable(
                f"{task}: {self._connection.server} can't be reached: {clause(error)}",
                next_step=_REACH,
            ) from error

    async def _send(self, request: httpx.Request, task: str) -> tuple[int, httpx.Headers, bytes]:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._largest:
                    raise errors.BadApiAnswer(
                        f"{task}: the answer is larger than {self._largest >> 10} KiB"
                    )
            return response.status_code, response.headers, bytes(body)
        finally:
            await response.aclose()


def _set(query: Mapping[str, str] | None) -> dict[str, str] | None:
    return {key: value for key, value in query.items() if value} if query else None
