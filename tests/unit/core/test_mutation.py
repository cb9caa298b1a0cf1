"""Semantics §4: what the pod must not notice, and what a second pass mends."""

import copy
import json
from typing import Any

import pytest

from tests.unit.core.pipeline import DELIVERY, World, as_stored, check_laws, mutate
from webhook.core import mutation, patch, policy
from webhook.core.annotations import DEFAULT_CONTAINER, STATUS
from webhook.core.argv import ImageConfig
from webhook.core.mutation import Delivery
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules

GUARANTEED = {
    "limits": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "2Gi"},
    "requests": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "2Gi"},
}


def pod(*containers: Json, **spec: Any) -> Json:
    app = {"name": "web", "image": "app", "command": ["/app"]}
    return {"metadata": {"name": "x"}, "spec": {"containers": list(containers) or [app], **spec}}


def mutated(before: Json, world: World | None = None) -> Json:
    return check_laws(before, world or World()).after


def init_of(after: Json) -> Json:
    first: Json = after["spec"]["initContainers"][0]
    assert first["name"] == "initshim"
    return first


def test_one_container_gets_all_that_it_needs_and_nothing_more() -> None:
    assert mutated(pod()) == {
        "metadata": {
            "name": "x",
            "annotations": {
                DEFAULT_CONTAINER: "web",
                STATUS: '{"version":"1.0.0","wrapped":["web"],"skipped":{}}',
            },
        },
        "spec": {
            "containers": [
                {
                    "name": "web",
                    "image": "app",
                    "command": ["/.initshim/init", "--", "/app"],
                    "volumeMounts": [
                        {"name": "initshim", "mountPath": "/.initshim", "readOnly": True}
                    ],
                }
            ],
            "volumes": [{"name": "initshim", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}],
            "initContainers": [
                {
                    "name": "initshim",
                    "image": "registry.example.com/initshim/reaper:1.0.0",
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/init", "--install", "/.initshim/init"],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                        "runAsNonRoot": True,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "volumeMounts": [{"name": "initshim", "mountPath": "/.initshim"}],
                }
            ],
        },
    }


def test_kubectl_takes_the_container_that_it_took_before_and_says_nothing() -> None:
    """It names all containers where a pod has more than one, unless an annotation names one."""

    def named(before: Json, world: World | None = None) -> str | None:
        name: str | None = mutated(before, world)["metadata"]["annotations"].get(DEFAULT_CONTAINER)
        return name

    other = {"name": "other", "image": "app", "command": ["/app"]}
    chosen = {**pod(), "metadata": {"annotations": {DEFAULT_CONTAINER: "mine"}}}
    assert named(pod()) == "web"
    assert named(chosen) == "mine"
    assert named(pod(other, {**other, "name": "more"})) is None  # it has always said so
    assert named(pod(initContainers=[{"name": "once", "image": "app"}])) is None
    as_volume = World(delivery=Delivery("reaper:1", "1.0", as_volume=True))
    assert named(pod(), as_volume) is None  # still one container


def test_the_init_container_asks_for_what_the_first_wrapped_container_asks_for() -> None:
    """Semantics §4, QoS and quota: never extended resources or claims."""
    asked = {
        "limits": {**GUARANTEED["limits"], "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"},
        "requests": {**GUARANTEED["requests"], "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"},
        "claims": [{"name": "gpu"}],
    }
    first = {"name": "a", "command": ["tini"], "resources": {"limits": {"cpu": "9"}}}
    second = {"name": "b", "command": ["b"], "resources": asked}
    assert init_of(mutated(pod(first, second)))["resources"] == GUARANTEED


@pytest.mark.parametrize(
    "nothing", [{}, {"resources": {}}, {"resources": None}, {"resources": {"limits": {"x/y": "1"}}}]
)
def test_it_asks_for_nothing_where_that_asks_for_nothing(nothing: Json) -> None:
    assert "resources" not in init_of(mutated(pod({"name": "a", "command": ["a"], **nothing})))


