"""`kubectl initshim audit` on a real API server: real kubectl, RBAC, admission and exec."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.kubelet import Kubelet
from tests.integration.controlplane.fleet import webhook
from tests.integration.controlplane.install import install
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from tests.integration.controlplane.running_pods import node, owner, post, running

NAMESPACE = "audited"
NODE = "audited-node"
SPEC = {"containers": [{"name": "app", "image": "registry.invalid/app:1", "command": ["run"]}]}


@dataclass
class Audited:
    """A Deployment with a pod from before the webhook answered and one from after."""

    plane: ControlPlane
    missed: str
    wrapped: str
    kubelet: Kubelet

    def audit(
        self, *words: str, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the plugin as kubectl finds it: by its name, on the PATH."""
        config = ("--kubeconfig", str(kubeconfig)) if kubeconfig else ()
        return self.plane.kubectl("initshim", "audit", *words, *config, check=False)


@pytest.fixture(scope="module")
def audited(plane: ControlPlane, release: Release) -> Iterator[Audited]:
    release.stop()  # the Service is for replicas of our own
    scripts = str(Path(sys.executable).parent)
    install(plane)
    plane.kubectl("create", "namespace", NAMESPACE)
    plane.kubectl("create", "serviceaccount", "default", "-n", NAMESPACE)
    plane.kubectl("label", "namespace", NAMESPACE, "initshim.dev/inject=enabled")
    with pytest.MonkeyPatch.context() as patch, node(plane, NODE) as kubelet:
        patch.setenv("PATH", f"{scripts}:{os.environ['PATH']}")
        above = _deployment(plane)
        missed = _pod(plane, above)  # nobody listens on the Service: failurePolicy Ignore
        with webhook(plane, replicas=1):
            wrapped = _pod(plane, above)
        yield Audited(plane, missed, wrapped, kubelet)


def _deployment(plane: ControlPlane) -> dict[str, Any]:
    """Make a Deployment and, in its controller's place, a ReplicaSet; give its owner reference."""
    labels = {"app": "web"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": SPEC},
    }
    root = f"/apis/apps/v1/namespaces/{NAMESPACE}"
    above = post(plane, f"{root}/deployments", {"metadata": {"name": "web"}, "spec": spec})
    metadata = {"name": "web-1", "ownerReferences": [owner(above, "Deployment")]}
    made = post(plane, f"{root}/replicasets", {"metadata": metadata, "spec": spec})
    return owner(made, "ReplicaSet")


def _pod(plane: ControlPlane, above: dict[str, Any]) -> str:
    """Make a pod on our node that runs, as far as the API server knows."""
    metadata = {"generateName": "web-1-", "ownerReferences": [above]}
    pod = {"metadata": metadata, "spec": {**SPEC, "nodeName": NODE}}
    name: str = running(plane, NAMESPACE, pod)["metadata"]["name"]
    return name


def test_kubectl_knows_the_plugin(audited: Audited) -> None:
    assert "kubectl-initshim" in audited.plane.kubectl("plugin", "list").stdout


def test_missed_and_wrapped_pods_are_told_apart(audited: Audited) -> None:
    done = audited.audit("-n", NAMESPACE, "-o", "json", "--fail-on", "missed")
    assert done.returncode == 3, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    (web,) = found["workloads"]
    assert (web["kind"], web["name"]) == ("Deployment", "web")
    states = {each["name"]: each["state"] for each in web["pods"]}
    assert states == {audited.missed: "missed", audited.wrapped: "wrapped"}
    whys = [each["why"] for each in web["containers"] if each["outcome"] == "missed"]
    assert whys == ["created when the webhook did not answer"]


def test_what_if_runs_the_stored_template_through_the_engine(audited: Audited) -> None:
    done = audited.audit("--what-if", NAMESPACE)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Deployment/web +app +wrapped", done.stdout)
    assert "opted in already" in done.stdout


def test_a_missing_right_is_granted_by_the_very_commands_that_it_names(audited: Audited) -> None:
    plane = audited.plane
    plane.kubectl("create", "serviceaccount", "auditor", "-n", NAMESPACE)
    config = json.loads(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": plane.token(NAMESPACE, "auditor")}
    theirs = plane.folder / "auditor-kubeconfig"
    theirs.write_text(json.dumps(config))
    refused = audited.audit(kubeconfig=theirs)
    assert refused.returncode == 1
    assert "Grant the verb 'list' on namespaces" in refused.stderr
    commands = re.findall(r"^  kubectl (.*)$", refused.stderr, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        plane.kubectl(*shlex.split(command))
    done = audited.audit("-o", "json", kubeconfig=theirs)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["missed"] >= 1
    assert audited.audit("--what-if", NAMESPACE, kubeconfig=theirs).returncode == 0
    refused = audited.audit("-n", NAMESPACE, "--reaped", kubeconfig=theirs)
    assert refused.returncode == 1
    (command,) = re.findall(r"kubectl (-n .* create role .*)$", refused.stderr, re.MULTILINE)
    plane.kubectl(*shlex.split(command.replace("get,create", "get")))
    bind = ("--role=initshim-exec", f"--serviceaccount={NAMESPACE}:auditor")
    plane.kubectl("-n", NAMESPACE, "create", "rolebinding", "initshim-exec", *bind)
    audited.kubelet.programs = {"app": ["echo", "init:1"]}
    done = audited.audit("-n", NAMESPACE, "--reaped", kubeconfig=theirs)
    assert done.returncode == (0 if plane.version < (1, 35) else 1)  # AuthorizePodWebsocketUpgrade…
    plane.kubectl("-n", NAMESPACE, "delete", "role", "initshim-exec")
    plane.kubectl(*shlex.split(command))
    done = audited.audit("-n", NAMESPACE, "--reaped", kubeconfig=theirs)
    assert done.returncode == 0, done.stderr
    assert "1 zombie reaped" in done.stdout


def test_reapers_are_asked_through_the_api_server(audited: Audited) -> None:
    audited.kubelet.programs = {"app": ["echo", "init:41"]}
    done = audited.audit("-n", NAMESPACE, "--reaped")
    assert done.returncode == 0, done.stderr
    (call,) = audited.kubelet.calls[-1:]
    assert call.path == f"/exec/{NAMESPACE}/{audited.wrapped}/app"
    assert call.command == ("cat", "/proc/1/comm")
    assert "41 zombies reaped in 1 of 1 wrapped container." in done.stdout
    audited.kubelet.programs = {"app": ["no-such-cat"]}
    done = audited.audit("-n", NAMESPACE, "--reaped")
    assert done.returncode == 1
    assert "its image has no cat" in done.stderr


def test_a_restart_is_what_kubectl_rollout_restart_does(audited: Audited) -> None:
    done = audited.audit("-n", NAMESPACE, "--restart", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{NAMESPACE} Deployment/web restarted" in done.stderr
    found = audited.plane.kubectl("get", "deployment", "web", "-n", NAMESPACE, "-o", "json").stdout
    template = json.loads(found)["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
