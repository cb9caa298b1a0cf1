"""Semantics §5: the answer to an AdmissionReview v1, with its limits."""

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from webhook.core.pod import Json, Pod
from webhook.core.response import Verdict, respond
from webhook.core.review import Review

if TYPE_CHECKING:
    from webhook.core.patch import Operation

POD: Json = {"metadata": {"name": "web"}, "spec": {"containers": []}}
REVIEW = Review(uid="u-1", namespace="shop", name="web", pod=Pod(POD))


def answer(verdict: Verdict, to: Review = REVIEW) -> Json:
    envelope: Json = json.loads(respond(to, verdict))
    assert envelope["apiVersion"] == "admission.k8s.io/v1"
    assert envelope["kind"] == "AdmissionReview"
    response: Json = envelope["response"]
    return response


def test_nothing_to_do_is_answered_without_a_patch() -> None:
    assert answer(Verdict()) == {"uid": "u-1", "allowed": True}


def test_the_uid_is_echoed_as_it_came() -> None:
    uid = 'ü"\\ \u2028'
    assert answer(Verdict(), replace(REVIEW, uid=uid))["uid"] == uid


def test_a_patch_is_base64_of_json() -> None:
    operations: list[Operation] = [{"op": "add", "path": "/metadata/ü", "value": ["$$", None, 1.5]}]
    response = answer(Verdict(patch=operations))
    assert response["patchType"] == "JSONPatch"
    assert json.loads(base64.b64decode(response["patch"], validate=True)) == operations


def test_a_denial_says_why_and_carries_no_patch() -> None:
    patch: list[Operation] = [{"op": "remove", "path": "/a"}]
    assert answer(Verdict(patch=patch, denial="no entrypoint", warnings=["w"])) == {
        "uid": "u-1",
        "allowed": False,
        "status": {"code": 403, "reason": "Forbidden", "message": "no entrypoint"},
        "warnings": ["w"],
    }


def test_audit_annotations_are_passed_on() -> None:
    assert answer(Verdict(audit={"wrapped": "web,log"}))["auditAnnotations"] == {
        "wrapped": "web,log"
    }


@pytest.mark.parametrize(
    ("warning", "line"),
    [
        ("short", "short"),
        ("x" * 120, "x" * 120),
        ("x" * 121, "x" * 119 + "…"),
        ("ü" * 121, "ü" * 119 + "…"),
        ("two\r\nlines\x00\x7f\u2028", "two  lines   "),
        ("half \ud800", "half  "),
    ],
)
def test_a_warning_is_one_line_of_120_characters(warning: str, line: str) -> None:
    """Control characters would break the HTTP header that the API server makes of it."""
    assert answer(Verdict(warnings=[warning]))["warnings"] == [line]


def test_all_warnings_together_are_4096_characters_and_the_last_tells_of_the_rest() -> None:
    response = answer(Verdict(warnings=[f"{n:03}" + "w" * 97 for n in range(100)]))
    assert sum(map(len, response["warnings"])) <= 4096
    shown = len(response["warnings"]) - 1
    assert shown >= 39
    assert response["warnings"][-1] == f"initshim has {100 - shown} more warnings for this pod"
    fits = [f"{n:02}" + "w" * 98 for n in range(40)]
    assert answer(Verdict(warnings=fits))["warnings"] == fits


def test_warnings_of_4096_characters_are_all_shown() -> None:
    lines = [f"{n:03}".ljust(64, "w") for n in range(64)]
    assert answer(Verdict(warnings=lines))["warnings"] == lines
    lines[0] += "w"
    assert len(answer(Verdict(warnings=lines))["warnings"]) < len(lines)


@pytest.mark.parametrize("length", range(20, 121))
def test_the_last_warning_has_its_room_and_no_more(length: int) -> None:
    """As many as fit beside the longest last one: not one more, and not one fewer."""
    lines = [f"{n:03}".ljust(length, "w") for n in range(4096 // length + 1)]
    shown = answer(Verdict(warnings=lines))["warnings"][:-1]
    assert shown == lines[: len(shown)]
    assert len(shown) * length <= 4096 - 120 < (len(shown) + 1) * length


@pytest.mark.parametrize(
    "value", [2**64, -(2**70), "half \ud800", {"n": [10**30]}, {1: "a key that is no string"}]
)
def test_an_answer_never_fails_over_what_is_in_the_patch(value: Any) -> None:
    """Some writers of JSON refuse these; a review must be answered all the same."""
    response = answer(Verdict(patch=[{"op": "add", "path": "/x", "value": value}]))
    [operation] = json.loads(base64.b64decode(response["patch"]))
    assert operation["value"] == json.loads(json.dumps(value))


def nested(levels: int) -> Any:
    deep: Any = "bottom"
    for _ in range(levels):
        deep = [deep]
    return deep


def test_a_deep_patch_is_written_and_one_too_deep_is_left_out_with_a_warning() -> None:
    response = answer(Verdict(patch=[{"op": "add", "path": "/x", "value": nested(300)}]))
    assert json.loads(base64.b64decode(response["patch"]))[0]["value"] == nested(300)
    response = answer(Verdict(patch=[{"op": "add", "path": "/x", "value": nested(100_000)}]))
    assert response["allowed"] is True
    assert "patch" not in response
    assert response["warnings"] == [
        "initshim left the pod alone: it is nested too deeply to be patched"
    ]