def test_it_asks_for_what_a_native_sidecar_asks_for_where_only_that_is_wrapped() -> None:
    app = {"name": "a", "command": ["tini"], "resources": GUARANTEED}
    sidecar = {
        "name": "proxy",
        "command": ["p"],
        "restartPolicy": "Always",
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
    }
    after = mutated(pod(app, initContainers=[sidecar]))
    assert init_of(after)["resources"] == {"limits": {"cpu": "100m", "memory": "64Mi"}}


@pytest.mark.parametrize(
    ("security", "user"),
    [({"runAsUser": 0}, 65532), ({"runAsUser": 1000}, None), ({}, None), (None, None)],
)
def test_it_runs_as_a_user_of_its_own_only_where_the_pod_is_root(
    security: Json | None, user: int | None
) -> None:
    """Semantics §4, Pod Security: `runAsNonRoot` would refuse a pod-wide `runAsUser: 0`."""
    context = init_of(mutated(pod(securityContext=security)))["securityContext"]
    assert context.get("runAsUser") == user
    assert context["runAsNonRoot"] is True


def test_the_pods_token_is_kept_out_of_the_init_container() -> None:
    """Else the API server mounts it, and has the pod reviewed again for that."""
    place = "/var/run/secrets/kubernetes.io/serviceaccount"
    token = {"name": "kube-api-access-x", "mountPath": place, "readOnly": True}
    app = {"name": "web", "image": "app", "command": ["/app"], "volumeMounts": [token]}
    assert init_of(mutated(pod(app)))["volumeMounts"] == [
        {"name": "initshim", "mountPath": "/.initshim"},
        {"name": "initshim", "mountPath": place, "readOnly": True},
    ]
    assert len(init_of(mutated(pod()))["volumeMounts"]) == 1


def test_it_comes_before_native_sidecars() -> None:
    """Semantics §4, order."""
    inits = [{"name": "proxy", "command": ["p"], "restartPolicy": "Always"}, {"name": "migrate"}]
    after = mutated(pod(initContainers=inits))
    assert [each["name"] for each in after["spec"]["initContainers"]] == [
        "initshim",
        "proxy",
        "migrate",
    ]


def test_an_image_volume_needs_no_init_container() -> None:
    """Semantics §6, image volumes: no quota, QoS or start-up cost."""
    delivery = Delivery(DELIVERY.image, "1.0.0", pull_policy="Always", as_volume=True)
    after = mutated(pod(), World(delivery=delivery))
    assert "initContainers" not in after["spec"]
    assert after["spec"]["volumes"] == [
        {"name": "initshim", "image": {"reference": DELIVERY.image, "pullPolicy": "Always"}}
    ]


def test_another_termination_message_path_is_told_to_the_reaper() -> None:
    """Semantics §1: so that `kubectl describe pod` shows why the program did not start."""
    web = {"name": "web", "command": ["/app"], "terminationMessagePath": "/var/$(X)"}
    after = mutated(pod(web))
    assert after["spec"]["containers"][0]["command"] == [
        "/.initshim/init",
        "-t",
        "/var/$$(X)",
        "--",
        "/app",
    ]


def test_null_fields_are_filled_and_others_stay_null() -> None:
    before = {
        "metadata": {"annotations": None, "labels": None},
        "spec": {
            "containers": [
                {"name": "web", "image": "app", "command": None, "args": None, "volumeMounts": None}
            ],
            "volumes": None,
            "initContainers": None,
            "affinity": None,
        },
    }
    after = mutated(before, World({"app": ImageConfig(("/app",), ("x",))}))
    assert after["spec"]["containers"][0]["args"] == ["x"]
    assert after["metadata"]["labels"] is None
    assert after["spec"]["affinity"] is None


def test_without_metadata_there_is_one_afterwards() -> None:
    assert STATUS in mutated({"spec": pod()["spec"]})["metadata"]["annotations"]
    assert STATUS in mutated({"metadata": None, "spec": pod()["spec"]})["metadata"]["annotations"]


