"""Which kinds make pods from a template in them, where it is, and which are left alone, and why.

Where Kubernetes' own kinds have theirs, `core.pod_templates` says. Any kind that isn't in a table
has its template at `spec.template`, or none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from webhook.cli.output import WrongUsage
from webhook.core.pod_templates import PATHS, TEMPLATE, Path

EVERY = "*"  # in a path: every key of a mapping, every item of a list
ROOT = "."

_RAY_GROUPS = ("headGroupSpec.template", "workerGroupSpecs.*.template")
_UNITED = ("statefulSet", "advancedStatefulSet", "cloneSet", "deployment")
_OPERATORS: dict[str, tuple[str, ...]] = {
    "AdvancedCronJob.apps.kruise.io": (
        "spec.template.jobTemplate.spec.template",
        "spec.template.broadcastJobTemplate.spec.template",
    ),
    "Experiment.argoproj.io": ("spec.templates.*.template",),
    "JAXJob.kubeflow.org": ("spec.jaxReplicaSpecs.*.template",),
    "Job.batch.volcano.sh": ("spec.tasks.*.template",),
    "JobSet.jobset.x-k8s.io": ("spec.replicatedJobs.*.template.spec.template",),
    "LeaderWorkerSet.leaderworkerset.x-k8s.io": (
        "spec.leaderWorkerTemplate.leaderTemplate",
        "spec.leaderWorkerTemplate.workerTemplate",
    ),
    "MPIJob.kubeflow.org": ("spec.mpiReplicaSpecs.*.template",),
    "PaddleJob.kubeflow.org": ("spec.paddleReplicaSpecs.*.template",),
    "PyTorchJob.kubeflow.org": ("spec.pytorchReplicaSpecs.*.template",),
    "RayCluster.ray.io": tuple(f"spec.{each}" for each in _RAY_GROUPS),
    "RayJob.ray.io": (
        *(f"spec.rayClusterSpec.{each}" for each in _RAY_GROUPS),
        "spec.submitterPodTemplate",
    ),
    "RayService.ray.io": tuple(f"spec.rayClusterConfig.{each}" for each in _RAY_GROUPS),
    "ScaledJob.keda.sh": ("spec.jobTargetRef.template",),
    "TFJob.kubeflow.org": ("spec.tfReplicaSpecs.*.template",),
    "UnitedDeployment.apps.kruise.io": tuple(
        f"spec.template.{each}Template.spec.template" for each in _UNITED
    ),
    "XGBoostJob.kubeflow.org": ("spec.xgbReplicaSpecs.*.template",),
}

# Kinds that hold whole objects, and in which list.
LISTS = {"Template.template.openshift.io": "objects"}

# Kinds that kustomize merges by the names of containers: without an image it is a patch of one.
MERGED_BY_NAME = frozenset({
    "CronJob", "DaemonSet", "Deployment", "Job", "PodTemplate", "ReplicaSet",
    "ReplicationController", "StatefulSet",
})  # fmt: skip

_KNATIVE = "Knative refuses init containers in it unless its feature flags allow them"
_ARGO = "its steps are containers without a pod template, which Argo makes pods of"
_TEKTON = "its steps are containers without a pod template, whose commands Tekton runs itself"
_SPARK = "its templates are only what Spark starts from when it makes its pods"
_LEFT: dict[str, str] = {
    "Configuration.serving.knative.dev": _KNATIVE,
    "Revision.serving.knative.dev": _KNATIVE,
    "Service.serving.knative.dev": _KNATIVE,
    "ClusterWorkflowTemplate.argoproj.io": _ARGO,
    "CronWorkflow.argoproj.io": _ARGO,
    "Workflow.argoproj.io": _ARGO,
    "WorkflowTemplate.argoproj.io": _ARGO,
    "ClusterTask.tekton.dev": _TEKTON,
    "Pipeline.tekton.dev": _TEKTON,
    "PipelineRun.tekton.dev": _TEKTON,
    "Task.tekton.dev": _TEKTON,
    "TaskRun.tekton.dev": _TEKTON,
    "ScheduledSparkApplication.sparkoperator.k8s.io": _SPARK,
    "SparkApplication.sparkoperator.k8s.io": _SPARK,
    "SidecarSet.apps.kruise.io": "its containers are added to pods that other kinds make",
}


class Left(StrEnum):
    """Why an object is left alone whole; the words are those of a report."""

    KIND = "kind-left"
    NO_TEMPLATE = "no-template"
    PATCH = "patch"
    NO_KIND = "no-kind"


LEFT = frozenset(map(str, Left))


@dataclass(frozen=True, slots=True)
class Kinds:
    """Where the templates of each kind are: a kind is `Kind.group`, or `Kind` of any group."""

    paths: Mapping[str, tuple[Path, ...]]
    left: Mapping[str, str]

    def paths_of(self, kind: str, group: str) -> tuple[Path, ...]:
        """Give the places where a kind may have a template."""
        return self.paths.get(f"{kind}.{group}") or self.paths.get(kind) or (TEMPLATE,)

    def left_because(self, kind: str, group: str) -> str:
        """Tell why a kind is left alone, "" for one that is not."""
        return self.left.get(f"{kind}.{group}", "")

    def extended(self, given: Iterable[str]) -> "Kinds":
        """Know the templates of more kinds, each as KIND=path. Raises WrongUsage."""
        added: dict[str, tuple[Path, ...]] = {}
        for text in given:
            kind, path = _option(text)
            added[kind] = (*added.get(kind, ()), path)
        left = {kind: why for kind, why in self.left.items() if kind not in added}
        return Kinds({**self.paths, **added}, left)


def path(text: str) -> Path:
    """Read a path: keys with dots between, `*` for every one, `.` for the object itself."""
    return () if text == ROOT else tuple(text.split("."))


def _option(text: str) -> tuple[str, Path]:
    kind, equals, where = text.partition("=")
    keys = path(where)
    if not kind or not equals or not all(keys) or any(sign in text for sign in " /[]"):
        raise WrongUsage(
            f"--template-path must be KIND=path, not {text!r}, "
            "for example TFJob.kubeflow.org=spec.tfReplicaSpecs.*.template"
        )
    return kind, keys


KNOWN = Kinds(
    {
        **{kind: (where,) for kind, where in PATHS.items()},
        **{kind: tuple(map(path, paths)) for kind, paths in _OPERATORS.items()},
    },
    _LEFT,
)
