"""A small API server over HTTP(S): objects with resourceVersions, conflicts, paging, RBAC by name.

What it does, it does as the real one: a stale resourceVersion is a 409, a missing object a 404,
`create` by POST can't be granted by name while `create` by server-side apply can (patch.go of
k8s.io/apiserver), a Secret's data must be base64 and a caBundle must be PEM. What it does not
know, it refuses.
"""

import asyncio
import base64
import binascii
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from queue import Queue
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from uvicorn.server import ServerState

Json = dict[str, Any]


class Refusal(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": reason,
            "message": message,
            "code": code,
        }


@dataclass(frozen=True)
class Warned:
    """An object, and what is to be said beside it."""

    made: Json
    warnings: list[str]


@dataclass(frozen=True)
class Rule:
    """A right, as in a Role: `name` None means every name."""

    verb: str
    resource: str
    name: str | None = None


@dataclass
class ApiServer:
    """The state; `serving` serves it over HTTP."""

    objects: dict[str, Json] = field(default_factory=dict)
    tokens: set[str] | None = None
    rules: set[Rule] | None = None
    log: list[str] = field(default_factory=list)
    interfere: Callable[[str, str], None] = lambda _method, _path: None
    admit: Callable[[str, Json], tuple[Json, list[str]]] = lambda _path, given: (given, [])
    texts: dict[str, str] = field(default_factory=dict)
    """What is served as text: /metrics, and what proxies pass on."""
    may: Callable[[Json], bool] = lambda _spec: True
    """Answers SubjectAccessReviews."""
    refuse_change: Callable[[str, str, Json, Json], str] = lambda _user, _path, _old, _new: ""
    """An admission policy: says why a user may not make a change of an object, or ""."""
    user: str = "jane"
    _version: int = 0

    def put(self, path: str, body: Json) -> Json:
        """Set an object behind everybody's back."""
        _validate(body)
        if body.get("kind") == "Event":
            _validate_event(body, self.objects.get(path))
        self._version += 1
        metadata = {**body.get("metadata", {}), "resourceVersion": str(self._version)}
        metadata.setdefault("name", path.rpartition("/")[2])
        self.objects[path] = {**body, "metadata": metadata}
        return self.objects[path]

    def delete(self, path: str) -> None:
        self._version += 1
        del self.objects[path]

    def answer(self, method: str, path: str, query: Json, headers: Json, body: bytes) -> Any:
        self.log.append(f"{method} {path}")
        self.interfere(method, path)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens is not None and token not in self.tokens:
            raise Refusal(401, "Unauthorized", "Unauthorized")
        if path == "/version":
            return {"gitVersion": "v1.36.1"}
        if method in {"GET", "DELETE"}:
            answer = (self._read if method == "GET" else self._delete)(path, query)
            return _table(answer) if "as=Table" in headers.get("accept", "") else answer
        given = json.loads(body) if body else {}
        kind = headers.get("content-type", "")
        if method == "POST" and path.endswith("/subjectaccessreviews"):
            self._allow("create", path)
            return {**given, "status": {"allowed": self.may(given["spec"])}}
        if method == "POST" and path.endswith("/selfsubjectreviews"):  # system:basic-user may
            return {**given, "status": {"userInfo": {"username": self.user}}}
        if method == "POST":
            return self._create(path, given, query)
        if method == "PUT":
            self._allow("update", path)
            return self._update(path, given, given.get("metadata", {}).get("resourceVersion"))
        if method == "PATCH" and kind == "application/merge-patch+json":
            return self._merged(path, given, query, headers.get("impersonate-user", ""))
        if method == "PATCH" and kind == "application/apply-patch+yaml":
            return self._apply(path, query, given)
        raise Refusal(415, "UnsupportedMediaType", f"{method} of {kind} is not known here")

    def _read(self, path: str, query: Json) -> Any:
        if path in self.texts:
            self._allow("get", path)
            return self.texts[path].encode()
        if "/proxy/" in path:
            self._may("get", "services/proxy", None)
            raise Refusal(503, "ServiceUnavailable", "no endpoints available for service")
        if not path.startswith(("/api/", "/apis/")):
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        if _is_object(path):
            self._allow("get", path)
            return self._get(path)
        self._allow("list", path)
        start, limit = int(query.get("continue", 0)), int(query.get("limit", 500))
        found = [
            self.objects[name]
            for name in sorted(self.objects)
            if _collection(name, everywhere="/namespaces/" not in path) == path
        ]
        selector = query.get("labelSelector", "")
        found = [one for one in found if selects(selector, one["metadata"].get("labels", {}))]
        # The items of a list don't say their kind (apimachinery's typed lists leave it out).
        found = [
            {key: value for key, value in one.items() if key not in {"kind", "apiVersion"}}
            for one in found
        ]
        following = str(start + limit) if start + limit < len(found) else ""
        return {"items": found[start : start + limit], "metadata": {"continue": following}}

    def _create(self, path: str, given: Json, query: Json) -> Any:
        self._allow("create", path)
        name = f"{path}/{given['metadata']['name']}"
        if name in self.objects:
            raise Refusal(409, "AlreadyExists", f'"{name}" already exists')
        admitted, warnings = self.admit(path, given)
        made = admitted if query.get("dryRun") == "All" else self.put(name, admitted)
        return Warned(made, warnings)

    def _update(self, path: str, given: Json, version: str | None) -> Json:
        present = self._get(path)
        if version and version != present["metadata"]["resourceVersion"]:
            raise Refusal(
                409, "Conflict", "the object has been modified; please apply your changes to it"
            )
        if {**given, "metadata": {}} == {**present, "metadata": {}}:
            return present  # a write that changes nothing gets no new version
        return self.put(path, given)

    def _merged(self, path: str, given: Json, query: Json, user: str) -> Json:
        if user:  # its own rights are not looked at here, only those of who takes its place
            self._may("impersonate", "serviceaccounts", user.rpartition(":")[2])
        else:
            self._allow("patch", path)
        present = self._get(path)
        wanted: Json = _merge(present, given)
        refusal = self.refuse_change(user or self.user, path, present, wanted)
        if refusal:
            raise Refusal(422, "Invalid", refusal)
        if query.get("dryRun") == "All":
            return wanted
        return self._update(path, wanted, given.get("metadata", {}).get("resourceVersion"))

    def _apply(self, path: str, query: Json, given: Json) -> Json:
        self._allow("patch", path)
        if not query.get("fieldManager"):
            raise Refusal(422, "Invalid", "fieldManager: Required value: is required for apply")
        if path in self.objects:
            return self._update(path, _merge(self.objects[path], given), None)
        self._allow("create", path)
        return self.put(path, given)

    def _delete(self, path: str, query: Json) -> Json:
        if _is_object(path):
            self._allow("delete", path)
            self._get(path)
            self.delete(path)
            return {"kind": "Status", "status": "Success"}
        self._may("deletecollection", path.rpartition("/")[2], None)
        for name, one in list(self.objects.items()):
            labels = one["metadata"].get("labels", {})
            if _collection(name, everywhere=False) == path and selects(
                query.get("labelSelector", ""), labels
            ):
                self.delete(name)
        return {"kind": "Status", "status": "Success"}

    def _get(self, path: str) -> Json:
        if path not in self.objects:
            raise Refusal(404, "NotFound", f'"{path.rpartition("/")[2]}" not found')
        return self.objects[path]

    def _allow(self, verb: str, path: str) -> None:
        """RBAC: a rule with a name never matches a call whose URL names nothing."""
        named = _is_object(path)
        name = path.rpartition("/")[2] if named else None
        resource = (_collection(path, everywhere=True) if named else path).rpartition("/")[2]
        self._may(verb, resource, name)

    def _may(self, verb: str, resource: str, name: str | None) -> None:
        if self.rules is None:
            return
        if not {Rule(verb, resource), Rule(verb, resource, name)} & self.rules:
            raise Refusal(403, "Forbidden", f'cannot {verb} resource "{resource}"')

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while scope["type"] == "http":
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        query = {key: value[0] for key, value in parse_qs(scope["query_string"].decode()).items()}
        try:
            code, answer = 200, self.answer(scope["method"], scope["path"], query, headers, body)
        except Refusal as refusal:
            code, answer = refusal.code, refusal.status
        said = answer.warnings if isinstance(answer, Warned) else []
        answer = answer.made if isinstance(answer, Warned) else answer
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        date = formatdate(usegmt=True).encode()  # as Go's net/http has it
        sent = [(b"content-length", str(len(data)).encode()), (b"date", date)]
        # net/http's quoting, in k8s.io/apimachinery/pkg/util/net NewWarningHeader
        for each in said:
            quoted = each.replace("\\", "\\\\").replace('"', '\\"')
            sent.append((b"warning", f'299 - "{quoted}"'.encode()))
        await send({"type": "http.response.start", "status": code, "headers": sent})
        await send({"type": "http.response.body", "body": data})


