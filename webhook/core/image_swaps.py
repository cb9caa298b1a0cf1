"""Pods whose controller gives a running container another image, and so another program.

A wrapped container's argv is frozen: where it came from the image, it does not fit the next one.
"""

from webhook.core.pod import Pod

# Tekton ends a task's sidecars by giving them an image that does nothing
# (tektoncd/pipeline, docs/taskruns.md: Specifying Sidecars).
LABELS = ("tekton.dev/taskRun",)
# Conditions that a controller has pods wait for while it updates them in place: OpenKruise, Grove,
# TKEStack's TApp.
READINESS_GATES = (
    "InPlaceUpdateReady",
    "grove.io/InPlaceUpdateReady",
    "tkestack.io/InPlaceUpdate",
)


def swaps_images(pod: Pod) -> bool:
    """Tell whether the pod says of its controller that it swaps images in place."""
    if not pod.labels.keys().isdisjoint(LABELS):
        return True
    gates = pod.spec.readiness_gates
    if not gates:  # as nearly always
        return False
    return any(gate.condition_type in READINESS_GATES for gate in gates)
