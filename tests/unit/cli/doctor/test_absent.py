"""What is said where nothing is installed, or not by the name that was given."""

import pytest

from tests.fakes.api_server import Rule
from tests.unit.cli.doctor.cluster import WEBHOOK
from tests.unit.cli.doctor.diagnosis import Served, found
from webhook.cli.doctor.finding import Severity
from webhook.cli.installation.survey import INSTALL


@pytest.mark.parametrize("webhook", [None, "initshim"])
def test_where_it_is_not_installed_the_remedy_is_to_install_it(
    cluster: Served, webhook: str | None
) -> None:
    cluster[0].server.delete(WEBHOOK)
    (one,) = found(cluster, webhook=webhook)
    assert (one.check, one.severity) == ("configuration", Severity.ERROR)
    assert one.object == f"MutatingWebhookConfiguration {webhook or 'of any name'}"
    assert one.what == (
        "there is none with the webhook inject.initshim.dev, and no admission policy: initshim is "
        "not installed"
    )
    assert one.remedy == INSTALL


@pytest.mark.parametrize("name", ["inishtim", "another"])
def test_under_a_wrong_name_the_right_one_is_told(cluster: Served, name: str) -> None:
    """Nobody is told to install a second one."""
    there = cluster[0]
    webhook = {"name": "another.example.com", "clientConfig": {"url": "https://10.0.0.9"}}
    there.server.put(WEBHOOK.replace("/initshim", "/another"), {"webhooks": [webhook]})
    (one,) = found(cluster, webhook=name)
    assert (one.severity, one.object) == (
        Severity.ERROR,
        f"MutatingWebhookConfiguration {name}",
    )
    assert one.what == (
        "it is not there, or has no webhook inject.initshim.dev; initshim's name here is initshim"
    )
    assert one.remedy == "initshim doctor --webhook initshim"


def test_who_may_not_list_the_others_does_not_know_whether_there_is_one(cluster: Served) -> None:
    cluster[0].server.rules = {Rule("get", "mutatingwebhookconfigurations")}
    (one,) = found(cluster, webhook="inishtim")
    assert one.severity is Severity.UNKNOWN
    assert one.remedy.startswith("Grant the verb 'list' on mutatingwebhookconfigurations.")


def test_another_webhook_in_the_same_configuration_is_not_ours(cluster: Served) -> None:
    """A platform team may keep all of its webhooks in one."""
    before = found(cluster)
    (ours,) = cluster[0].server.objects[WEBHOOK]["webhooks"]
    other = {"name": "another.example.com", "clientConfig": {"url": "https://10.0.0.9"}}
    cluster[0].change(WEBHOOK, webhooks=[other, ours])
    assert found(cluster) == before
