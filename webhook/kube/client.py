"""A narrow client of the API server: a few verbs, each call within a deadline and a cap."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from webhook.kube import answers, errors
from webhook.kube.connect import Connection
from webhook.kube.objects import Json, Kind, Ref
from webhook.kube.transport import JSON, LARGEST, Transport

_TABLE = f"{JSON};as=Table;v=v1;g=meta.k8s.io"
_PAGE = 250


class KubeClient:
    """Calls to one API server; safe for many tasks at once; close it, or use it in `async with`."""

    def __init__(
        self,
        connection: Connection,
        *,
        deadline: float = 10.0,
        largest: int = LARGEST,
        manager: str = "initshim",
    ) -> None:
        """`deadline` in seconds holds for a whole call, the answer's last byte included."""
        self._http = Transport(connection, deadline=deadline, largest=largest)
        self._manager = manager

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    async def get(self, ref: Ref) -> Json:
        """Give one object as it is now."""
        return await self._call("get", ref, ref.path)

    async def get_dated(self, ref: Ref) -> tuple[Json, datetime | None]:
        """Give one object, and the time at which the API server gave it, by its own clock."""
        status, headers, answer = await self._http.exchange("get", ref, ref.path)
        found = answers.parse(status, answer, verb="get", what=ref)
        return found, answers.date(headers.get("date", ""))

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
    ) -> AsyncIterator[Json]:
        """Give every object of a kind, page by page; `labels` and `fields` are selectors."""
        path = kind.path(namespace)
        query = {"limit": str(_PAGE), "labelSelector": labels, "fieldSelector": fields}
        what = f"{kind.resource} in {namespace or 'all namespaces'}"
        while True:
            page = await self._call("list", what, path, query=query)
            items = page.get("items") or []
            if not isinstance(items, list):
                raise errors.BadApiAnswer(f"Can't list {what}: the answer's items are no list")
            for item in items:
                yield item
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return
            query["continue"] = following

    async def table(
        self, kind: Kind, columns: Sequence[str], *, labels: str = ""
    ) -> AsyncIterator[tuple[str, ...]]:
        """Give these columns of every object of a kind, as `kubectl get -o wide` has them.

        The API server prints them (meta/v1 Table), a hundredth of what the objects are.
        Raises BadApiAnswer where there is no such column.
        """
        what = kind.resource
        query = {"limit": str(_PAGE), "labelSelector": labels, "includeObject": "None"}
        while True:
            status, _, answer = await self._http.exchange(
                "list", what, kind.path(), query=query, more={"Accept": _TABLE}
            )
            page = answers.parse(status, answer, verb="list", what=what)
            for row in answers.cells(page, columns, what=what):
                yield row
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return
            query["continue"] = following

    async def create(self, ref: Ref, body: Json) -> Json:
        """Create an object, or raise Conflict where it exists."""
        path = ref.kind.path(ref.namespace)
        return await self._call("create", ref, path, body={**ref.stub, **body})

    async def rehearse(self, ref: Ref, body: Json) -> tuple[Json, tuple[str, ...]]:
        """Create an object in a dry run: give it as it would be, and the warnings on the way.

        Admission runs as always, webhooks with side effects excepted, and nothing is kept.
        """
        path, stubbed = ref.kind.path(ref.namespace), {**ref.stub, **body}
        stubbed["metadata"] = {**body.get("metadata", {}), **ref.stub["metadata"]}
        status, headers, answer = await self._http.exchange(
            "create", ref, path, query={"dryRun": "All"}, body=stubbed
        )
        created = answers.parse(status, answer, verb="create", what=ref)
        return created, tuple(map(answers.warning, headers.get_list("warning")))

    async def text(self, what: str, path: str) -> str:
        """Give what is no object, as text: what the API server serves itself, or passes on."""
        status, _, answer = await self._http.exchange("get", what, path, more={"Accept": "*/*"})
        if 200 <= status < 300:
            return answer.decode(errors="replace")
        raise answers.refusal(status, answer, verb="get", what=what)

    async def submit(self, kind: Kind, body: Json) -> Json:
        """Post an object that has no name: a review, which the API server answers and forgets."""
        stub = {"apiVersion": kind.version, "kind": kind.name}
        return await self._call("create", kind.resource, kind.path(), body={**stub, **body})

    async def ensure(self, ref: Ref) -> Json:
        """Create an empty object unless it exists, and give it as it is.

        By server-side apply: unlike POST, its right to create can be granted by name (the API
        server's patch handler authorizes `create` with the object's name).
        """
        query = {"fieldManager": self._manager}
        return await self._call("apply", ref, ref.path, query=query, body=ref.stub)

    async def replace(self, ref: Ref, body: Json) -> Json:
        """Replace an object, or raise Conflict if it changed since `body` was read."""
        if not (body.get("metadata") or {}).get("resourceVersion"):
            raise ValueError("a replacement names the resourceVersion that it replaces")
        return await self._call("update", ref, ref.path, body=body)

    async def merge_patch(self, ref: Ref, patch: Json) -> Json:
        """Apply a JSON Merge Patch; a resourceVersion in its metadata makes it conditional."""
        query = {"fieldManager": self._manager}
        return await self._call("patch", ref, ref.path, query=query, body=patch)

    async def rehearse_change(self, ref: Ref, patch: Json, *, user: str) -> None:
        """Apply a JSON Merge Patch as another user, in a dry run: admission runs, nothing is kept.

        Needs the right to impersonate that user.
        """
        query = {"fieldManager": self._manager, "dryRun": "All"}
        status, _, answer = await self._http.exchange(
            "patch", ref, ref.path, query=query, body=patch, more={"Impersonate-User": user}
        )
        answers.parse(status, answer, verb="patch", what=ref)

    async def delete(self, ref: Ref) -> None:
        """Delete an object, or raise Missing where there is none."""
        await self._call("delete", ref, ref.path)

    async def delete_all(self, kind: Kind, namespace: str, *, labels: str) -> None:
        """Delete every object of a kind in a namespace that has these labels."""
        if not labels:
            raise ValueError("what is deleted together is named by labels")
        what = f"{kind.resource} in {namespace}"
        query = {"labelSelector": labels}
        await self._call("deletecollection", what, kind.path(namespace), query=query)

    async def version(self) -> str:
        """Give the API server's version, as v1.36.1."""
        answer = await self._call("get", "the server's version", "/version")
        return str(answer.get("gitVersion", "unknown"))

    async def _call(
        self,
        verb: str,
        what: Ref | str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Json:
        status, _, answer = await self._http.exchange(verb, what, path, query=query, body=body)
        return answers.parse(status, answer, verb=verb, what=what)
