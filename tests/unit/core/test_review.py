"""Semantics §5: the request of an AdmissionReview v1, with its limits."""

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from webhook.core.errors import BadReview
from webhook.core.pod import Json
from webhook.core.response import Verdict, respond
from webhook.core.review import parse

if TYPE_CHECKING:
    from webhook.core.patch import Operation

POD: Json = {"metadata": {"name": "web"}, "spec": {"containers": []}}


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


def test_numbers_beyond_64_bits_in_a_pod_do_not_stop_a_review() -> None:
    body = request().replace(b'"containers": []', b'"containers": [], "x": 123456789012345678901')
    read = parse(body)
    assert read.pod is not None
    patch: list[Operation] = [{"op": "add", "path": "/y", "value": read.pod.raw["spec"]["x"]}]
    answer = json.loads(respond(read, Verdict(patch=patch)))["response"]
    assert answer["allowed"] is True


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
