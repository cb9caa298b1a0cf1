"""`engine: policy` and `engine: both`: whether the API server wraps by itself.

With both, the webhook does the work of a policy that fails: what is an error there is a warning.
"""

import pytest

from tests.fakes.api_server import Json, Refusal
from tests.unit.cli.doctor.cluster import SHOP, WEBHOOK, Installed
from tests.unit.cli.doctor.diagnosis import Served, bad, found, found_by
from tests.unit.cli.doctor.engines import BINDING, POLICY, both, by_policy, evaluated
from webhook.cli.doctor.finding import EXIT_CODES, Finding, Severity, worst

ALONE = "while the webhook is down, nothing is wrapped"
AGAIN = "Render the chart again as it was (helm template …), and apply it."
ENGINE = "Render the chart again as it was (helm template …) with --set engine=both, and apply it."
COUNTED = "kubectl get --raw /metrics | grep mutating_admission_policy_check_total"
WHY = (
    "the policy passes it over, an expression of it failed, or the API server has its admission "
    "plugin MutatingAdmissionPolicy off"
)


@pytest.fixture
def alone(cluster: Served) -> Served:
    """`engine: policy`."""
    by_policy(cluster[0])
    evaluated(cluster[0])
    return cluster


@pytest.fixture
def beside(cluster: Served) -> Served:
    """`engine: both`."""
    both(cluster[0])
    evaluated(cluster[0])
    return cluster


def of_policy(cluster: Served, **options: str) -> list[Finding]:
    return found_by("policy", cluster, **options)


def said(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.severity, each.object, each.what) for each in findings]


def test_a_policy_that_is_bound_and_works_is_all_that_there_is_to_look_at(alone: Served) -> None:
    findings = found(alone)
    assert findings == of_policy(alone)
    assert said(findings) == [
        (
            "ok",
            "MutatingAdmissionPolicy initshim",
            "it is there: the API server wraps by itself, without a webhook",
        ),
        ("ok", "MutatingAdmissionPolicyBinding", "the policy is bound"),
        ("ok", "dry-run Pod in shop", "the API server wrapped the pod by itself"),
    ]
    assert EXIT_CODES[worst(findings)] == 0


def test_beside_a_webhook_it_settles_what_gives_a_command(beside: Served) -> None:
    findings = found(beside)
    assert bad(findings) == []
    assert said([each for each in findings if each.check == "policy"]) == [
        (
            "ok",
            "MutatingAdmissionPolicy initshim",
            "it is there: the API server wraps what gives a command by itself",
        ),
        ("ok", "MutatingAdmissionPolicyBinding", "the policy is bound"),
        ("ok", "dry-run Pod in shop", "the API server wrapped the pod by itself"),
    ]
    (rehearsed,) = (each for each in findings if each.check == "rehearsal")
    assert rehearsed.what == "the API server called the webhook, and it wrapped the pod"


def test_a_webhook_that_is_asked_for_every_pod_is_worth_knowing(beside: Served) -> None:
    conditions = beside[0].server.objects[WEBHOOK]["webhooks"][0]["matchConditions"]
    kept = [each for each in conditions if each["name"] != "left-to-the-webhook"]
    beside[0].change(WEBHOOK, webhooks__0__matchConditions=kept)
    _, one, *_ = of_policy(beside)
    assert said([one]) == [
        (
            "info",
            "MutatingWebhookConfiguration initshim",
            (
                "it has no condition left-to-the-webhook: the webhook is asked about every pod, "
                "also about those that the policy settles"
            ),
        )
    ]
    assert one.remedy == ENGINE


