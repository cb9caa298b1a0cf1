"""The request of an AdmissionReview (admission.k8s.io/v1): who makes what, and the pod.

Source: kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers and
k8s.io/api/admission/v1. response.py answers it.
"""

from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from webhook.core import inits, schema
from webhook.core.errors import BadPod, BadReview
from webhook.core.pod import Json, Pod

API_VERSION = "admission.k8s.io/v1"
MOST_OBJECTS = 1 << 17
"""Objects and lists in a review; the largest pod that a kubelet could run has some ten thousand."""

MOST_STRINGS = 1 << 18
"""Strings in a review, names of fields among them; each takes 50 bytes and more."""

_SMALL = 64 << 10  # bytes; what fits into it can't hold too many objects
_NO_OBJECT = "the AdmissionReview creates a pod but has no object"


class Review(Struct, frozen=True):
    """One request of the API server.

    `pod` is None unless it is the CREATE of a pod; `error` then says what is wrong with one that
    could not be read.
    """

    uid: str
    namespace: str
    name: str
    pod: Pod | None
    dry_run: bool = False
    error: BadPod | None = None


class _Resource(Struct, frozen=True, gc=False):
    group: str = ""
    version: str = ""
    resource: str = ""


class _Request(Struct, frozen=True, rename="camel"):
    uid: str = ""
    namespace: str | None = None
    name: str | None = None
    operation: str | None = None
    sub_resource: str | None = None
    dry_run: bool | None = None
    resource: _Resource | None = None
    object: schema.Pod | None = None


class _VariablesRequest(Struct, frozen=True):
    object: schema.PodVariables | None = None


class _VariablesEnvelope(Struct, frozen=True):
    request: _VariablesRequest | None = None


class _Envelope(Struct, frozen=True, rename="camel"):
    kind: str = ""
    api_version: str = ""
    request: _Request | None = None


class _RawRequest(Struct, frozen=True, rename="camel"):
    """A request whose fields may be of any type: each is kept as it was written."""

    uid: Raw = Raw()
    namespace: Raw = Raw()
    name: Raw = Raw()
    operation: Raw = Raw()
    sub_resource: Raw = Raw()
    dry_run: Raw = Raw()
    resource: Raw = Raw()
    object: Raw = Raw()


class _RawEnvelope(Struct, frozen=True, rename="camel"):
    kind: Raw = Raw()
    api_version: Raw = Raw()
    request: Raw = Raw()


Kind = TypeVar("Kind")
_decode = msgspec.json.Decoder(_Envelope).decode
_decode_variables = msgspec.json.Decoder(_VariablesEnvelope).decode
_HINT = inits.PREFIX.encode()
_PODS = _Resource("", "v1", "pods")


def parse(body: bytes) -> Review:
    """Read a request body, once. Raises BadReview with a sentence that says what is wrong with it.

    Where it is the pod that is wrong, the review says so: it has to be answered all the same.
    """
    if len(body) > _SMALL:
        if body.count(b"{") + body.count(b"[") > MOST_OBJECTS:
            return _without_pod(body, BadPod(f"it has more than {MOST_OBJECTS} objects and lists"))
        if body.count(b'"') > 2 * MOST_STRINGS:
            return _without_pod(body, BadPod(f"it has more than {MOST_STRINGS} strings"))
    try:
        envelope = _decode(body)
        request = envelope.request
    except msgspec.ValidationError as error:
        return _without_pod(body, schema.wrong_type(error, within=".request.object"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadReview(f"the body is no JSON: {error}") from error
    if (
        request is None
        or not request.uid
        or envelope.kind != "AdmissionReview"
        or envelope.api_version != API_VERSION
    ):
        return _without_pod(body, BadPod("it could not be read"))
    uid, namespace, name = request.uid, request.namespace or "", request.name or ""
    dry_run = request.dry_run is True
    fields = request.object
    if request.operation != "CREATE" or request.resource != _PODS or request.sub_resource:
        return Review(uid, namespace, name, None, dry_run)
    if fields is None:
        raise BadReview(_NO_OBJECT)
    name = name or fields.name
    try:
        pod = Pod(lambda: _whole_pod(body), fields, lambda: _variables(body))
    except BadPod as error:
        # Its traceback leads to this very frame, and that to the pod: a cycle of megabytes.
        return Review(uid, namespace, name, None, dry_run, error.with_traceback(None))
    return Review(uid, namespace, name, pod, dry_run)


def _whole_pod(body: bytes) -> Json:
    """Give the review's pod with all that is in it. Raises BadPod where what was skipped is bad."""
    try:
        envelope = msgspec.json.decode(body, type=_RawEnvelope)
        request = msgspec.json.decode(envelope.request, type=_RawRequest)
        pod: Json = msgspec.json.decode(request.object)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadPod(f"its JSON is broken: {error}") from error
    return pod


def _variables(body: bytes) -> schema.PodVariables:
    """Give the variables of the review's pod, or none where none of them can be of an init system.

    Letters come as they are: the API server's encoder escapes none. Raises BadPod.
    """
    if _HINT not in body:
        return schema.PodVariables()
    try:
        request = _decode_variables(body).request
    except msgspec.ValidationError as error:
        raise schema.wrong_type(error, within=".request.object") from None
    return (request.object if request else None) or schema.PodVariables()


def _without_pod(body: bytes, error: BadPod) -> Review:
    """Read who asks for what, field by field; what is wrong with the pod is known: `error`."""
    try:
        envelope = msgspec.json.decode(body, type=_RawEnvelope)
    except msgspec.ValidationError:
        raise BadReview("the body is no AdmissionReview") from None
    except (msgspec.DecodeError, RecursionError) as broken:
        raise BadReview(f"the body is no JSON: {broken}") from broken
    if _as(str, envelope.kind) != "AdmissionReview":
        raise BadReview("the body is no AdmissionReview")
    if _as(str, envelope.api_version) != API_VERSION:
        raise BadReview(f"the AdmissionReview's apiVersion must be {API_VERSION}")
    request = _as(_RawRequest, envelope.request)
    if request is None:
        raise BadReview("the AdmissionReview has no request")
    uid = _as(str, request.uid)
    if not uid:
        raise BadReview("the AdmissionReview's request has no uid")
    creates_pod = (
        _as(str, request.operation) == "CREATE"
        and _as(_Resource, request.resource) == _PODS
        and bytes(request.sub_resource) in (b"", b"null", b'""')
    )
    if creates_pod and _as(schema.Nothing, request.object) is None:
        raise BadReview(_NO_OBJECT)
    return Review(
        uid,
        _as(str, request.namespace) or "",
        _as(str, request.name) or "",
        None,
        _as(bool, request.dry_run) is True,
        error if creates_pod else None,
    )


def _as(kind: type[Kind], raw: Raw) -> Kind | None:
    """Give a field as what it ought to be, None where it is something else."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError:
        return None
