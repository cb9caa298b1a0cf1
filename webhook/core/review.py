"""AdmissionReview of admission.k8s.io/v1, in and out.

Source: kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers and
k8s.io/api/admission/v1. What the API server makes of warnings: each at most 120 characters,
4,096 in all, or it cuts them itself.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from webhook.core.errors import BadReview
from webhook.core.patch import Operation
from webhook.core.pod import Json
from webhook.core.reasons import LONGEST_WARNING

API_VERSION = "admission.k8s.io/v1"
_POD_RESOURCE = {"group": "", "version": "v1", "resource": "pods"}
_ALL_WARNINGS = 4096


@dataclass(frozen=True, slots=True)
class Review:
    """One request of the API server; `pod` is None unless it is the CREATE of a pod."""

    uid: str
    namespace: str
    name: str
    pod: Json | None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to answer; the default lets the object pass untouched.

    `denial` is the sentence for a person whose pod is refused, or "".
    """

    patch: Sequence[Operation] = ()
    warnings: Sequence[str] = ()
    audit: Mapping[str, str] = field(default_factory=dict)
    denial: str = ""


def parse(body: bytes) -> Review:
    """Read a request body. Raises BadReview with a sentence that says what is wrong with it."""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadReview(f"the body is no JSON: {error}") from error
    if not isinstance(envelope, dict) or envelope.get("kind") != "AdmissionReview":
        raise BadReview("the body is no AdmissionReview")
    if envelope.get("apiVersion") != API_VERSION:
        raise BadReview(f"the AdmissionReview's apiVersion must be {API_VERSION}")
    request = envelope.get("request")
    if not isinstance(request, dict):
        raise BadReview("the AdmissionReview has no request")
    uid = request.get("uid")
    if not isinstance(uid, str) or not uid:
        raise BadReview("the AdmissionReview's request has no uid")
    pod = _created_pod(request)
    return Review(
        uid=uid,
        namespace=_text(request.get("namespace")),
        name=_text(request.get("name")) or _name(pod),
        pod=pod,
        dry_run=request.get("dryRun") is True,
    )


def respond(review: Review, verdict: Verdict) -> bytes:
    """Write the answer: no patch where nothing changes, warnings within the protocol's limits.

    There always is one: a patch that can't be written is left out, with a warning.
    """
    response: Json = {"uid": review.uid, "allowed": not verdict.denial}
    warnings = _fitted(verdict.warnings)
    if verdict.denial:
        response["status"] = {"code": 403, "reason": "Forbidden", "message": verdict.denial}
    elif verdict.patch:
        try:
            patch = base64.b64encode(_encode(verdict.patch)).decode()
            response |= {"patchType": "JSONPatch", "patch": patch}
        except RecursionError:
            warnings = ["initshim left the pod alone: it is nested too deeply to be patched"]
    if warnings:
        response["warnings"] = warnings
    if verdict.audit:
        response["auditAnnotations"] = dict(verdict.audit)
    envelope = {"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response}
    return _encode(envelope)


def _encode(value: Any) -> bytes:
    """Write JSON, also what orjson refuses.

    That is numbers beyond 64 bits, nesting beyond 254 levels, and halves of surrogate pairs,
    which Go reads as U+FFFD here just as it does in an image's configuration.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _created_pod(request: Json) -> Json | None:
    """Give the pod of a pod's CREATE; everything else is not ours to touch."""
    creates_pod = (
        request.get("operation") == "CREATE"
        and request.get("resource") == _POD_RESOURCE
        and not request.get("subResource")
    )
    pod = request.get("object")
    if not creates_pod:
        return None
    if not isinstance(pod, dict):
        raise BadReview("the AdmissionReview creates a pod but has no object")
    return pod


def _name(pod: Json | None) -> str:
    """Give a pod's name, or the prefix that the API server will make one from."""
    metadata = (pod or {}).get("metadata")
    if not isinstance(metadata, dict):
        return ""
    return _text(metadata.get("name")) or _text(metadata.get("generateName"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _fitted(warnings: Iterable[str]) -> list[str]:
    """Cut warnings to the protocol's limits; control characters would break the header."""
    lines = [_line(warning) for warning in warnings]
    if sum(map(len, lines)) <= _ALL_WARNINGS:
        return lines
    fitted: list[str] = []
    left = _ALL_WARNINGS - LONGEST_WARNING  # room for the last one
    for line in lines:
        left -= len(line)
        if left < 0:
            break
        fitted.append(line)
    return [*fitted, f"initshim has {len(lines) - len(fitted)} more warnings for this pod"]


def _line(warning: str) -> str:
    line = "".join(c if c.isprintable() else " " for c in warning)
    return line if len(line) <= LONGEST_WARNING else f"{line[: LONGEST_WARNING - 1]}…"
