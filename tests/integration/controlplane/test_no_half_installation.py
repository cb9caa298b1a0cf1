"""A value that names a namespace that isn't there, or is going, stops helm before it applies."""

import json
import subprocess
from typing import Any

import pytest

from tests.chart import tools
from tests.integration.controlplane.controllers import namespace
from tests.integration.controlplane.install import CHART
from tests.integration.controlplane.plane import ControlPlane

NAMED: dict[str, dict[str, Any]] = {
    "namespaceOverride": {"namespaceOverride": "absent"},
    "registry.pullSecretNamespaces": {"registry": {"pullSecretNamespaces": ["absent"]}},
    "extraObjects": {
        "extraObjects": [
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: absent}\n",
        ]
    },
}


def helm(plane: ControlPlane, values: dict[str, Any], *words: str) -> tuple[int, str]:
    file = plane.folder / "half.json"
    file.write_text(json.dumps(values))
    done = subprocess.run(
        [
            str(tools.program("helm")), *words, "half", str(CHART), "--namespace", "half",
            "--kubeconfig", str(plane.kubeconfig), "--values", str(file),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr + done.stdout


def left(plane: ControlPlane) -> str:
    kinds = "all,secrets,roles,mutatingwebhookconfigurations,clusterroles,priorityclasses"
    found = plane.kubectl("get", kinds, "-A", "-o", "name", "-l", "app.kubernetes.io/instance=half")
    return found.stdout.strip()


@pytest.mark.parametrize("value", NAMED)
def test_nothing_is_applied(plane: ControlPlane, value: str) -> None:
    namespace(plane, "half")
    code, said = helm(plane, NAMED[value], "install", "--wait=false")
    assert code == 1
    assert f"{value} names the namespace absent, which is not there" in said
    assert "kubectl create namespace absent" in said
    assert left(plane) == ""


def test_a_namespace_that_is_being_deleted_takes_nothing(plane: ControlPlane) -> None:
    for name in ("half", "absent"):
        namespace(plane, name)
    path = "/api/v1/namespaces/absent"
    leaving = plane.api.delete(path).json()  # it stays: no controller empties it here
    try:
        found = {value: helm(plane, NAMED[value], "install", "--wait=false") for value in NAMED}
    finally:
        plane.api.put(f"{path}/finalize", json={**leaving, "spec": {}}).raise_for_status()
    for value, (code, said) in found.items():
        assert code == 1
        assert f"{value} names the namespace absent, which is being deleted" in said
        assert "kubectl wait --for=delete namespace/absent" in said
    assert left(plane) == ""


def test_a_namespace_that_the_values_make_is_no_absent_one(plane: ControlPlane) -> None:
    namespace(plane, "half")
    made = {
        "extraObjects": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}},
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: made}\n",
        ]
    }
    code, said = helm(plane, made, "install", "--dry-run=server")
    assert (code, "which is not there" in said) == (0, False)
