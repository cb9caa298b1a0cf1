"""Real kubectl: rehearsals, warnings, opting out, copies for debugging, subresources."""

import json

import pytest

from tests.integration.controlplane.controllers import OPT_IN, Json, create, namespace
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from webhook.core.argv import INIT

OPTED_OUT = {"initshim.dev/inject": "false"}


def manifest(name: str, where: str, **metadata: object) -> str:
    container = {"name": "web", "image": "web", "command": ["/web", "$(HOME)"]}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": where, **metadata},
            "spec": {"containers": [container]},
        }
    )


def stored(plane: ControlPlane, where: str, name: str) -> Json:
    pod: Json = json.loads(plane.kubectl("get", "pod", name, "-n", where, "-o", "json").stdout)
    return pod


def commands(pod: Json) -> list[list[str]]:
    return [each.get("command", []) for each in pod["spec"]["containers"]]


def test_a_rehearsal_on_the_server_shows_the_wrapped_pod_and_keeps_nothing(
    plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    words = ("apply", "--dry-run=server", "-o", "json", "-f", "-")
    shown = json.loads(plane.kubectl(*words, stdin=manifest("tried", where)).stdout)
    assert commands(shown) == [[INIT, "--", "/web", "$(HOME)"]]
    assert plane.kubectl("get", "pod", "tried", "-n", where, check=False).returncode != 0


def test_kubectl_shows_the_warning_that_names_container_reason_and_remedy(
    plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    words = ("run", "lost", "-n", where, "--image", "registry.example.com/lost/nowhere:1")
    done = plane.kubectl(*words)
    assert (
        "Warning: initshim left lost alone (not-found):"
        " set `command:` or annotate initshim.dev/entrypoint.lost" in done.stderr
    )
    assert "pod/lost created" in done.stdout


@pytest.mark.parametrize("by", ["annotations", "labels"])
def test_opting_out_costs_no_call(
    by: str, plane: ControlPlane, release: Release, name: str
) -> None:
    """The API server's own count, and ours."""
    release.wants()
    where = namespace(plane, name, **OPT_IN)

    def calls() -> tuple[float, float]:
        counted = plane.metric(
            "apiserver_admission_webhook_request_total", name="inject.initshim.dev"
        )
        return counted, release.reviews()

    def excluded() -> float:
        return plane.metric(
            "apiserver_admission_match_condition_exclusions_total", name="inject.initshim.dev"
        )

    before, kept = calls(), excluded()
    plane.kubectl("apply", "-f", "-", stdin=manifest("out", where, **{by: OPTED_OUT}))
    assert calls() == before
    assert excluded() > kept
    assert commands(stored(plane, where, "out")) == [["/web", "$(HOME)"]]
    plane.kubectl("apply", "-f", "-", stdin=manifest("in", where))
    assert calls() > before, "the case proves nothing: nobody counts"


def test_a_pod_costs_one_call_and_its_token_is_not_ours(
    plane: ControlPlane, release: Release, name: str
) -> None:
    """The ServiceAccount plugin runs again behind us; what it changed would be a second call."""
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    before = release.reviews()
    plane.kubectl("apply", "-f", "-", stdin=manifest("once", where))
    assert release.reviews() - before == 1
    spec = stored(plane, where, "once")["spec"]
    tokens = [each["name"] for each in spec["volumes"] if "kube-api-access" in each["name"]]
    mounts = {
        each["name"]: {mount["name"] for mount in each["volumeMounts"]}
        for each in (*spec["initContainers"], *spec["containers"])
    }
    assert mounts == {"initshim": {"initshim"}, "web": {"initshim", *tokens}}


def test_the_audit_log_says_which_pods_were_changed(
    plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    plane.kubectl("apply", "-f", "-", stdin=manifest("seen", where))
    [entry] = [
        each
        for each in plane.audit()
        if each["verb"] == "create"
        and each.get("objectRef", {}).get("resource") == "pods"
        and each["objectRef"]["namespace"] == where
    ]
    audited = {key: text for key, text in entry["annotations"].items() if "webhook" in key}
    assert any('"mutated":true' in text for text in audited.values()), audited


def test_a_copy_for_debugging_is_wrapped_once(
    plane: ControlPlane, release: Release, name: str
) -> None:
    """`kubectl debug --copy-to` creates the mutated pod again, here with another image."""
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    plane.kubectl("apply", "-f", "-", stdin=manifest("web", where))
    copy = ("debug", "web", "-n", where, "--copy-to", "copy", "--attach=false", "--profile=general")
    plane.kubectl(*copy, "--set-image", "*=other")
    pod, first = stored(plane, where, "copy"), stored(plane, where, "web")
    assert [each["image"] for each in pod["spec"]["containers"]] == ["other"]
    assert commands(pod) == commands(first) == [[INIT, "--", "/web", "$(HOME)"]]
    assert [each["name"] for each in pod["spec"]["initContainers"]] == ["initshim"]
    volumes = [each["name"] for each in pod["spec"]["volumes"]]
    assert volumes.count("initshim") == 1


@pytest.mark.parametrize("shared", [True, False])
def test_a_debug_shell_in_a_copy_is_wrapped_unless_it_shares_the_copys_processes(
    shared: bool, plane: ControlPlane, release: Release, name: str
) -> None:
    """kubectl shares them by default; then the pause container reaps."""
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    plane.kubectl("apply", "-f", "-", stdin=manifest("web", where))
    words = ("debug", "web", "-n", where, "--copy-to", "copy", "--attach=false")
    options = (
        "--profile=general",
        f"--share-processes={str(shared).lower()}",
        "--image=busybox:1.37",
    )
    plane.kubectl(*words, *options, "-c", "dbg", "--", "sh", "-x")
    pod = stored(plane, where, "copy")
    web, shell = pod["spec"]["containers"]
    assert web["command"] == [INIT, "--", "/web", "$(HOME)"]
    assert shell["command"] == (["sh", "-x"] if shared else [INIT, "--", "sh", "-x"])
    assert [each["name"] for each in pod["spec"]["initContainers"]] == ["initshim"]


def test_an_ephemeral_container_is_not_touched(
    plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    plane.kubectl("apply", "-f", "-", stdin=manifest("web", where))
    before, reviews = stored(plane, where, "web"), release.reviews()
    words = ("debug", "web", "-n", where, "--image", "busybox", "-c", "dbg", "--attach=false")
    plane.kubectl(*words, "--profile=general", "--", "sh")
    after = stored(plane, where, "web")
    [ephemeral] = after["spec"].pop("ephemeralContainers")
    assert ephemeral["command"] == ["sh"]
    assert after["spec"] == before["spec"]
    assert release.reviews() == reviews


def test_a_resize_is_not_touched(plane: ControlPlane, release: Release, name: str) -> None:
    release.wants()
    if plane.version < (1, 33):
        answer = plane.api.get("/api/v1").json()
        assert "pods/resize" not in {each["name"] for each in answer["resources"]}
        return
    where = namespace(plane, name, **OPT_IN)
    pod = json.loads(manifest("web", where))
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m"}}
    create(plane, where, pod)
    reviews = release.reviews()
    patch = {"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "200m"}}}]}}
    words = ("patch", "pod", "web", "-n", where, "--subresource", "resize", "-p", json.dumps(patch))
    plane.kubectl(*words)
    [container] = stored(plane, where, "web")["spec"]["containers"]
    assert container["resources"]["requests"]["cpu"] == "200m"
    assert container["command"][0] == INIT
    assert release.reviews() == reviews


def test_relabelling_a_pod_does_not_call_us(
    plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    plane.kubectl("apply", "-f", "-", stdin=manifest("web", where))
    reviews = release.reviews()
    plane.kubectl("label", "pod", "web", "-n", where, "a=b")
    plane.kubectl("delete", "pod", "web", "-n", where, "--wait=false")
    assert release.reviews() == reviews
