"""The selectors and the CEL conditions, evaluated for real: cel-cpp's Python binding."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.chart.render import NAMESPACE, objects, one
from webhook.core import policy
from webhook.core.pod import Pod
from webhook.core.reasons import Reason

cel = pytest.importorskip(
    "cel_expr_python.cel", reason="needs cel-expr-python: pip install cel-expr-python"
)

Conditions = dict[str, Any]
INJECT = "initshim.dev/inject"


def compiled(helm: Path, *options: str) -> Conditions:
    """Compile each condition as the API server does: `object` and `request` have no fixed type."""
    webhook = one(objects(helm, None, *options), "MutatingWebhookConfiguration")["webhooks"][0]
    env = cel.NewEnv(variables={"object": cel.Type.DYN, "request": cel.Type.DYN})
    return {each["name"]: env.compile(each["expression"]) for each in webhook["matchConditions"]}


def dropped(conditions: Conditions, pod: dict[str, Any], namespace: str = "shop") -> set[str]:
    """Give the conditions that keep the pod from the webhook; none may fail to evaluate."""
    data = {"object": pod, "request": {"namespace": namespace}}
    answers = {name: each.eval(data=data).plain_value() for name, each in conditions.items()}
    assert all(isinstance(answer, bool) for answer in answers.values()), answers
    return {name for name, answer in answers.items() if not answer}


@pytest.fixture(scope="module")
def conditions(helm: Path) -> Conditions:
    return compiled(helm)


def pod(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "app", "command": ["app"]}]
    return {"metadata": metadata, "spec": {"containers": containers} | (spec or {})}


HOST_PROCESS = {"windowsOptions": {"hostProcess": True}}


def affinity(operator: str, value: str) -> dict[str, Any]:
    rule = {"key": "kubernetes.io/os", "operator": operator, "values": [value]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


KINDS = {
    "plain": (pod(), set()),
    "with other labels": (pod(labels={"app": "shop"}, annotations={"a": "b"}), set()),
    "opted in": (pod(annotations={INJECT: "true"}, labels={INJECT: "true"}), set()),
    "opted out by annotation": (pod(annotations={INJECT: "false"}), {"not-opted-out"}),
    "opted out by label": (pod(labels={INJECT: "false"}), {"not-opted-out"}),
    "disabled": (pod(labels={INJECT: "disabled"}), {"not-opted-out"}),
    "mirror": (pod(annotations={"kubernetes.io/config.mirror": "4f"}), {"not-mirror-pod"}),
    "Windows by os": (pod({"os": {"name": "windows"}}), {"not-windows"}),
    "Windows by selector": (
        pod({"nodeSelector": {"kubernetes.io/os": "windows"}}),
        {"not-windows"},
    ),
    "Windows by affinity": (
        pod({"affinity": affinity("NotIn", "linux")}),
        {"not-windows"},
    ),
    "Linux by affinity": (pod({"affinity": affinity("In", "linux")}), set()),
    "HostProcess": (pod({"securityContext": HOST_PROCESS}), {"not-windows"}),
    "a HostProcess init container": (
        pod({"initContainers": [{"name": "i", "image": "i", "securityContext": HOST_PROCESS}]}),
        {"not-windows"},
    ),
    "Linux": (
        pod({"os": {"name": "linux"}, "nodeSelector": {"kubernetes.io/os": "linux"}}),
        set(),
    ),
    "hostPID": (pod({"hostPID": True}), {"not-host-pid"}),
    "no hostPID": (pod({"hostPID": False, "shareProcessNamespace": False}), set()),
    "shared process namespace": (
        pod({"shareProcessNamespace": True}),
        {"not-shared-process-namespace"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pods_that_stay_as_they_are_do_not_cost_a_call(conditions: Conditions, kind: str) -> None:
    """Semantics §3: the pods that are left alone whatever their containers run."""
    given_pod, expected = KINDS[kind]
    assert dropped(conditions, given_pod) == expected


SWITCHES = st.sampled_from(["true", "enabled", "false", "disabled", "nonsense", ""])
PODS = st.builds(
    lambda metadata, spec: {
        "metadata": metadata,
        "spec": {"containers": [{"name": "app", "image": "app", "command": ["app"]}]} | spec,
    },
    st.fixed_dictionaries(
        {},
        optional={
            "annotations": st.fixed_dictionaries(
                {}, optional={INJECT: SWITCHES, "kubernetes.io/config.mirror": st.text()}
            ),
            "labels": st.fixed_dictionaries({}, optional={INJECT: SWITCHES, "app": st.text()}),
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "os": st.sampled_from([{"name": "linux"}, {"name": "windows"}]),
            "nodeSelector": st.fixed_dictionaries(
                {}, optional={"kubernetes.io/os": st.sampled_from(["linux", "windows"])}
            ),
            "affinity": st.builds(
                affinity, st.sampled_from(["In", "NotIn"]), st.sampled_from(["linux", "windows"])
            ),
            "securityContext": st.sampled_from([{}, HOST_PROCESS, {"windowsOptions": {}}]),
            "hostPID": st.booleans(),
            "shareProcessNamespace": st.booleans(),
        },
    ),
)
WHOLE_POD = {
    Reason.OPTED_OUT,
    Reason.WINDOWS,
    Reason.HOST_PID,
    Reason.SHARED_PROCESS_NAMESPACE,
    Reason.MIRROR_POD,
}


@given(each=PODS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_api_server_and_the_webhook_agree_on_every_pod(
    conditions: Conditions, each: dict[str, Any]
) -> None:
    """Below 1.28 the webhook alone decides, so both must say the same."""
    reason = policy.plan(Pod(each), policy.ClusterRules()).reason
    if reason in WHOLE_POD:
        assert dropped(conditions, each)
    if dropped(conditions, each):
        assert reason is not None


@pytest.mark.parametrize(
    ("platform", "namespace"), [("gke", "gke-gmp-system"), ("openshift", "openshift-ingress")]
)
def test_a_platforms_own_namespaces_are_left_alone(
    helm: Path, platform: str, namespace: str
) -> None:
    found = compiled(helm, "--set", f"platform={platform}")
    assert dropped(found, pod(), namespace) == {f"not-{platform}-system"}
    assert dropped(found, pod(), "shop") == set()


NAMESPACES = {
    "plain": {},
    "enabled": {INJECT: "enabled"},
    "disabled": {INJECT: "disabled"},
    "false": {INJECT: "false"},
}


@pytest.mark.parametrize(
    ("mode", "asked"), [("optIn", {"enabled"}), ("optOut", {"plain", "enabled"})]
)
def test_the_mode_decides_which_namespaces_are_in(helm: Path, mode: str, asked: set[str]) -> None:
    selector = selector_of(helm, "--set", f"mode={mode}")
    found = {name for name, labels in NAMESPACES.items() if selects(selector, "shop", labels)}
    assert found == asked


@pytest.mark.parametrize("mode", ["optIn", "optOut"])
@pytest.mark.parametrize("name", ["kube-system", "kube-node-lease", NAMESPACE, "monitoring"])
def test_some_namespaces_are_never_in_even_when_labelled(helm: Path, mode: str, name: str) -> None:
    selector = selector_of(helm, "--set", f"mode={mode},excludeNamespaces={{monitoring}}")
    assert not selects(selector, name, {INJECT: "enabled"})


@pytest.mark.parametrize(
    ("platform", "labels"),
    [
        ("aks", {"kubernetes.azure.com/managedby": "aks"}),
        ("aks", {"control-plane": "true"}),
        ("openshift", {"openshift.io/run-level": "0"}),
    ],
)
def test_a_platforms_labels_are_respected(
    helm: Path, platform: str, labels: dict[str, str]
) -> None:
    options = ("--set", f"mode=optOut,platform={platform}")
    assert not selects(selector_of(helm, *options), "shop", labels)
    assert selects(selector_of(helm, *options), "shop", {})


def test_only_the_creation_of_pods_is_asked_about(helm: Path) -> None:
    """Semantics §4: CREATE of pods only; issue 5: Ignore, IfNeeded, None, 10 seconds."""
    (webhook,) = one(objects(helm), "MutatingWebhookConfiguration")["webhooks"]
    (rule,) = webhook["rules"]
    assert (rule["operations"], rule["resources"]) == (["CREATE"], ["pods"])
    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["reinvocationPolicy"] == "IfNeeded"
    assert webhook["sideEffects"] == "None"
    assert webhook["timeoutSeconds"] == 10
    assert webhook["admissionReviewVersions"] == ["v1"]


def selector_of(helm: Path, *options: str) -> list[dict[str, Any]]:
    """Give the namespaceSelector, which uses expressions alone."""
    webhook = one(objects(helm, None, *options), "MutatingWebhookConfiguration")["webhooks"][0]
    assert set(webhook["namespaceSelector"]) == {"matchExpressions"}
    expressions: list[dict[str, Any]] = webhook["namespaceSelector"]["matchExpressions"]
    return expressions


def selects(expressions: list[dict[str, Any]], name: str, labels: dict[str, str]) -> bool:
    """Evaluate them as apimachinery does: NotIn also holds where the key is absent."""
    labels = labels | {"kubernetes.io/metadata.name": name}
    answers = {
        "In": lambda rule: labels.get(rule["key"]) in rule["values"],
        "NotIn": lambda rule: labels.get(rule["key"]) not in rule["values"],
    }
    return all(answers[rule["operator"]](rule) for rule in expressions)