@contextmanager
def serving(server: Any, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[str]:
    """Serve an ASGI application from a thread of its own; gives the URL."""
    listening = socket.create_server(("127.0.0.1", port))
    # As Go's servers have it; asyncio leaves it off where it is given a socket, and then an answer
    # in two writes waits 40 ms for the client's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    url = f"{'https' if tls else 'http'}://localhost:{listening.getsockname()[1]}"
    config = uvicorn.Config(
        server, lifespan="off", log_level="critical", http="h11", loop="asyncio"
    )
    config.load()
    state = ServerState()
    loops: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    def protocol() -> asyncio.Protocol:
        return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

    async def run() -> None:
        # uvicorn's own Server looks ten times a second whether it is to end, and then waits.
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        loops.put((loop, end))
        served = await loop.create_server(protocol, sock=listening, ssl=tls)
        await end.wait()
        await asyncio.sleep(0.02)  # what was accepted just now gets its transport
        served.close()
        for each in list(state.connections):
            each.transport.abort()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    loop, end = loops.get()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        listening.close()


def _table(listed: Json) -> Json:
    """Print nodes as k8s.io/kubernetes does (pkg/printers/internalversion, printNode)."""
    columns = ("Name", "Status", "Roles", "Age", "Version", "Internal-IP", "Container-Runtime")
    rows = []
    for each in listed["items"]:
        info = each.get("status", {}).get("nodeInfo", {})
        runtime = info.get("containerRuntimeVersion") or "<unknown>"
        cells = (each["metadata"]["name"], "Ready", "<none>", "1d", info.get("kubeletVersion", ""))
        rows.append({"cells": [*cells, "10.0.0.1", runtime], "object": None})
    definitions = [{"name": name, "type": "string"} for name in columns]
    return {
        "kind": "Table",
        "columnDefinitions": definitions,
        "rows": rows or None,
        "metadata": listed["metadata"],
    }


def _is_object(path: str) -> bool:
    parts = path.strip("/").split("/")
    depth = 2 if parts[0] == "api" else 3  # api/v1, apis/group/version
    if len(parts) > depth + 2 and parts[depth] == "namespaces":
        depth += 2
    return len(parts) == depth + 2


def _collection(path: str, *, everywhere: bool) -> str:
    """Where an object's kind is listed: in its namespace, or everywhere."""
    parent = path.rpartition("/")[0]
    if everywhere and "/namespaces/" in parent:
        root, _, rest = parent.partition("/namespaces/")
        return f"{root}/{rest.partition('/')[2]}"
    return parent


_REQUIREMENT = re.compile(
    r"(?P<no>!)?(?P<key>[\w./-]+)(?:\s*(?P<op>!=|=)\s*(?P<value>[\w.-]*)"
    r"|\s+(?P<set>in|notin)\s+\((?P<values>[^)]*)\))?(?:,|$)"
)


def selects(selector: str, labels: Json) -> bool:
    """A label selector as in a URL: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`."""
    at = 0
    while at < len(selector):
        part = _REQUIREMENT.match(selector, at)
        if part is None:
            raise Refusal(400, "BadRequest", f"unable to parse requirement: {selector[at:]!r}")
        at = part.end()
        held = labels.get(part["key"])
        if part["op"] or part["set"]:
            values = part["values"].split(",") if part["set"] else [part["value"]]
            holds = (held in values) == (part["op"] == "=" or part["set"] == "in")
        else:
            holds = (held is None) == bool(part["no"])
        if not holds:
            return False
    return True


def _merge(present: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(present) if isinstance(present, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _validate_event(body: Json, before: Json | None) -> None:
    """validation.ValidateEventCreate and …Update of k8s.io/kubernetes, pkg/apis/core."""
    wrong = []
    if not _MICRO_TIME.fullmatch(body.get("eventTime", "")):
        wrong.append("eventTime: Required value")
    if not 0 < len(body.get("reportingInstance", "")) <= 128:
        wrong.append("reportingInstance: Required value")
    wrong += [
        f"{key}: Required value" for key in ("reportingController", "action") if not body.get(key)
    ]
    if len(body.get("note", "").encode()) > 1024:
        wrong.append("note: can have at most 1024 bytes")
    if body.get("regarding", {}).get("namespace") != body["metadata"].get("namespace"):
        wrong.append("regarding.namespace: Invalid value: does not match event.namespace")
    if not _SUBDOMAIN.fullmatch(body["metadata"]["name"]):
        wrong.append("metadata.name: Invalid value")
    series = body.get("series")
    if series and (series["count"] < 2 or not _MICRO_TIME.fullmatch(series["lastObservedTime"])):
        wrong.append("series.count: Invalid value: should be at least 2")
    if before:
        mutable = {"series", "metadata"}
        wrong += [
            f"{key}: field is immutable"
            for key in body
            if key not in mutable and body[key] != before.get(key)
        ]
    if wrong:
        raise Refusal(422, "Invalid", f"Event is invalid: {', '.join(wrong)}")


_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def _validate(body: Json) -> None:
    try:
        for value in (body.get("data") or {}).values() if body.get("kind") == "Secret" else ():
            base64.b64decode(value, validate=True)
        for webhook in body.get("webhooks") or ():
            bundle = base64.b64decode(webhook["clientConfig"].get("caBundle", ""), validate=True)
            if bundle and b"-----BEGIN CERTIFICATE-----" not in bundle:
                raise Refusal(422, "Invalid", "caBundle: unable to parse bytes as PEM block")
    except binascii.Error as error:
        raise Refusal(400, "BadRequest", "illegal base64 data") from error
