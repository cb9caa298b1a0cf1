"""The registries in use: who answers, and whom."""

from tests.unit.cli.doctor.cluster import setting, workload
from tests.unit.cli.doctor.diagnosis import Served, found
from webhook.cli.doctor.finding import Finding


def registries(cluster: Served) -> dict[str, Finding]:
    return {
        each.object.partition(" ")[0]: each for each in found(cluster) if each.check == "registries"
    }


def test_each_registry_is_asked_through_the_webhook_as_the_pod(cluster: Served) -> None:
    server = cluster[0].server
    for path, made in (
        workload("a", "quay.io/team/app:1", "quay.io/team/other:1"),
        workload("b", "127.0.0.1:1/private:1", imagePullSecrets=[{"name": "pull"}]),
    ):
        server.put(path, made)
    asked = registries(cluster)
    assert asked["quay.io"].severity == "ok"
    assert asked["quay.io"].object == "quay.io (2 containers)"
    private = asked["127.0.0.1:1"]
    assert private.severity == "warning"
    assert "(unauthorized)" in private.what
    assert "from here the registry can't be reached" in private.what
    assert "registry.pullSecretNamespaces={shop}" in private.remedy


def test_a_webhook_that_denies_says_why(cluster: Served) -> None:
    cluster[0].deny = True
    cluster[0].server.put(*workload("b", "127.0.0.1:1/private:1"))
    assert "(unauthorized)" in registries(cluster)["127.0.0.1:1"].what


def test_from_here_alone_it_says_that_this_is_another_network(cluster: Served) -> None:
    cluster[0].server.admit = lambda _, given: (given, [])
    cluster[0].server.put(*workload("b", "127.0.0.1:1/app:1"))
    assert "not the webhook's network" in registries(cluster)["127.0.0.1:1"].what


def test_lookups_that_are_off_ask_nobody(cluster: Served) -> None:
    setting("LOOKUPS", "false")(cluster[0])
    assert "lookups are off" in registries(cluster)["Workloads"].what


def test_following_the_hint_for_pull_secrets_takes_no_right_away(cluster: Served) -> None:
    """Helm replaces a list as a whole: those that may be read already have to be in it."""
    installed_, _ = cluster
    for name in ("billing", "away"):
        labels = {"initshim.dev/inject": "enabled"} if name == "billing" else {}
        installed_.server.put(f"/api/v1/namespaces/{name}", {"metadata": {"labels": labels}})
    may = installed_.may
    installed_.server.may = lambda spec: (
        (
            spec["resourceAttributes"]["namespace"] == "away"
            and spec["resourceAttributes"]["resource"] == "secrets"
            and spec["resourceAttributes"]["verb"] == "get"
        )
        or may(spec)
    )
    for name in ("shop", "billing"):
        path, made = workload(name, "127.0.0.1:1/private:1")
        installed_.server.put(path.replace("/shop/", f"/{name}/"), made)
    hints = [each.remedy for each in found(cluster) if "pullSecretNamespaces" in each.remedy]
    assert hints
    assert all("{away,billing}" in each for each in hints)
