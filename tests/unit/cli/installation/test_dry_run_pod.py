"""What is read from a pod that came back from a dry run."""

import json
from typing import Any

import pytest

from tests.fakes.cluster import wrapped
from webhook.cli.installation import dry_run_pod
from webhook.core.annotations import STATUS
from webhook.core.mutation import Delivery
from webhook.core.reasons import Reason

IMAGE = "registry.example/app:1"
DELIVERY = Delivery("reaper:1", "1.2.3")


def came_back(unresolved: Reason) -> dict[str, Any]:
    pod = dry_run_pod.pod("reaper:1", asked=IMAGE, account="builder", secrets=[{"name": "pull"}])
    return wrapped(pod, DELIVERY, unresolved={dry_run_pod.ASKED: unresolved})


def test_it_is_read_as_the_webhook_writes_it() -> None:
    pod = came_back(Reason.NOT_FOUND)
    assert dry_run_pod.is_wrapped(pod)
    assert dry_run_pod.version(pod) == "1.2.3"
    assert dry_run_pod.outcome(pod) == "not-found"
    assert pod["spec"]["serviceAccountName"] == "builder"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "pull"}]


def test_other_containers_tell_nothing_of_the_one_with_a_command() -> None:
    pod = came_back(Reason.NOT_FOUND)
    sidecar = {"name": "istio-proxy", "image": "istio/proxyv2:1"}
    pod["spec"]["containers"].insert(0, sidecar)
    assert dry_run_pod.is_wrapped(pod)
    pod["spec"]["containers"] = [sidecar]
    assert not dry_run_pod.is_wrapped(pod)


@pytest.mark.parametrize(
    "status", ["", "no json", json.dumps(["wrapped"]), json.dumps({"wrapped": None})]
)
def test_a_status_that_somebody_else_wrote_says_nothing(status: str) -> None:
    pod = came_back(Reason.NOT_FOUND)
    pod["metadata"]["annotations"][STATUS] = status
    assert dry_run_pod.version(pod) == ""
    assert dry_run_pod.outcome(pod) == ""


@pytest.mark.parametrize(
    ("warnings", "asked"),
    [
        ((), False),
        (("unknown field spec.x", 'would violate PodSecurity "restricted:latest"'), False),
        (("unknown field spec.x", "initshim left app alone (not-found): set `command:`"), True),
    ],
)
def test_a_warning_of_ours_tells_that_the_webhook_was_asked(
    warnings: tuple[str, ...],
    asked: bool,
) -> None:
    assert dry_run_pod.is_warned_of(warnings) is asked


@pytest.mark.parametrize("asked", ["", IMAGE])
def test_it_is_let_in_where_pods_are_restricted_and_counted(asked: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards, and any quota."""
    spec = dry_run_pod.pod("reaper:1", asked=asked)["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["automountServiceAccountToken"] is False
    assert [each["image"] for each in spec["containers"]] == ["reaper:1", asked][: 1 + bool(asked)]
    for each in spec["containers"]:
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
        for amounts in (each["resources"]["requests"], each["resources"]["limits"]):
            assert amounts.keys() == {"cpu", "memory", "ephemeral-storage"}
