"""What the webhook's own account may do."""

from tests.fakes.api_server import Refusal
from tests.unit.cli.doctor.cluster import POLICY, WEBHOOK, setting
from tests.unit.cli.doctor.diagnosis import Served, bad, documented, found
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
