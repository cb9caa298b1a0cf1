"""The registries in use: who answers, and whom."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.api_server import Json, Refusal
from tests.fakes.registry import Gate, Registry, basic, config_bytes, open_to_all
from tests.integration.registry.registries import in_thread
from tests.unit.cli.doctor.cluster import setting, workload
from tests.unit.cli.doctor.diagnosis import Served, found
from webhook.cli.doctor.finding import Finding
from webhook.core.reasons import Reason


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


AGAIN = "Render the chart again as it was (helm template …) with --set {}, and apply it."


@pytest.mark.parametrize(
    ("reason", "sentence", "remedy"),
    [
        (
            Reason.RATE_LIMITED,
            "the registry limits how often it is asked",
            "Give it credentials of its own, or a mirror:\n"
            + AGAIN.format("registry.dockerConfigSecret=SECRET"),
        ),
        (
            Reason.UNREACHABLE,
            "the registry can't be reached",
            "Open its egress, give it the registry's CA, a mirror or a proxy:\n"
            + AGAIN.format("env.HTTPS_PROXY=http://PROXY:PORT"),
        ),
        (
            Reason.NOT_FOUND,
            "the registry has no such image",
            "initshim entrypoint 127.0.0.1:1/app:1",
        ),
    ],
)
def test_what_keeps_the_webhook_from_an_image_is_told_with_its_remedy(
    cluster: Served, reason: Reason, sentence: str, remedy: str
) -> None:
    cluster[0].unread["app"] = reason
    cluster[0].server.put(*workload("a", "127.0.0.1:1/app:1"))
    one = registries(cluster)["127.0.0.1:1"]
    assert (one.severity, one.object) == ("warning", "127.0.0.1:1 (1 container)")
    assert one.what == (
        f"the webhook can't read 127.0.0.1:1/app:1 ({reason}): {sentence}; from here the registry "
        "can't be reached (unreachable)"
    )
    assert one.remedy == remedy


def test_a_registry_that_its_file_says_not_to_ask_is_no_trouble(cluster: Served) -> None:
    cluster[0].unread["app"] = Reason.LOOKUP_OFF
    cluster[0].server.put(*workload("a", "127.0.0.1:1/app:1"))
    one = registries(cluster)["127.0.0.1:1"]
    assert (one.severity, one.remedy) == ("info", "")
    assert one.what == "asking it is switched off in the webhook's registries"


def test_a_pod_that_another_rule_refuses_tells_nothing_of_its_registry(cluster: Served) -> None:
    def refuse(path: str, given: Json) -> tuple[Json, list[str]]:
        if any(each["name"] == "asked" for each in given["spec"]["containers"]):
            raise Refusal(403, "Forbidden", "images come from registry.example.com alone")
        return cluster[0].admit(path, given)

    cluster[0].server.admit = refuse
    cluster[0].server.put(*workload("a", "127.0.0.1:1/app:1"))
    one = registries(cluster)["127.0.0.1:1"]
    assert one.severity == "unknown"
    assert one.what.endswith("images come from registry.example.com alone")


def test_of_many_registries_those_in_most_use_are_asked(cluster: Served) -> None:
    for number in range(26):
        images = [f"r{number}.example.com/app:1"] * (1 if number < 6 else 2)
        cluster[0].server.put(*workload(f"w{number}", *images))
    asked = registries(cluster)
    left = asked.pop("Workloads")
    assert {each.object for each in asked.values()} == {
        f"r{number}.example.com (2 containers)" for number in range(6, 26)
    }
    assert {each.severity for each in asked.values()} == {"ok"}
    assert (left.severity, left.what) == (
        "info",
        (
            "not asked, for there are too many: r0.example.com, r1.example.com, r2.example.com, "
            "r3.example.com, r4.example.com …"
        ),
    )


def test_no_more_than_is_left_out_is_named(cluster: Served) -> None:
    for number in range(21):
        images = [f"r{number:02}.example.com/app:1"] * (1 if number == 9 else 2)
        cluster[0].server.put(*workload(f"w{number:02}", *images))
    left = registries(cluster)["Workloads"]
    assert left.what == "not asked, for there are too many: r09.example.com"


def test_workloads_that_need_no_registry_have_none_asked(cluster: Served) -> None:
    """What gives a command, what the webhook leaves alone, and what no pod can be made of."""
    there = cluster[0]
    there.configure(RUNTIME_CLASSES="wasm*,sealed")
    there.server.put(*workload("sealed", "127.0.0.1:1/app:1", runtimeClassName="sealed"))
    there.server.put(*workload("bad", "NO IMAGE"))
    there.server.put(*workload("many", *["127.0.0.1:1/app:1"] * 1000))
    path, commanded = workload("commanded", "127.0.0.1:1/app:1")
    commanded["spec"]["template"]["spec"]["containers"][0]["command"] = ["/app"]
    there.server.put(path, commanded)
    asked = registries(cluster)
    assert [(each.severity, each.what) for each in asked.values()] == [
        ("ok", "every container gives its command: no registry is needed")
    ]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Registry]]:
    """A registry that can be reached from here, and that nobody's webhook asks."""
    served = Registry()
    with in_thread(served) as host:
        file = tmp_path / "registries.json"
        entry = {"plainHTTP": True, "addresses": "127.0.0.0/8"}
        file.write_text(json.dumps({host.authority: entry}))
        monkeypatch.setenv("INITSHIM_REGISTRIES_FILE", str(file))
        yield host.authority, served


@pytest.mark.parametrize(
    ("gate", "pushed", "severity", "seen"),
    [
        (open_to_all, True, "info", "it answers, without credentials"),
        (basic("u:p"), True, "info", "it answers, and wants credentials"),
        (open_to_all, False, "warning", "the registry has no such image (not-found)"),
    ],
    ids=["open", "closed", "missing"],
)
def test_where_the_webhook_does_not_work_a_registry_is_asked_from_here(
    cluster: Served,
    registry: tuple[str, Registry],
    gate: Gate,
    pushed: bool,
    severity: str,
    seen: str,
) -> None:
    authority, served = registry
    served.gate = gate
    if pushed:
        served.push_index("team/app", "1", {"amd64": config_bytes(["/app"])})
    image = f"{authority}/team/app:1"
    cluster[0].server.put(*workload("a", image))
    cluster[0].failure = "context deadline exceeded"
    one = registries(cluster)[authority]
    assert (one.severity, one.what) == (
        severity,
        f"{image} asked from here, which is not the webhook's network: {seen}",
    )
    assert one.remedy == ("" if severity == "info" else f"initshim entrypoint {image}")


def test_a_registry_that_answers_here_and_not_the_webhook_is_told_apart(
    cluster: Served, registry: tuple[str, Registry]
) -> None:
    """The webhook's way to it is what wants mending, not the registry."""
    authority, served = registry
    served.push_index("team/app", "1", {"amd64": config_bytes(["/app"])})
    cluster[0].unread["team/app"] = Reason.TIMED_OUT
    cluster[0].server.put(*workload("a", f"{authority}/team/app:1"))
    assert registries(cluster)[authority].what == (
        f"the webhook can't read {authority}/team/app:1 (timed-out): the registry did not answer "
        "in time; from here it answers, without credentials"
    )
