"""A cause is said once, and what follows from it refers to it."""

import pytest

from tests.unit.cli.doctor.cluster import (
    DEPLOYMENT,
    SECRET,
    SLICE,
    WEBHOOK,
    Ill,
    Installed,
    setting,
    without_role,
)
from tests.unit.cli.doctor.diagnosis import Served, found, rehearsed
from webhook.cli.doctor.finding import Severity


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
