"""The chart's admission policy: the webhook's account changes caBundle, and nothing else."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import trustme

from tests.integration.controlplane.install import NAMESPACE, install
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release

Json = dict[str, Any]
Change = Callable[[Json], Any]
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
_PATIENCE = 60.0
_EVERYTHING = {
    "apiGroups": ["*"],
    "apiVersions": ["*"],
    "operations": ["*"],
    "resources": ["*/*"],
    "scope": "*",
}
_OWNER = {"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "u"}


def _first(found: Json) -> Json:
    first: Json = found["webhooks"][0]
    return first


REFUSED: dict[str, Change] = {
    "rules": lambda it: _first(it).update(rules=[_EVERYTHING]),
    "one more rule": lambda it: _first(it)["rules"].append(_EVERYTHING),
    "namespaceSelector": lambda it: _first(it).update(namespaceSelector={}),
    "objectSelector": lambda it: _first(it).update(
        objectSelector={"matchLabels": {"only": "these"}}
    ),
    "matchConditions": lambda it: _first(it).update(matchConditions=[]),
    "failurePolicy": lambda it: _first(it).update(failurePolicy="Fail"),
    "matchPolicy": lambda it: _first(it).update(matchPolicy="Exact"),
    "reinvocationPolicy": lambda it: _first(it).update(reinvocationPolicy="Never"),
    "sideEffects": lambda it: _first(it).update(sideEffects="NoneOnDryRun"),
    "timeoutSeconds": lambda it: _first(it).update(timeoutSeconds=30),
    "admissionReviewVersions": lambda it: _first(it).update(admissionReviewVersions=["v1", "v2"]),
    "the service's name": lambda it: _first(it)["clientConfig"]["service"].update(name="other"),
    "the service's path": lambda it: _first(it)["clientConfig"]["service"].update(path="/other"),
    "a URL": lambda it: _first(it).update(
        clientConfig={"url": "https://other.example/", "service": None}
    ),
    "the webhook's name": lambda it: _first(it).update(name="other.initshim.dev"),
    "a second webhook": lambda it: it["webhooks"].append(
        {**_first(it), "name": "two.initshim.dev", "rules": [_EVERYTHING]}
    ),
    "no webhook": lambda it: it.update(webhooks=[]),
    "labels": lambda it: it["metadata"].update(labels={"app.kubernetes.io/name": "other"}),
    "annotations": lambda it: it["metadata"].update(annotations={"a": "b"}),
    "finalizers": lambda it: it["metadata"].update(finalizers=["example.com/stay"]),
    "ownerReferences": lambda it: it["metadata"].update(ownerReferences=[_OWNER]),
}


@pytest.fixture(scope="module")
def its(plane: ControlPlane, release: Release) -> Iterator[httpx.Client]:
    """A client with the webhook's token, once the API server goes by the policy."""
    release.stop()  # it installs other values
    install(plane)
    with plane.client(plane.token(NAMESPACE, "initshim")) as client:
        end = time.monotonic() + _PATIENCE
        while _changed(plane, client, REFUSED["timeoutSeconds"]).status_code == 200:
            assert time.monotonic() < end, "the API server does not go by the policy"
            time.sleep(0.2)
        yield client


def _changed(plane: ControlPlane, client: httpx.Client, change: Change) -> httpx.Response:
    """Send a change as the webhook sends its own: a merge patch. A dry run keeps nothing."""
    before = plane.api.get(CONFIGURATION).json()
    wanted = json.loads(json.dumps(before))
    change(wanted)
    metadata = {key: wanted["metadata"].get(key) for key in wanted["metadata"] if key in _METADATA}
    return client.patch(
        CONFIGURATION,
        params={"dryRun": "All"},
        headers={"Content-Type": "application/merge-patch+json"},
        content=json.dumps({"metadata": metadata, "webhooks": wanted["webhooks"]}),
    )


_METADATA = {"labels", "annotations", "finalizers", "ownerReferences"}


@pytest.mark.parametrize("what", REFUSED)
def test_the_webhooks_account_changes_nothing_but_its_ca_bundle(
    plane: ControlPlane, its: httpx.Client, what: str
) -> None:
    answer = _changed(plane, its, REFUSED[what])
    assert answer.status_code == 422, answer.text
    assert "the webhook may change caBundle" in answer.json()["message"]


def test_ca_bundle_it_may_change(plane: ControlPlane, its: httpx.Client) -> None:
    pem = base64.b64encode(trustme.CA().cert_pem.bytes()).decode()
    answer = _changed(plane, its, lambda it: _first(it)["clientConfig"].update(caBundle=pem))
    assert answer.status_code == 200, answer.text
    assert _first(answer.json())["clientConfig"]["caBundle"] == pem


def test_the_administrator_may_change_all_of_it(plane: ControlPlane, its: httpx.Client) -> None:
    assert its
    for what in ("timeoutSeconds", "labels", "namespaceSelector"):
        answer = _changed(plane, plane.api, REFUSED[what])
        assert answer.status_code == 200, (what, answer.text)
