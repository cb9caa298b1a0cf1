"""The rights of who runs doctor: all that docs/doctor.md names, and no more."""

from collections.abc import Iterator

import pytest

from tests.fakes.api_server import Rule
from tests.unit.cli.doctor.cluster import installed, workload
from tests.unit.cli.doctor.diagnosis import Served, bad, documented, found, rehearsed
from webhook.cli.doctor.finding import EXIT_CODES, Finding, Severity, worst
from webhook.kube.errors import Forbidden


def test_what_may_not_be_read_is_unknown_with_the_right_that_is_missing(cluster: Served) -> None:
    cluster[0].server.rules = {Rule("get", "mutatingwebhookconfigurations")}
    findings = found(cluster, webhook="initshim", namespace="shop")
    assert worst(findings) is Severity.UNKNOWN
    assert EXIT_CODES[worst(findings)] == 3
    unknown = [each for each in findings if each.severity is Severity.UNKNOWN]
    granted = " ".join(each.remedy for each in unknown)
    for right in ("namespaces", "services", "deployments.apps", "pods"):
        assert f"on {right}" in granted, right
    checks = {"configuration", "service", "rehearsal", "rights"}
    assert {each.check for each in unknown} >= checks


def test_who_may_not_even_list_configurations_is_told_to_name_one(cluster: Served) -> None:
    cluster[0].server.rules = set()
    with pytest.raises(Forbidden) as caught:
        found(cluster)
    assert "--webhook initshim" in caught.value.next_step


def test_who_may_not_even_get_the_one_that_is_named_is_told_so(cluster: Served) -> None:
    cluster[0].server.rules = set()
    with pytest.raises(Forbidden) as caught:
        found(cluster, webhook="initshim")
    assert caught.value.next_step == (
        "Grant the verb 'get' on mutatingwebhookconfigurations.admissionregistration.k8s.io to "
        "this user or service account."
    )


def test_the_documented_rights_are_all_that_it_takes(cluster: Served) -> None:
    cluster[0].server.rules = documented()
    cluster[0].server.put(*workload("a", "quay.io/team/app:1"))
    assert bad(found(cluster)) == []
    cluster[0].failure = "context deadline exceeded"
    assert rehearsed(cluster).severity == "error"


@pytest.fixture(scope="module")
def failing() -> Iterator[Served]:
    """A cluster whose webhook does not answer, where every right has something to tell of."""
    with installed() as made:
        made[0].server.put(*workload("a", "quay.io/team/app:1"))
        made[0].failure = "context deadline exceeded"
        made[0].server.interfere = lambda *_: None
        yield made


@pytest.fixture(scope="module")
def told(failing: Served) -> list[Finding]:
    """What is found there with all of the rights."""
    failing[0].server.rules = documented()
    return found(failing)


@pytest.mark.slow
def test_asked_again_it_tells_the_same(failing: Served, told: list[Finding]) -> None:
    failing[0].server.rules = documented()
    assert found(failing) == told


@pytest.mark.slow
@pytest.mark.parametrize("right", sorted(documented(), key=str), ids=str)
def test_none_of_them_is_idle(failing: Served, told: list[Finding], right: Rule) -> None:
    """Without any one of them something is unknown, or told with less certainty."""
    failing[0].server.rules = documented() - {right}
    try:
        assert found(failing) != told
    except Forbidden:
        assert right.verb == "list"
