"""Whether a pod can only run on Windows nodes, by any of the ways to say so.

https://kubernetes.io/docs/concepts/windows/user-guide: `spec.os.name`, HostProcess containers, and
the labels of nodes in the node selector or the required node affinity. The webhook comes before
the scheduler, so these fields are all there is.
"""

from collections.abc import Mapping

from webhook.core.pod import Pod
from webhook.core.schema import Requirement, Security, Spec, Term

LINUX, WINDOWS = "linux", "windows"
SYSTEM_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
BUILD_LABEL = "node.kubernetes.io/windows-build"  # only Windows nodes have it


def only_on_windows(pod: Pod) -> bool:
    """Tell whether no Linux node can run the pod."""
    spec = pod.spec
    return bool(
        (spec.os and spec.os.name == WINDOWS)
        or (spec.node_selector and _selects_windows(spec.node_selector))
        or (spec.affinity and _required_by_affinity(spec))
        or (spec.security_context and _host_process(spec.security_context))
        or _holds_host_process(pod)
    )


def _selects_windows(labels: Mapping[str, str]) -> bool:
    return BUILD_LABEL in labels or any(labels.get(each) == WINDOWS for each in SYSTEM_LABELS)


def _holds_host_process(pod: Pod) -> bool:
    for container in pod.containers:
        context = container.fields.security_context
        if context and _host_process(context):
            return True
    return False


def _host_process(context: Security) -> bool:
    """HostProcess containers exist on Windows alone; the pod or each container says so."""
    return context.windows_options is not None and context.windows_options.host_process is True


def _required_by_affinity(spec: Spec) -> bool:
    """Terms are alternatives; an empty one matches no node (core/v1, NodeSelectorTerm)."""
    node = spec.affinity and spec.affinity.node_affinity
    required = node and node.required_during_scheduling_ignored_during_execution
    listed = (required and required.node_selector_terms) or ()
    terms = [term for term in listed if term.match_expressions or term.match_fields]
    return bool(terms) and all(map(_without_linux, terms))


def _without_linux(term: Term) -> bool:
    """All of a term's expressions must hold: one that leaves Linux out is enough."""
    return any(map(_leaves_linux_out, term.match_expressions or ()))


def _leaves_linux_out(rule: Requirement) -> bool:
    if rule.key == BUILD_LABEL:
        return rule.operator in ("In", "Exists", "Gt", "Lt")
    if rule.key not in SYSTEM_LABELS:
        return False
    values = set(rule.values or ())
    return (rule.operator == "In" and values == {WINDOWS}) or (
        rule.operator == "NotIn" and LINUX in values
    )
