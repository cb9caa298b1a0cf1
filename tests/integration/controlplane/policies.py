"""The chart's admission policy, each rendering in a namespace of its own.

In its namespace no webhook is asked: that one wants a label, and here there is none.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.controlplane.controllers import Json, create, namespace, until
from tests.integration.controlplane.install import render
from tests.integration.controlplane.plane import ControlPlane
from webhook.core.annotations import STATUS

OLDEST = (1, 36)
KINDS = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
_PROBE = {
    "metadata": {"generateName": "probe-"},
    "spec": {"containers": [{"name": "probe", "image": "probe", "command": ["true"]}]},
}


def needs_policies(plane: ControlPlane) -> None:
    """Skip where the API server is too old."""
    if plane.version < OLDEST:
        major, minor = plane.version
        pytest.skip(f"MutatingAdmissionPolicy is stable from 1.36; this is {major}.{minor}")


def values(name: str, **more: Any) -> Json:
    """Give chart values by which a policy holds for one namespace; evaluation errors are seen."""
    return {
        "engine": "policy",
        "fullnameOverride": name,
        "mode": "optOut",
        "namespaceMatchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [name]}
        ],
        **more,
        "admission": {"failurePolicy": "Fail", **more.get("admission", {})},
    }


def objects(plane: ControlPlane, chosen: Mapping[str, Any], *kinds: str) -> list[Json]:
    """Give what kubectl reads in the chart's rendering, of these kinds."""
    read = plane.kubectl(
        "create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-",
        stdin=render(plane, chosen),
    ).stdout  # fmt: skip
    found = _documents(read)
    return [each for each in found if each["kind"] in kinds]


def _documents(text: str) -> list[Json]:
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        found += document.get("items", [document])
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def with_policy(plane: ControlPlane, name: str, **more: Any) -> str:
    """Make a namespace for which the policy holds, and wait until the API server goes by it."""
    needs_policies(plane)
    for each in objects(plane, values(name, **more), *KINDS):
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(each))
    namespace(plane, name)
    until(lambda: STATUS in said(create(plane, name, _PROBE, query="?dryRun=All").body), seconds=60)
    return name


def warns(plane: ControlPlane, name: str, where: str, conditions: Mapping[str, str]) -> None:
    """Have the API server warn of each condition that does not hold for a pod of the namespace."""
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}},
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                     "resources": ["pods"]}
                ],
            },
            "validations": [
                {"expression": code, "message": f"<{each}>"} for each, code in conditions.items()
            ],
        },
    }  # fmt: skip
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Warn"]},
    }
    for each in (policy, binding):
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(each))


def warned(warnings: tuple[str, ...]) -> set[str]:
    """Give the conditions that did not hold."""
    return {each.rpartition("<")[2].rstrip(">") for each in warnings if each.endswith(">")}


def said(pod: Json) -> Json:
    """Give a pod's annotations."""
    found: Json = (pod.get("metadata") or {}).get("annotations") or {}
    return found
