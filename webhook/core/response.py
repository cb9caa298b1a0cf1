"""The response of an AdmissionReview (admission.k8s.io/v1): a patch, warnings, or a denial.

Source: kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers and
k8s.io/api/admission/v1. What the API server makes of warnings: each at most 120 characters,
4,096 in all, or it cuts them itself.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from webhook.core.patch import Operation
from webhook.core.printable import printable
from webhook.core.reasons import LONGEST_WARNING
from webhook.core.review import API_VERSION, Review

_ALL_WARNINGS = 4096
_TOO_DEEP = "initshim left the pod alone: it is nested too deeply to be patched"


class Verdict(Struct, frozen=True):
    """What to answer; the default lets the object pass untouched.

    `denial` is the sentence for a person whose pod is refused, or "".
    """

    patch: Sequence[Operation] = ()
    warnings: Sequence[str] = ()
    audit: Mapping[str, str] = field(default_factory=dict)
    denial: str = ""


class _Response(Struct, rename="camel", omit_defaults=True):
    """What the API server is told; msgspec writes bytes as base64."""

    uid: str
    allowed: bool
    status: Mapping[str, Any] = {}
    patch_type: str = ""
    patch: bytes = b""
    warnings: Sequence[str] = []
    audit_annotations: Mapping[str, str] = {}


class _Answer(Struct, rename="camel"):
    response: _Response
    api_version: str = API_VERSION
    kind: str = "AdmissionReview"


_write = msgspec.json.Encoder().encode


def respond(review: Review, verdict: Verdict) -> bytes:
    """Write the answer: no patch where nothing changes, warnings within the protocol's limits.

    There always is one: a patch that can't be written is left out, with a warning.
    """
    response = _Response(review.uid, not verdict.denial)
    if verdict.warnings:
        response.warnings = _fitted(verdict.warnings)
    response.audit_annotations = verdict.audit
    if verdict.denial:
        response.status = {"code": 403, "reason": "Forbidden", "message": verdict.denial}
    elif verdict.patch:
        try:
            response.patch = _encode(verdict.patch)
            response.patch_type = "JSONPatch"
        except RecursionError:
            response.warnings = [_TOO_DEEP]
    return _write(_Answer(response))


def _encode(patch: Sequence[Operation]) -> bytes:
    """Write a patch; halves of surrogate pairs, which an image's configuration may hold, escaped.

    Go reads them as U+FFFD here just as it does there.
    """
    try:
        return _write(patch)
    except UnicodeEncodeError:
        return json.dumps(patch, separators=(",", ":")).encode()


def _fitted(warnings: Iterable[str]) -> Sequence[str]:
    """Cut warnings to the protocol's limits; control characters would break the header."""
    lines = [_line(warning) for warning in warnings]
    if sum(map(len, lines)) <= _ALL_WARNINGS:
        return lines
    room = _ALL_WARNINGS - LONGEST_WARNING  # for all but the last one
    count = size = 0
    while (size := size + len(lines[count])) <= room:
        count += 1
    return [*lines[:count], f"initshim has {len(lines) - count} more warnings for this pod"]


def _line(warning: str) -> str:
    line = printable(warning[: LONGEST_WARNING + 1])
    return line if len(line) <= LONGEST_WARNING else f"{line[: LONGEST_WARNING - 1]}…"