def test_a_pod_with_nothing_to_wrap_is_the_same_object() -> None:
    before = pod({"name": "web", "command": ["tini"]})
    assert mutate(before, World()).after is before
    assert mutate(before, World()).patch == []


def test_a_container_that_nobody_looked_up_counts_as_left_alone() -> None:
    before = Pod(pod({"name": "web", "image": "app"}, {"name": "log", "command": ["l"]}))
    operations = mutation.operations(before, policy.plan(before, ClusterRules()), DELIVERY)
    after = patch.apply(before.raw, operations)
    assert after["spec"]["containers"][0] is before.raw["spec"]["containers"][0]
    assert json.loads(after["metadata"]["annotations"][STATUS])["wrapped"] == ["log"]


def test_two_containers_of_one_name_are_both_wrapped() -> None:
    twins = [{"name": "web", "command": ["/a"]}, {"name": "web", "command": ["/b"]}]
    after = mutated(pod(*twins))
    assert [each["command"][-1] for each in after["spec"]["containers"]] == ["/a", "/b"]


# --- a second pass, by this version, another one, or after other webhooks


def test_a_sidecar_added_by_a_later_webhook_is_wrapped_and_the_rest_is_left() -> None:
    """Semantics §4, unknown fields: `reinvocationPolicy: IfNeeded`."""
    first = as_stored(mutated(pod()))
    first["spec"]["containers"].append({"name": "proxy", "command": ["/proxy"]})
    outcome = mutate(first, World())
    assert [operation["path"] for operation in outcome.patch] == [
        "/spec/containers/1/command",
        "/spec/containers/1/volumeMounts",
        "/metadata/annotations/initshim.dev~1status",
    ]
    assert outcome.status == {"version": "1.0.0", "wrapped": ["web", "proxy"], "skipped": {}}


def test_a_sidecar_put_before_ours_is_put_behind_ours() -> None:
    """A mesh makes its native sidecar the first init container: it would start without reaper."""
    first = mutated(pod(initContainers=[{"name": "migrate", "command": ["m"]}]))
    proxy = {"name": "istio-proxy", "command": ["pilot-agent"], "restartPolicy": "Always"}
    first["spec"]["initContainers"].insert(0, proxy)
    after = mutated(first)
    assert [each["name"] for each in after["spec"]["initContainers"]] == [
        "initshim",
        "istio-proxy",
        "migrate",
    ]


def test_an_init_container_that_is_not_wrapped_may_stay_before_ours() -> None:
    first = mutated(pod())
    first["spec"]["initContainers"].insert(0, {"name": "istio-validation", "image": "istio"})
    outcome = mutate(first, World())
    assert outcome.after["spec"] == first["spec"]
    assert outcome.status is not None
    assert outcome.status["skipped"] == {"istio-validation": "init-container"}


def test_resources_changed_by_a_later_webhook_are_followed() -> None:
    """Or a vertical autoscaler that makes a pod Guaranteed would see it Burstable."""
    first = as_stored(mutated(pod({"name": "web", "command": ["/app"], "resources": {}})))
    first["spec"]["containers"][0]["resources"] = GUARANTEED
    assert init_of(mutate(first, World()).after)["resources"] == GUARANTEED
    first["spec"]["initContainers"][0]["resources"] = copy.deepcopy(GUARANTEED)
    first["spec"]["containers"][0]["resources"] = {}
    assert init_of(mutate(first, World()).after)["resources"] == {}


