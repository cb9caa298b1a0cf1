"""Semantics §5: AdmissionReview v1, in and out, with its limits."""

import base64
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from webhook.core.errors import BadReview
from webhook.core.pod import Json, Pod
from webhook.core.review import Review, Verdict, parse, respond

if TYPE_CHECKING:
    from webhook.core.patch import Operation

POD: Json = {"metadata": {"name": "web"}, "spec": {"containers": []}}
REVIEW = Review(uid="u-1", namespace="shop", name="web", pod=Pod(POD))


def request(**changes: Any) -> bytes:
    fields = {
        "uid": "u-1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "shop",
        "operation": "CREATE",
        "object": POD,
        **changes,
    }
    kept = {key: value for key, value in fields.items() if value is not ...}
    envelope = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": kept}
    return json.dumps(envelope).encode()


def answer(verdict: Verdict, to: Review = REVIEW) -> Json:
    envelope: Json = json.loads(respond(to, verdict))
    assert envelope["apiVersion"] == "admission.k8s.io/v1"
    assert envelope["kind"] == "AdmissionReview"
    response: Json = envelope["response"]
    return response


def test_the_creation_of_a_pod_is_ours() -> None:
    parsed = parse(request())
    assert parsed.pod is not None
    assert parsed.pod.raw == POD
    assert (parsed.uid, parsed.namespace, parsed.name) == ("u-1", "shop", "web")
    assert parse(request(subResource="", dryRun=True)).dry_run


@pytest.mark.parametrize(
    "changes",
    [
        {"operation": "UPDATE"},
        {"operation": "DELETE", "object": None},
        {"operation": "CONNECT"},
        {"operation": ...},
        {"subResource": "ephemeralcontainers"},
        {"subResource": "binding"},
        {"resource": {"group": "apps", "version": "v1", "resource": "deployments"}},
        {"resource": {"group": "", "version": "v1", "resource": "podtemplates"}},
        {"resource": ...},
        {"resource": "pods"},
    ],
)
def test_a_review_of_anything_else_has_no_pod(changes: Json) -> None:
    """Semantics §4 (CREATE of pods only) and §5 (no pod: allowed, untouched)."""
    assert parse(request(**changes)).pod is None


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"\xff\xfe", "the body is no JSON"),
        (b'{"kind": "\xc3"}', "the body is no JSON"),
        (b'{"kind": "\\ud800"}', "the body is no JSON"),
        (b'{"a": NaN}', "the body is no JSON"),
        (b"[" * 100_000, "the body is no AdmissionReview"),
        (b'{"a":' * 100_000, "the body is no JSON"),
        (b'{"a": 1e999}', "the body is no AdmissionReview"),
        (b"[]", "the body is no AdmissionReview"),
        (b"null", "the body is no AdmissionReview"),
        (b'"AdmissionReview"', "the body is no AdmissionReview"),
        (b'{"kind": "Pod", "apiVersion": "v1"}', "the body is no AdmissionReview"),
        (b'{"kind": ["AdmissionReview"]}', "the body is no AdmissionReview"),
        (
            b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1"}',
            "the AdmissionReview's apiVersion must be admission.k8s.io/v1",
        ),
        (
            b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}',
            "the AdmissionReview has no request",
        ),
        (
            b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": []}',
            "the AdmissionReview has no request",
        ),
        (request(uid=...), "the AdmissionReview's request has no uid"),
        (request(uid=""), "the AdmissionReview's request has no uid"),
        (request(uid=7), "the AdmissionReview's request has no uid"),
        (request(object=None), "the AdmissionReview creates a pod but has no object"),
        (request(object=...), "the AdmissionReview creates a pod but has no object"),
        (request(object=[]), "the AdmissionReview creates a pod but has no object"),
    ],
)
def test_a_body_that_is_no_review_is_refused_with_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(BadReview) as failure:
        parse(body)
    assert str(failure.value).startswith(sentence)
    assert len(str(failure.value)) < 200


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": "given"}, "given"),
        ({"object": {"metadata": {"name": "web", "generateName": "we"}}}, "web"),
        ({"object": {"metadata": {"generateName": "web-5d8-"}}}, "web-5d8-"),
        ({"object": {}}, ""),
        ({"object": {"metadata": None}}, ""),
        ({"object": {"metadata": {"name": 3}}}, ""),
        ({"name": 7, "object": {"metadata": []}}, ""),
    ],
)
def test_a_pod_without_a_name_yet_goes_by_its_prefix(changes: Json, name: str) -> None:
    assert parse(request(**changes)).name == name


def test_nothing_to_do_is_answered_without_a_patch() -> None:
    assert answer(Verdict()) == {"uid": "u-1", "allowed": True}


def test_the_uid_is_echoed_as_it_came() -> None:
    odd = parse(request(uid='ü"\\ \u2028'))
    assert answer(Verdict(), odd)["uid"] == 'ü"\\ \u2028'


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


def test_numbers_beyond_64_bits_in_a_pod_do_not_stop_a_review() -> None:
    body = request().replace(b'"containers": []', b'"containers": [], "x": 123456789012345678901')
    pod = parse(body).pod
    assert pod is not None
    value = pod.raw["spec"]["x"]
    response = answer(Verdict(patch=[{"op": "add", "path": "/y", "value": value}]))
    assert response["allowed"] is True


def crowded(count: int) -> bytes:
    aliases = b",".join([b"{}"] * count)
    return request().replace(
        b'"containers": []', b'"containers": [], "hostAliases": [%s]' % aliases
    )


def test_more_objects_than_a_pod_can_have_are_not_decoded() -> None:
    """2.5 MB of empty objects, 836,000 of them, took more than the memory that the chart gives."""
    review = parse(crowded(836_000))
    assert review.pod is None
    assert "more than 131072 objects" in str(review.error)
    assert (review.uid, review.namespace) == ("u-1", "shop")
    assert parse(crowded(100_000)).pod


@pytest.mark.parametrize(
    "flood",
    [b"[" + b",".join([b'{"a":1}'] * 1_000_000) + b"]", request()[:-1] + b"," + b'"x":[' + b"[],"],
    ids=["objects", "cut off"],
)
def test_a_flood_that_is_no_review_is_refused_without_decoding_it(flood: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadReview):
            parse(flood)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("skipped", "why"),
    [
        (b"1e999", "a number"),
        (b'"\xff"', "UTF-8"),
        (b"9" * 5000, "digits"),
        (b'"a","x":1', "twice"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_nobody_reads_does_not_stop_a_review(skipped: bytes, why: str) -> None:
    assert parse(
        request().replace(b'"containers": []', b'"containers": [], "x": ' + skipped)
    ).pod, why


def test_of_a_field_that_is_there_twice_the_last_one_counts() -> None:
    """As in Go's decoder (sigs.k8s.io/json), where only strict decoding makes it an error."""
    twice = b'"containers": [], "hostPID": false, "hostPID": true'
    pod = parse(request().replace(b'"containers": []', twice)).pod
    assert pod is not None
    assert pod.spec.host_pid is True
