"""A cause is said once, and what follows from it refers to it."""

from datetime import timedelta

import pytest

from tests.unit.cli.doctor.cluster import (
    DEPLOYMENT,
    NOW,
    SECRET,
    SLICE,
    WEBHOOK,
    Ill,
    Installed,
    setting,
    without_role,
)
from tests.unit.cli.doctor.diagnosis import Served, found, rehearsed
from tests.unit.cli.doctor.rendered import encoded
from webhook.cli.doctor.finding import Severity
from webhook.tls import issue


def test_a_wrong_port_is_one_error_and_what_follows_refers_to_it(cluster: Served) -> None:
    cluster[0].change(WEBHOOK, webhooks__0__clientConfig__service__port=8443)
    cluster[0].failure = "connect: connection refused"
    errors = [each for each in found(cluster) if each.severity == "error"]
    assert [each.check for each in errors] == ["service"]
    one = rehearsed(cluster)
    assert (one.severity, one.remedy) == ("info", "")
    assert one.what.endswith("(see service, Service initshim/initshim)")


def half_installed(cluster: Installed) -> None:
    """As after an installation whose pods never came up: nobody filled Secret and caBundle."""
    cluster.change(SECRET, data={})
    cluster.change(
        WEBHOOK,
        webhooks__0__clientConfig={
            "service": {"name": "initshim", "namespace": "initshim", "port": 443}
        },
    )
    cluster.change(SLICE, endpoints=[{"conditions": {"ready": False}}])
    cluster.failure = "x509: certificate signed by unknown authority"


def down(cluster: Installed) -> None:
    half_installed(cluster)
    cluster.change(DEPLOYMENT, status={})


def without_rights(cluster: Installed) -> None:
    down(cluster)
    without_role(cluster)


def refused_settings(cluster: Installed) -> None:
    down(cluster)
    setting("LOOKUP_SECONDS", "soon")(cluster)


def emptied(cluster: Installed) -> None:
    half_installed(cluster)
    cluster.change(SLICE, endpoints=[{"conditions": {"ready": True}}])


@pytest.mark.parametrize(
    ("ill", "cause", "followers"),
    [
        (down, "Deployment initshim/initshim", 4),
        (without_rights, "ServiceAccount initshim/initshim", 5),
        (refused_settings, "deployment/initshim's settings", 6),
        (emptied, "Secret initshim/initshim-ca", 2),
    ],
)
def test_an_error_that_makes_others_is_said_once(
    cluster: Served, ill: Ill, cause: str, followers: int
) -> None:
    ill(cluster[0])
    findings = found(cluster)
    (one,) = (each for each in findings if each.severity is Severity.ERROR)
    assert one.object == cause
    assert one.remedy
    referring = [each for each in findings if each.what.endswith(f"(see {one.check}, {cause})")]
    assert len(referring) == followers
    assert {(each.severity, each.remedy) for each in referring} == {(Severity.INFO, "")}


def without_the_mounted_secret(cluster: Installed) -> None:
    """As with cert-manager, before it has made one: the kubelet waits for it."""
    cluster.configure(TLS="files", TLS_CERT_FILE="/tls/tls.crt", TLS_KEY_FILE="/tls/tls.key")
    volume = {"name": "tls", "secret": {"secretName": "initshim-tls"}}
    cluster.change(DEPLOYMENT, status={}, spec__template__spec__volumes=[volume])
    cluster.change(SLICE, endpoints=[{"conditions": {"ready": False}}])
    cluster.failure = "no endpoints available for service"


def test_without_the_certificate_of_another_the_webhooks_pods_do_not_start(
    cluster: Served,
) -> None:
    """The webhook fills a Secret of its own; this one has to be there before it."""
    without_the_mounted_secret(cluster[0])
    findings = found(cluster)
    (one,) = (each for each in findings if each.severity is Severity.ERROR)
    assert (one.object, one.what) == ("Secret initshim/initshim-tls", "it does not exist")
    assert one.remedy == "kubectl -n initshim describe certificate,secret initshim-tls"
    see = " (see certificate, Secret initshim/initshim-tls)"
    assert {each.object for each in findings if each.what.endswith(see)} == {
        "Service initshim/initshim",
        "Deployment initshim/initshim",
        "dry-run Pod in shop",
    }


def test_a_bundle_that_another_fills_does_not_wait_for_the_webhook(cluster: Served) -> None:
    """A deployment that is down is one ill, and cert-manager's injector another."""
    there = cluster[0]
    without_the_mounted_secret(there)
    now = issue.leaf(there.ca, names=["initshim.initshim.svc"], now=NOW, life=timedelta(days=90))
    there.server.put(
        "/api/v1/namespaces/initshim/secrets/initshim-tls",
        {"kind": "Secret", "data": {"tls.crt": encoded(now.chain)}},
    )
    service = {"name": "initshim", "namespace": "initshim", "port": 443}
    there.change(WEBHOOK, webhooks__0__clientConfig={"service": service})
    findings = found(cluster)
    errors = [(each.object, each.what) for each in findings if each.severity is Severity.ERROR]
    assert errors == [
        ("Deployment initshim/initshim", "none of 2 replicas is ready"),
        (
            "MutatingWebhookConfiguration initshim",
            "caBundle is empty: the API server trusts nobody",
        ),
    ]
    (held,) = (each for each in findings if each.object == "Secret initshim/initshim-tls")
    assert held.what == (
        "its tls.crt can't be verified: caBundle holds no CA (see certificate, "
        "MutatingWebhookConfiguration initshim)"
    )


def test_a_right_that_no_certificate_needs_keeps_no_replica_from_being_ready(
    cluster: Served,
) -> None:
    cluster[0].configure(EVENTS="true")
    cluster[0].change(DEPLOYMENT, status={})
    errors = {each.object for each in found(cluster) if each.severity is Severity.ERROR}
    assert errors == {"Deployment initshim/initshim", "ServiceAccount initshim/initshim"}
