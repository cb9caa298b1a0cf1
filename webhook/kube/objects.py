"""Names of API objects: a kind of the API, and one object of a kind."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]  # an object as the API server gives it: unknown fields stay


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: its name, its plural in URLs and its group and version ("v1", "apps/v1")."""

    name: str
    plural: str
    version: str = "v1"

    def path(self, namespace: str | None = None) -> str:
        """Where the kind's objects are: all of them, or a namespace's."""
        root = f"/apis/{self.version}" if "/" in self.version else f"/api/{self.version}"
        middle = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{root}{middle}/{self.plural}"

    @property
    def resource(self) -> str:
        """The kind as RBAC and kubectl name it: pods, deployments.apps."""
        group, slash, _ = self.version.partition("/")
        return f"{self.plural}.{group}" if slash else self.plural


@dataclass(frozen=True, slots=True)
class Ref:
    """One object; `namespace` None for a kind that has none."""

    kind: Kind
    name: str
    namespace: str | None = None

    @property
    def path(self) -> str:
        """Where the object is."""
        return f"{self.kind.path(self.namespace)}/{quote(self.name, safe='')}"

    @property
    def stub(self) -> Json:
        """The object with nothing but its name."""
        metadata = {"name": self.name}
        if self.namespace:
            metadata["namespace"] = self.namespace
        return {"apiVersion": self.kind.version, "kind": self.kind.name, "metadata": metadata}

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.name} {where}{self.name}"


NAMESPACE = Kind("Namespace", "namespaces")
NODE = Kind("Node", "nodes")
POD = Kind("Pod", "pods")
CONFIG_MAP = Kind("ConfigMap", "configmaps")
SECRET = Kind("Secret", "secrets")
SERVICE_ACCOUNT = Kind("ServiceAccount", "serviceaccounts")
SERVICE = Kind("Service", "services")
ENDPOINT_SLICE = Kind("EndpointSlice", "endpointslices", "discovery.k8s.io/v1")
DISRUPTION_BUDGET = Kind("PodDisruptionBudget", "poddisruptionbudgets", "policy/v1")
ACCESS_REVIEW = Kind("SubjectAccessReview", "subjectaccessreviews", "authorization.k8s.io/v1")
DEPLOYMENT = Kind("Deployment", "deployments", "apps/v1")
STATEFUL_SET = Kind("StatefulSet", "statefulsets", "apps/v1")
DAEMON_SET = Kind("DaemonSet", "daemonsets", "apps/v1")
REPLICA_SET = Kind("ReplicaSet", "replicasets", "apps/v1")
JOB = Kind("Job", "jobs", "batch/v1")
EVENT = Kind("Event", "events", "events.k8s.io/v1")
CRON_JOB = Kind("CronJob", "cronjobs", "batch/v1")
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, CRON_JOB)
"""What people make pods with."""
INTERMEDIATE = (REPLICA_SET, JOB)
"""Controllers that others of them make, and that make pods in their stead."""
MUTATING_WEBHOOK = Kind(
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    "admissionregistration.k8s.io/v1",
)
MUTATING_POLICY = Kind(
    "MutatingAdmissionPolicy",
    "mutatingadmissionpolicies",
    "admissionregistration.k8s.io/v1",
)
MUTATING_POLICY_BINDING = Kind(
    "MutatingAdmissionPolicyBinding",
    "mutatingadmissionpolicybindings",
    "admissionregistration.k8s.io/v1",
)
SELF_SUBJECT_REVIEW = Kind("SelfSubjectReview", "selfsubjectreviews", "authentication.k8s.io/v1")