@pytest.mark.parametrize("lost", ["volume", "mount", "init container", "status", "all"])
def test_a_wrapped_container_gets_back_what_it_lost(lost: str) -> None:
    """Semantics §6: a mutated pod that is created again is recognised by content."""
    whole = mutated(pod())
    pruned = copy.deepcopy(whole)
    if lost in ("volume", "all"):
        pruned["spec"]["volumes"] = []
    if lost in ("mount", "all"):
        del pruned["spec"]["containers"][0]["volumeMounts"]
    if lost in ("init container", "all"):
        pruned["spec"]["initContainers"] = None
    if lost in ("status", "all"):
        del pruned["metadata"]["annotations"][STATUS]
    assert mutate(pruned, World()).after == whole


def test_a_copy_whose_command_was_replaced_is_wrapped_again() -> None:
    """`kubectl debug --copy-to … -- sh` keeps mounts and init container."""
    copied = as_stored(mutated(pod()))
    copied["spec"]["containers"][0]["command"] = ["sh"]
    outcome = check_laws(copied, World())
    assert [operation["path"] for operation in outcome.patch] == ["/spec/containers/0/command"]
    assert outcome.patch[0]["value"] == ["/.initshim/init", "--", "sh"]


def test_another_version_leaves_what_an_earlier_one_made() -> None:
    first = mutated(pod())
    newer = World(delivery=Delivery("registry.example.com/initshim/reaper:2.0.0", "2.0.0"))
    assert mutate(first, newer).patch == []
    as_volume = World(delivery=Delivery("reaper:2", "2.0.0", as_volume=True))
    assert mutate(first, as_volume).patch == []


def test_a_forged_status_is_corrected() -> None:
    """Recognised by content, not by annotation alone."""
    for forged in ("", "no json", "[" * 5000, '{"version":"1.0.0","wrapped":["web"]}', "[]"):
        before = pod()
        before["metadata"]["annotations"] = {STATUS: forged}
        assert json.loads(mutated(before)["metadata"]["annotations"][STATUS])["wrapped"] == ["web"]
        again = mutated(pod())
        again["metadata"]["annotations"][STATUS] = forged
        assert json.loads(mutated(again)["metadata"]["annotations"][STATUS])["skipped"] == {}


def test_the_status_tells_the_version_that_made_the_last_change() -> None:
    before = pod()
    before["metadata"]["annotations"] = {STATUS: '{"version":"0.1","wrapped":["web"],"skipped":{}}'}
    assert json.loads(mutated(before)["metadata"]["annotations"][STATUS])["version"] == "1.0.0"
    again = mutated(pod())
    again["metadata"]["annotations"][STATUS] = before["metadata"]["annotations"][STATUS]
    assert mutate(again, World()).patch == []


def test_what_is_skipped_stands_in_the_status_with_its_reason() -> None:
    inits = [{"name": "migrate", "command": ["m"]}]
    own = {"name": "own", "command": ["tini"]}
    outcome = mutate(pod({"name": "web", "command": ["w"]}, own, initContainers=inits), World())
    assert outcome.status == {
        "version": "1.0.0",
        "wrapped": ["web"],
        "skipped": {"own": "has-init", "migrate": "init-container"},
    }


@pytest.mark.parametrize("as_volume", [True, False])
def test_where_nodes_decide_the_status_says_how_the_reaper_came(as_volume: bool) -> None:
    chosen = Delivery(DELIVERY.image, "1.0.0", as_volume=as_volume, by_nodes=True)
    expected = "imageVolume" if as_volume else "initContainer"
    after = mutated(pod(), World(delivery=chosen))
    assert json.loads(after["metadata"]["annotations"][STATUS])["delivery"] == expected
    # Nodes change: what the pod got stays, and so does its status.
    for later in (not as_volume, as_volume):
        other = Delivery(DELIVERY.image, "1.0.0", as_volume=later, by_nodes=True)
        assert mutate(after, World(delivery=other)).patch == []
    assert mutate(after, World()).patch == []


def test_a_pod_of_the_policy_is_left_as_it_is_where_nodes_decide() -> None:
    by_policy = mutated(pod())
    chosen = World(delivery=Delivery(DELIVERY.image, "1.0.0", by_nodes=True))
    assert mutate(by_policy, chosen).patch == []
