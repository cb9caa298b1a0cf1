"""Workloads, their controllers and pods in the API server simulator, as a cluster has them.

Pods that the webhook saw went through its own plan and mutation, as they would have.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from tests.fakes.api_server import ApiServer
from webhook.core import mutation, patch, policy
from webhook.core.mutation import Delivery
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, NeedsImage, Skip
from webhook.core.reasons import Reason

Json = dict[str, Any]
DELIVERY = Delivery("reaper:1", "1")
BEFORE, INSTALLED, LABELLED, AFTER = (f"2026-11-0{day}T08:00:00Z" for day in range(1, 5))
_REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
_OF_POLICY = {
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
}
_PLURALS = {
    "Deployment": "apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "apps/v1/namespaces/{}/daemonsets",
    "ReplicaSet": "apps/v1/namespaces/{}/replicasets",
    "Job": "batch/v1/namespaces/{}/jobs",
    "CronJob": "batch/v1/namespaces/{}/cronjobs",
    "Rollout": "argoproj.io/v1alpha1/namespaces/{}/rollouts",
}
_BETWEEN = {"Deployment": "ReplicaSet", "CronJob": "Job", "Rollout": "ReplicaSet"}


@cache
def _rendered() -> Mapping[str, Json]:
    """Read what the chart renders, by kind: of the kinds asked for there is one object each."""
    file = Path(__file__).parents[2] / "deploy" / "initshim.yaml"
    return {
        each["kind"]: each for each in yaml.load_all(file.read_text(), yaml.CSafeLoader) if each
    }


def installed(kind: str) -> Json:
    """Give an object of the installation, anew each time."""
    return copy.deepcopy(_rendered()[kind])


def wrapped(
    pod: Json,
    delivery: Delivery = DELIVERY,
    *,
    unresolved: Mapping[str, Reason] | None = None,
) -> Json:
    """Give the pod as it comes out of the webhook.

    It asks no registry, unless it is said which containers it asked for in vain, and why.
    """
    plan = policy.plan(Pod(pod), ClusterRules(lookups=unresolved is not None))
    decisions = (
        Skip(each.container, (unresolved or {})[each.container.name])
        if isinstance(each, NeedsImage)
        else each
        for each in plan.decisions
    )
    plan = replace(plan, decisions=tuple(decisions))
    operations = mutation.operations(Pod(pod), plan, delivery)
    patched: Json = patch.apply(copy.deepcopy(pod), operations)
    return patched


def container(name: str = "app", **more: Any) -> Json:
    return {"name": name, "image": "registry.example/app:1", "command": ["run"], **more}


def spec(*containers: Json, **more: Any) -> Json:
    return {"containers": list(containers) or [container()], **more}


def running(pod: Json, started: str = AFTER) -> Json:
    """Give a pod whose containers all run."""
    statuses = [
        {"name": each["name"], "state": {"running": {"startedAt": started}}}
        for each in pod["spec"]["containers"]
    ]
    return {**pod, "status": {"phase": "Running", "containerStatuses": statuses}}


@dataclass
class Cluster:
    """What is put into `server`; an installed webhook and one opted-in namespace to begin with."""

    server: ApiServer = field(default_factory=ApiServer)
    count: int = 0

    def install(self, name: str = "initshim", **webhook: Any) -> None:
        """Put the webhook configuration that the chart renders, with `webhook` changed in it."""
        (rendered,) = installed("MutatingWebhookConfiguration")["webhooks"]
        ours = {**rendered, **webhook}
        path = f"{_REGISTRATION}/mutatingwebhookconfigurations/{name}"
        self.server.put(path, {"metadata": {"creationTimestamp": INSTALLED}, "webhooks": [ours]})

    def install_policy(self) -> None:
        """Put the policy of `engine: policy` in the webhook's place."""
        self.server.objects.pop(f"{_REGISTRATION}/mutatingwebhookconfigurations/initshim", None)
        file = Path(__file__).parents[2] / "deploy" / "policy.yaml"
        for each in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            if each and each["kind"] in _OF_POLICY:
                metadata = {**each["metadata"], "creationTimestamp": INSTALLED}
                path = f"{_REGISTRATION}/{_OF_POLICY[each['kind']]}/{metadata['name']}"
                self.server.put(path, {**each, "metadata": metadata})

    def settings(self, images: str = "", **env: str) -> None:
        """Put the webhook's Deployment as the chart renders it, with these settings alone."""
        pod = installed("Deployment")["spec"]["template"]
        listed = [{"name": f"INITSHIM_{key}", "value": value} for key, value in env.items()]
        pod["spec"]["containers"][0]["env"] = listed
        self.server.put(
            "/apis/apps/v1/namespaces/initshim/deployments/initshim", {"spec": {"template": pod}}
        )
        if images:
            self.server.put(
                "/api/v1/namespaces/initshim/configmaps/initshim", {"data": {"images.yaml": images}}
            )

    def namespace(self, name: str = "shop", labels: Mapping[str, str] | None = None) -> None:
        inject = {"initshim.dev/inject": "enabled"}
        labels = inject if labels is None else dict(labels)
        fields: Json = {"f:metadata": {"f:labels": {f"f:{key}": {} for key in labels}}}
        metadata = {"labels": labels, "managedFields": [{"time": LABELLED, "fieldsV1": fields}]}
        self.server.put(f"/api/v1/namespaces/{name}", {"metadata": metadata})

    def pod(
        self,
        raw: Json,
        *,
        namespace: str = "shop",
        name: str = "",
        created: str = AFTER,
        owner: tuple[str, str, str] | None = None,
    ) -> str:
        """Put one pod; `owner` is apiVersion, kind and name."""
        self.count += 1
        name = name or f"pod-{self.count:05}"
        metadata = {
            **raw.get("metadata", {}),
            "name": name,
            "namespace": namespace,
            "creationTimestamp": created,
        }
        if owner:
            metadata["ownerReferences"] = [_reference(*owner)]
        body = {"status": {"phase": "Running"}, **raw, "metadata": metadata}
        self.server.put(f"/api/v1/namespaces/{namespace}/pods/{name}", body)
        return name

    def workload(
        self,
        kind: str,
        name: str,
        template: Json,
        pods: Sequence[Json] = (),
        *,
        namespace: str = "shop",
        created: str = AFTER,
        **more: Any,
    ) -> list[str]:
        """Put a workload, what it makes its pods through, and the pods."""
        inner: Json = {"template": {"spec": template}, **more}
        whole = {"jobTemplate": {"spec": inner}} if kind == "CronJob" else inner
        root = _PLURALS[kind].format(namespace)
        metadata = {"name": name, "namespace": namespace}
        self.server.put(f"/apis/{root}/{name}", {"metadata": metadata, "spec": whole})
        maker = (_version(kind), kind, name)
        between = _BETWEEN.get(kind)
        if between:
            path = f"/apis/{_PLURALS[between].format(namespace)}/{name}-5d9f"
            owned = {"name": f"{name}-5d9f", "namespace": namespace}
            owned["ownerReferences"] = [_reference(*maker)]  # type: ignore[assignment]
            self.server.put(path, {"metadata": owned, "spec": inner})
            maker = (_version(between), between, f"{name}-5d9f")
        return [self.pod(each, namespace=namespace, created=created, owner=maker) for each in pods]


def _version(kind: str) -> str:
    return _PLURALS[kind].partition("/namespaces")[0]


def _reference(version: str, kind: str, name: str) -> Json:
    return {
        "apiVersion": version, "kind": kind, "name": name, "uid": f"uid-{name}", "controller": True,
    }  # fmt: skip
