"""`engine: policy`: doctor knows an installation that has no webhook."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.controlplane.plane import ControlPlane, control_plane
from tests.integration.controlplane.policies import (
    KINDS,
    needs_policies,
    objects,
    values,
    with_policy,
)
from tests.integration.controlplane.world import namespace

Json = dict[str, Any]
NAME = "policy-commands"


def run(plane: ControlPlane, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from webhook.cli import start; start()", *words,
         "--kubeconfig", str(plane.kubeconfig)],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(plane.folder)},
    )  # fmt: skip


def doctor(plane: ControlPlane, name: str) -> tuple[int, list[tuple[str, str]]]:
    done = run(plane, "doctor", "-o", "json", "--webhook", name, "--namespace", name)
    assert done.stdout, done.stderr
    found: list[Json] = json.loads(done.stdout)["findings"]
    assert {each["check"] for each in found} == {"policy"}, found
    return done.returncode, [(each["severity"], each["what"]) for each in found]


@pytest.fixture(scope="module")
def where(plane: ControlPlane) -> str:
    return with_policy(plane, NAME)


def test_doctor_finds_a_policy_that_is_bound_and_works(plane: ControlPlane, where: str) -> None:
    code, found = doctor(plane, where)
    assert [severity for severity, _ in found] == ["ok", "ok", "ok"], found
    assert (code, found[-1][1]) == (0, "the API server wrapped the pod by itself")


def test_doctor_tells_a_policy_without_a_binding(plane: ControlPlane) -> None:
    name = with_policy(plane, "policy-commands-unbound")
    plane.kubectl("delete", "mutatingadmissionpolicybinding", name)
    code, found = doctor(plane, name)
    assert code == 2
    assert any("no binding names the policy" in what for _, what in found)


def test_doctor_tells_an_api_server_that_has_the_feature_off(
    plane: ControlPlane, tmp_path: Path
) -> None:
    """The objects are there, and nothing goes by them."""
    needs_policies(plane)
    off = ("--disable-admission-plugins=MutatingAdmissionPolicy",)
    with control_plane(plane.name, tmp_path, flags=off) as other:
        for each in objects(other, values(NAME), *KINDS):
            other.kubectl("apply", "-f", "-", stdin=json.dumps(each))
        namespace(other, NAME)
        code, found = doctor(other, NAME)
    assert code == 2
    assert found[-1][0] == "error"
    assert "plugin MutatingAdmissionPolicy off" in found[-1][1]
