"""What the webhook's own account may do."""

import pytest

from tests.fakes.api_server import Refusal
from tests.unit.cli.doctor.cluster import POLICY, WEBHOOK, setting
from tests.unit.cli.doctor.diagnosis import Served, bad, documented, found, found_by
from webhook.cli.doctor.finding import Severity


def test_who_may_not_ask_for_others_rights_is_told_which_right_that_takes(cluster: Served) -> None:
    def refuse(_method: str, path: str) -> None:
        if path.endswith("/subjectaccessreviews"):
            raise Refusal(403, "Forbidden", "cannot create resource subjectaccessreviews")

    cluster[0].server.interfere = refuse
    one = next(each for each in found(cluster) if each.check == "rights")
    assert one.severity is Severity.UNKNOWN
    assert "Grant the verb 'create' on subjectaccessreviews.authorization.k8s.io" in one.remedy


def test_an_account_that_may_change_the_rules_is_warned_of(cluster: Served) -> None:
    assert any("caBundle alone" in each.what for each in found(cluster))
    cluster[0].server.delete(POLICY)
    (one,) = bad(found(cluster))
    assert (one.check, one.severity) == ("rights", Severity.WARNING)
    assert "every object of the cluster" in one.what
    assert "rbac.caBundlePolicy=true" in one.remedy


def test_who_may_not_take_its_place_is_told_which_right_that_takes(cluster: Served) -> None:
    cluster[0].server.rules = {each for each in documented() if each.verb != "impersonate"}
    (one,) = bad(found(cluster))
    assert one.severity is Severity.UNKNOWN
    assert "impersonate" in one.remedy


def test_an_account_that_changes_nothing_is_not_tried(cluster: Served) -> None:
    given = {"TLS": "files", "TLS_CERT_FILE": "/tls/tls.crt", "TLS_KEY_FILE": "/tls/tls.key"}
    for name, value in given.items():
        setting(name, value)(cluster[0])
    found(cluster)
    assert f"PATCH {WEBHOOK}" not in cluster[0].server.log


ACCOUNT = "ServiceAccount initshim/initshim"
AGAIN = "Render the chart again as it was (helm template …) with --set {}, and apply it."
WHO = "kubectl get rolebindings,clusterrolebindings -A -o wide | grep initshim/initshim"


@pytest.mark.parametrize(
    ("setting", "verbs"),
    [
        (
            "WARM_UP",
            (
                "list namespaces, list deployments.apps, list statefulsets.apps, "
                "list daemonsets.apps, list cronjobs.batch"
            ),
        ),
        (
            "EVENTS",
            (
                "create events.events.k8s.io, patch events.events.k8s.io, "
                "get replicasets.apps, get jobs.batch"
            ),
        ),
    ],
)
def test_what_a_setting_makes_the_webhook_do_it_has_to_be_allowed(
    cluster: Served, setting: str, verbs: str
) -> None:
    """The setting by itself, without the rights that the chart renders with it."""
    cluster[0].configure(**{setting: "true"})
    one, _ = found_by("rights", cluster)
    assert (one.severity, one.object) == (Severity.ERROR, ACCOUNT)
    assert one.what == f"it may not {verbs}, and needs to"
    assert one.remedy == AGAIN.format("rbac.create=true")


def test_pull_secrets_that_it_may_not_read_are_worth_knowing(cluster: Served) -> None:
    there = cluster[0]
    there.configure(PULL_SECRETS="true")
    labels = {"initshim.dev/inject": "enabled"}
    there.server.put("/api/v1/namespaces/billing", {"metadata": {"labels": labels}})
    one, has, _ = found_by("rights", cluster)
    assert (one.severity, one.object) == (Severity.INFO, ACCOUNT)
    assert one.what == (
        "it may not read pull secrets in billing, shop: private images there are left alone "
        "unless they give a command"
    )
    assert one.remedy == (
        "To let it (this sets the whole list, with those that it may read already):\n"
        + AGAIN.format("'registry.pullSecretNamespaces={billing,shop}'")
    )
    assert has.what == "it has the 5 rights that it needs"


def test_pull_secrets_that_it_may_read_are_no_news(cluster: Served) -> None:
    there = cluster[0]
    there.configure(PULL_SECRETS="true")
    may = there.may
    there.server.may = lambda spec: (
        may(spec)
        or (
            spec["resourceAttributes"]["verb"] == "get"
            and spec["resourceAttributes"]["namespace"] == "shop"
        )
    )
    has, _ = found_by("rights", cluster)
    assert (has.severity, has.what) == (Severity.OK, "it has the 7 rights that it needs")


def test_more_than_it_ever_does_is_named(cluster: Served) -> None:
    there = cluster[0]
    may = there.may
    there.server.may = lambda spec: may(spec) or spec["resourceAttributes"]["resource"] == "pods"
    (one,) = bad(found(cluster))
    assert (one.severity, one.object) == (Severity.WARNING, ACCOUNT)
    assert one.what == "it may also create pods, create pods/exec, which it never does"
    assert one.remedy == WHO


def test_without_its_deployment_nobody_knows_its_account(cluster: Served) -> None:
    def refuse(_method: str, path: str) -> None:
        if path.endswith("/initshim/deployments"):
            raise Refusal(403, "Forbidden", "not you")

    cluster[0].server.interfere = refuse
    (one,) = found_by("rights", cluster)
    assert (one.severity, one.object) == (Severity.UNKNOWN, "The webhook's ServiceAccount")
    assert one.remedy == (
        "Grant the verb 'list' on deployments.apps in initshim to this user or service account."
    )


@pytest.mark.parametrize(
    ("code", "reason", "message", "severity", "what"),
    [
        (
            403,
            "Forbidden",
            'cannot patch resource "mutatingwebhookconfigurations"',
            Severity.OK,
            "of its own webhook configuration it can change caBundle alone",
        ),
        (
            401,
            "Unauthorized",
            "Unauthorized",
            Severity.UNKNOWN,
            ("could not look: Can't patch MutatingWebhookConfiguration initshim: Unauthorized"),
        ),
        (
            400,
            "BadRequest",
            "no such field",
            Severity.UNKNOWN,
            (
                "could not look: Can't patch MutatingWebhookConfiguration initshim: HTTP 400, no "
                "such field"
            ),
        ),
        (
            503,
            "ServiceUnavailable",
            "etcd is down",
            Severity.UNKNOWN,
            (
                "could not look: Can't patch MutatingWebhookConfiguration initshim: HTTP 503, etcd "
                "is down"
            ),
        ),
    ],
)
def test_only_a_refusal_for_its_own_rights_is_good_news(
    cluster: Served, code: int, reason: str, message: str, severity: Severity, what: str
) -> None:
    """Tried as the account: what keeps us from trying tells nothing."""

    def refuse(method: str, _path: str) -> None:
        if method == "PATCH":
            raise Refusal(code, reason, message)

    cluster[0].server.interfere = refuse
    *_, one = found_by("rights", cluster)
    assert (one.severity, one.object, one.what) == (severity, ACCOUNT, what)
    assert "impersonate" not in one.remedy
