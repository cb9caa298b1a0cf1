"""Bad input, the pure half: whatever a body holds, it is a review, or a sentence says why not.

Golden pods are spoiled at random, as bytes and as JSON: 6,000 of them, and 100,000 under
`make fuzz`. The seed of each is in the test's name.
"""

import copy
import json
import os
import random
from typing import Any

import pytest

from tests.cases.load import Case, cases
from tests.unit.core.pipeline import mutate
from webhook.core import patch, response, review
from webhook.core.errors import BadPod, BadReview
from webhook.core.pod import Json
from webhook.core.response import Verdict

ROUNDS = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 600
SMALL = [case for case in cases() if case.name != "hundred-containers"]

JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 2**64, -(2**70), 1.5, 1e300, "", "\0", "\ud800", "ü" * 300,
    "$(A)$$", "initshim", "/.initshim", "/.initshim/init", [], {}, [[]], [None], [{}], {"": {}},
    {"name": "initshim"}, ["/.initshim/init"], "windows", "Always", "9" * 400,
)  # fmt: skip


def body_of(pod: Any) -> bytes:
    request = {
        "uid": "5f3c",
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "object": pod,
    }
    envelope = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return json.dumps(envelope).encode()


def answered(body: bytes, case: Case) -> str:
    """Take the body the whole way; what became of it."""
    try:
        request = review.parse(body)
    except BadReview as error:
        return "no review" if 10 < len(str(error)) < 300 else f"a bad sentence: {error}"
    verdict, kind = Verdict(), "no pod"
    if request.error:
        verdict, kind = Verdict(warnings=[str(request.error)]), "a bad pod"
    elif request.pod is not None:
        try:
            raw = request.pod.raw
        except BadPod:  # in the part of it that nobody reads until a patch is checked
            return "a pod"
        try:
            outcome = mutate(raw, case.world)
            assert patch.apply(raw, outcome.patch) == outcome.after
            verdict, kind = Verdict(patch=outcome.patch, warnings=outcome.warnings), "a pod"
        except BadPod as error:
            verdict, kind = Verdict(warnings=[str(error)]), "a bad pod"
    answer = json.loads(response.respond(request, verdict))["response"]
    assert answer["uid"] == request.uid
    assert answer["allowed"] is True
    assert all(len(warning) <= 120 for warning in answer.get("warnings", ()))
    return kind


def spoiled_bytes(body: bytes, dice: random.Random) -> bytes:
    at, size = dice.randrange(len(body)), dice.randrange(1, 60)
    return dice.choice(
        (
            body[:at],
            body[:at] + body[at + size :],
            body[:at] + body[at : at + size] * 3 + body[at + size :],
            body[:at] + bytes([dice.randrange(256)]) + body[at + 1 :],
            body[:at] + dice.randbytes(size) + body[at:],
        )
    )


def spoiled_json(pod: Json, dice: random.Random) -> Json:
    """Put junk into one to four places; leave out or double what is there."""
    for _ in range(dice.randrange(1, 5)):
        holder, key = dice.choice(_places(pod, dice))
        deed = dice.randrange(4)
        if deed == 0:
            del holder[key]
        elif deed == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(dice.choice(JUNK))
    return pod


def _places(node: Any, dice: random.Random) -> list[tuple[Any, Any]]:
    """Some places in the document, the higher ones as likely as the many low ones."""
    found: list[tuple[Any, Any]] = []
    while isinstance(node, dict | list) and node:
        key = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
        found.append((node, key))
        node = node[key]
    return found or [({"": None}, "")]


@pytest.mark.parametrize("seed", range(5))
def test_a_review_with_spoiled_bytes_is_answered_or_refused(seed: int) -> None:
    dice = random.Random(seed)
    kinds = set()
    for _ in range(ROUNDS):
        case = dice.choice(SMALL)
        kinds.add(answered(spoiled_bytes(body_of(case.pod), dice), case))
    assert {"no review", "a pod"} <= kinds <= {"no review", "no pod", "a bad pod", "a pod"}


@pytest.mark.parametrize("seed", range(5))
def test_a_review_with_a_spoiled_pod_is_answered(seed: int) -> None:
    dice = random.Random(seed)
    kinds = set()
    for _ in range(ROUNDS):
        case = dice.choice(SMALL)
        kinds.add(answered(body_of(spoiled_json(case.pod, dice)), case))
    assert kinds == {"no review", "a pod", "a bad pod"}


@pytest.mark.parametrize("depth", [100, 254, 600, 1000, 1024, 100_000])
@pytest.mark.parametrize("place", ["spec", "volumes", "annotations", "initContainers", "mount"])
def test_a_nested_bomb_in_a_pod_is_answered_or_refused(depth: int, place: str) -> None:
    """Also where the deep part is moved, and so becomes a part of the patch."""
    bomb = f"{'[' * depth}{']' * depth}"
    pods = {
        "spec": f'{{"spec": {{"x": {bomb}, "containers": [{{"name": "a", "command": ["b"]}}]}}}}',
        "volumes": f'{{"spec": {{"volumes": [{bomb}]}}}}',
        "annotations": f'{{"metadata": {{"annotations": {bomb}}}, "spec": {{}}}}',
        "initContainers": (
            f'{{"spec": {{"initContainers": [{{"name": "p", "restartPolicy": "Always", "x": {bomb},'
            ' "command": ["p"]}, {"name": "initshim", "command": ["/init", "--install", "/x"]}]}}'
        ),
        "mount": (
            '{"spec": {"containers": [{"name": "a", "command": ["b"],'
            f' "volumeMounts": [{{"name": "x", "mountPath": "/x", "y": {bomb}}}]}}]}}}}'
        ),
    }
    body = body_of("POD").replace(b'"POD"', pods[place].encode())
    assert answered(body, SMALL[0]) in ("a pod", "a bad pod", "no review")


def test_numbers_of_any_size_are_read() -> None:
    spec = b'{"spec": {"containers": [{"name": "a", "command": ["b"]}], "x": NUMBER}}'
    for number in (b"1e308", b"-0", b"0.1", b"9" * 300, b"1" + b"0" * 4000 + b"e-4000"):
        body = body_of("POD").replace(b'"POD"', spec.replace(b"NUMBER", number))
        assert answered(body, SMALL[0]) in ("a pod", "no review")