def test_parameters_that_the_chart_does_not_ask_for_are_warned_of(alone: Served) -> None:
    alone[0].change(POLICY, spec__paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    (one,) = bad(found(alone))
    assert said([one]) == [
        (
            "warning",
            "MutatingAdmissionPolicy initshim",
            "it asks for parameters, and the chart's does not",
        )
    ]
    assert one.remedy == AGAIN


@pytest.mark.parametrize("engine", ["alone", "beside"])
def test_a_policy_without_a_binding_does_nothing(
    engine: str, request: pytest.FixtureRequest
) -> None:
    cluster: Served = request.getfixturevalue(engine)
    cluster[0].change(BINDING, spec__policyName="another")
    severity = "error" if engine == "alone" else "warning"
    unbound, unwrapped = bad(found(cluster))
    assert said([unbound]) == [
        (
            severity,
            "MutatingAdmissionPolicyBinding",
            "no binding names the policy initshim, so it does nothing",
        )
    ]
    assert unbound.remedy == AGAIN
    assert (unwrapped.severity, unwrapped.object) == (severity, "dry-run Pod in shop")


def test_a_binding_that_narrows_the_policy_is_warned_of(alone: Served) -> None:
    alone[0].change(BINDING, spec__paramRef={"name": "a"})
    alone[0].change(BINDING, spec__matchResources={"namespaceSelector": {}})
    (one,) = bad(found(alone))
    assert said([one]) == [
        (
            "warning",
            "MutatingAdmissionPolicyBinding initshim",
            "it has paramRef and matchResources, so the policy may pass pods over",
        )
    ]
    assert one.remedy == AGAIN


def test_a_policy_that_wraps_nothing_is_an_error_where_nothing_else_wraps(cluster: Served) -> None:
    by_policy(cluster[0])  # and nobody goes by it: the plugin is off
    (one,) = bad(found(cluster))
    assert said([one]) == [
        ("error", "dry-run Pod in shop", f"the pod came back without an init: {WHY}")
    ]
    assert one.remedy == COUNTED


def test_a_webhook_that_does_the_policys_work_is_a_warning(cluster: Served) -> None:
    both(cluster[0])  # the plugin is off; the webhook is asked, and says so of the pod's hook
    (one,) = bad(found(cluster))
    assert said([one]) == [
        (
            "warning",
            "dry-run Pod in shop",
            f"the webhook had to wrap what the policy should have: {WHY}; {ALONE}",
        )
    ]
    assert one.remedy == COUNTED


def test_without_a_namespace_there_is_nothing_to_rehearse(alone: Served) -> None:
    alone[0].change(SHOP, metadata__labels={})
    assert said(of_policy(alone))[-1] == (
        "info",
        "dry-run Pod",
        "no namespace is selected to rehearse in",
    )


def test_where_namespaces_may_not_be_listed_nobody_says_that_none_is_selected(
    alone: Served,
) -> None:
    unserved(alone[0], "namespaces", code=403)
    one = of_policy(alone)[-1]
    assert said([one]) == [
        (
            "unknown",
            "dry-run Pod",
            "could not look: Can't list namespaces in all namespaces: not you",
        )
    ]
    granted = "Grant the verb 'list' on namespaces in all namespaces to this user"
    assert one.remedy.startswith(granted)
    assert EXIT_CODES[worst(of_policy(alone, namespace="shop"))] == 0


def test_a_namespace_that_the_policy_does_not_select_is_no_place_to_rehearse(alone: Served) -> None:
    one = of_policy(alone, namespace="default")[-1]
    assert said([one]) == [
        (
            "warning",
            "dry-run Pod in default",
            "the namespace is not selected, so no pod in it is wrapped",
        )
    ]
    assert one.remedy == "kubectl label namespace default initshim.dev/inject=enabled"
    assert not any("default/pods" in line for line in alone[0].server.log)


def test_a_pod_that_is_refused_tells_nothing_of_the_policy(alone: Served) -> None:
    def refuse(_path: str, _given: Json) -> tuple[Json, list[str]]:
        raise Refusal(403, "Forbidden", 'pods "initshim-doctor" is forbidden: exceeded quota: q')

    alone[0].server.admit = refuse
    one = of_policy(alone)[-1]
    assert said([one]) == [
        (
            "unknown",
            "dry-run Pod in shop",
            (
                "could not look: Can't create Pod shop/initshim-doctor: pods "
                '"initshim-doctor" is forbidden: exceeded quota: q'
            ),
        )
    ]
    assert one.remedy == "Grant the verb 'create' on pods to this user or service account."


def unserved(there: Installed, *plurals: str, code: int = 404) -> None:
    """Have the API server not serve these kinds, or not to us."""
    reason, message = {
        403: ("Forbidden", "not you"),
        404: ("NotFound", "the server could not find the requested resource"),
    }[code]

    def refuse(method: str, path: str) -> None:
        if method == "GET" and path.rpartition("/")[2] in plurals:
            raise Refusal(code, reason, message)

    there.server.interfere = refuse


def test_an_api_server_that_knows_no_such_kind_leaves_all_to_the_webhook(beside: Served) -> None:
    del beside[0].server.objects[POLICY], beside[0].server.objects[BINDING]
    unserved(beside[0], "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
    (one,) = bad(found(beside))
    assert said([one]) == [
        (
            "warning",
            "MutatingAdmissionPolicy initshim",
            "the API server serves no such kind: its version, or its --runtime-config; " + ALONE,
        )
    ]
    assert one.remedy == "kubectl api-resources --api-group=admissionregistration.k8s.io"


def test_a_policy_that_somebody_took_away_is_missed(beside: Served) -> None:
    del beside[0].server.objects[POLICY], beside[0].server.objects[BINDING]
    (one,) = bad(found(beside))
    assert said([one]) == [
        (
            "warning",
            "MutatingAdmissionPolicy initshim",
            f"it is not there, and the webhook's condition left-to-the-webhook is; {ALONE}",
        )
    ]
    assert one.remedy == ENGINE


def test_policies_and_bindings_that_may_not_be_read_are_unknown(beside: Served) -> None:
    """A webhook whose condition says that there is a policy asks for that right, no other does."""
    granted = "Grant the verb 'list' on {}.admissionregistration.k8s.io in all namespaces "
    unserved(beside[0], "mutatingadmissionpolicies", code=403)
    (one,) = of_policy(beside)
    assert said([one]) == [
        (
            "unknown",
            "MutatingAdmissionPolicy",
            (
                "could not look: Can't list mutatingadmissionpolicies.admissionregistration.k8s.io "
                "in all namespaces: not you"
            ),
        )
    ]
    assert one.remedy.startswith(granted.format("mutatingadmissionpolicies"))
    unserved(beside[0], "mutatingadmissionpolicybindings", code=403)
    (one,) = bad(of_policy(beside))
    assert (one.severity, one.object) == ("unknown", "MutatingAdmissionPolicyBinding")
    assert one.remedy.startswith(granted.format("mutatingadmissionpolicybindings"))


def test_another_webhooks_configuration_is_not_taken_for_a_policy(alone: Served) -> None:
    neighbour(alone[0], "kyverno")
    (one,) = found(alone, webhook="kyverno")
    assert said([one]) == [
        (
            "error",
            "MutatingWebhookConfiguration kyverno",
            (
                "it is not there, or has no webhook inject.initshim.dev; initshim's name here is "
                "initshim"
            ),
        )
    ]


def test_without_that_right_nobody_says_that_initshim_is_not_installed(alone: Served) -> None:
    """Whoever believed it would install a second one beside the policy."""
    unserved(alone[0], "mutatingadmissionpolicies", code=403)
    (one,) = found(alone)
    assert said([one]) == [
        (
            "unknown",
            "MutatingWebhookConfiguration of any name",
            (
                "could not look: Can't list mutatingadmissionpolicies.admissionregistration.k8s.io "
                "in all namespaces: not you"
            ),
        )
    ]
    assert "helm install" not in one.remedy


def test_an_api_server_without_webhook_and_policies_has_no_initshim(alone: Served) -> None:
    unserved(alone[0], "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
    (one,) = found(alone)
    assert one.severity is Severity.ERROR
    assert one.what == (
        "there is none with the webhook inject.initshim.dev, and this API server knows no "
        "admission policies: initshim is not installed"
    )
    assert one.remedy.startswith("helm install initshim ")


PODS: Json = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["pods"],
}


def neighbour(there: Installed, name: str, **rule: list[str]) -> None:
    """Put the configuration of another webhook."""
    webhook = {
        "name": f"{name}.example.com",
        "clientConfig": {"url": "https://10.0.0.9"},
        "rules": [PODS | rule],
    }
    path = WEBHOOK.replace("/initshim", f"/{name}")
    there.server.put(path, {"metadata": {"name": name}, "webhooks": [webhook]})


def test_webhooks_that_change_pods_after_initshims_are_named(beside: Served) -> None:
    neighbour(beside[0], "zz-mesh")
    neighbour(beside[0], "kyverno", resources=["*/*"], apiGroups=["*"], operations=["*"])
    neighbour(beside[0], "before")
    infos = [each for each in of_policy(beside) if each.severity is Severity.INFO]
    assert said(infos) == [
        (
            "info",
            "MutatingWebhookConfiguration kyverno",
            (
                "it comes after initshim's: a sidecar that it adds without a command, to a pod "
                "that the policy settled, is left alone (so with zz-mesh)"
            ),
        )
    ]
    assert infos[0].remedy == (
        "Describe the sidecar's image in entrypoints, or have initshim come last:\n"
        "Render the chart again as it was (helm template …) with --set "
        "fullnameOverride=zz-initshim, and apply it."
    )


@pytest.mark.parametrize(
    "rule",
    [
        {"operations": ["UPDATE", "DELETE"]},
        {"apiGroups": ["apps"], "resources": ["*"]},
        {"apiVersions": ["v2"]},
        {"resources": ["pods/exec", "services"]},
    ],
    ids=str,
)
def test_a_webhook_that_is_not_asked_about_new_pods_changes_none(
    beside: Served, rule: dict[str, list[str]]
) -> None:
    neighbour(beside[0], "zz-mesh", **rule)
    assert [each for each in of_policy(beside) if each.severity is not Severity.OK] == []


def test_who_may_only_get_the_webhooks_configuration_is_told_of_no_other(beside: Served) -> None:
    """docs/doctor.md: `get` on initshim is enough, with --webhook initshim."""
    neighbour(beside[0], "zz-mesh")
    unserved(beside[0], "mutatingwebhookconfigurations", code=403)
    assert {each.severity for each in of_policy(beside, webhook="initshim")} == {Severity.OK}
