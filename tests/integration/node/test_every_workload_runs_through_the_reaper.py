"""Each kind of workload, with and without `command:`: wrapped, running, and the same program."""

import json
from typing import Any

import pytest

from tests.integration.node.cluster import BOX, Cluster
from tests.integration.node.layout import OPEN_REGISTRY, PRIVATE_REGISTRY

Json = dict[str, Any]
LEAKER = {"name": "app", "image": BOX, "command": ["/bin/leaker"], "args": ["$(WORD)", "$$(WORD)"],
          "env": [{"name": "WORD", "value": "expanded"}]}  # fmt: skip
ENTRY = {"name": "app", "image": f"{OPEN_REGISTRY}/entry:1"}


def template(container: Json, **spec: Any) -> Json:
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container], **spec}}


def workload(kind: str, pod: Json) -> Json:
    selector = {"selector": {"matchLabels": {"app": "x"}}}
    once = {**pod, "spec": {**pod["spec"], "restartPolicy": "Never"}}
    specs: dict[str, tuple[str, Json]] = {
        "Deployment": ("apps/v1", {**selector, "template": pod}),
        "StatefulSet": ("apps/v1", {**selector, "serviceName": "x", "template": pod}),
        "DaemonSet": ("apps/v1", {**selector, "template": pod}),
        "Job": ("batch/v1", {"template": once}),
        "CronJob": (
            "batch/v1",
            {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": once}}},
        ),
    }
    version, spec = specs[kind]
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def first_line(cluster: Cluster, namespace: str) -> str:
    """Wait for a pod that runs, and give what its program says of itself."""
    said: list[str] = []

    def speaks() -> bool:
        for pod in cluster.pods(namespace):
            name = pod["metadata"]["name"]
            log = cluster.kubectl("-n", namespace, "logs", name, "-c", "app", check=False)
            if log.startswith("start "):
                said[:] = [log.splitlines()[0], json.dumps(pod["metadata"]["annotations"])]
        return bool(said)

    cluster.until(speaks)
    assert '\\"wrapped\\":[\\"app\\"]' in said[1]
    return said[0]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])
@pytest.mark.parametrize(
    ("container", "argv"),
    [(LEAKER, "[/bin/leaker] [expanded] [$(WORD)]"), (ENTRY, "[/bin/leaker] [from-cmd]")],
    ids=["command", "image"],
)
def test_a_workload_of_each_kind(
    cluster: Cluster, shop: str, kind: str, container: Json, argv: str
) -> None:
    if (kind, container) == ("CronJob", ENTRY):
        pytest.skip("a CronJob takes a minute to begin: once is enough")
    body = workload(kind, template(container))
    cluster.kubectl("-n", shop, "apply", "-f", "-", stdin=json.dumps(body))
    line = first_line(cluster, shop)
    assert line.endswith(f"argv {argv}")
    assert " ppid 1 " in line


@pytest.mark.parametrize(
    ("more", "argv"),
    [
        ({"image": f"{OPEN_REGISTRY}/entry:1", "args": ["from-pod"]}, "[/bin/leaker] [from-pod]"),
        ({"image": f"{OPEN_REGISTRY}/shell-form:1"}, "[leaker] [shell-form]"),
        ({"image": f"{OPEN_REGISTRY}/non-root:1"}, "uid 1000 "),
        ({"image": f"{OPEN_REGISTRY}/scratch:1"}, "[/leaker] [from-scratch]"),
        ({"image": f"{OPEN_REGISTRY}/entry:1", "tty": True, "stdin": True}, "[from-cmd]"),
        (
            {"image": f"{OPEN_REGISTRY}/entry:1", "securityContext": {"runAsUser": 65534}},
            "uid 65534",
        ),
    ],
    ids=["args-only", "shell-form", "image-user", "scratch", "tty", "pod-user"],
)
def test_images_and_users_of_all_kinds(cluster: Cluster, shop: str, more: Json, argv: str) -> None:
    cluster.run(shop, "x", container=more)
    line = first_line(cluster, shop).rstrip("\r")
    assert argv in line
    assert " ppid 1 " in line


def test_a_private_image_is_read_with_the_pods_pull_secret(cluster: Cluster, shop: str) -> None:
    """By default the webhook reads no secrets: the pod runs all the same, and says why."""
    cluster.make_pull_secret(shop, "puller")
    image = {"image": f"{PRIVATE_REGISTRY}/entry:1"}
    cluster.run(shop, "x", container=image, imagePullSecrets=[{"name": "puller"}])
    cluster.running(shop, "x")
    status = cluster.pod(shop, "x")["metadata"]["annotations"].get("initshim.dev/status", "")
    assert "unauthorized" in status or status == ""


def test_a_native_sidecar_is_wrapped_and_started_first(cluster: Cluster, shop: str) -> None:
    sidecar = {**LEAKER, "name": "side", "restartPolicy": "Always"}
    cluster.run(shop, "x", "/bin/leaker", initContainers=[sidecar])
    pod = cluster.running(shop, "x")
    assert [each["name"] for each in pod["spec"]["initContainers"]] == ["initshim", "side"]
    for name in ("side", "app"):
        assert " ppid 1 " in cluster.kubectl("-n", shop, "logs", "x", "-c", name)


def test_a_job_whose_program_leaves_a_stray_completes(cluster: Cluster, shop: str) -> None:
    container = {"name": "app", "image": BOX, "command": ["sh", "-c", "sleep 1000 & echo done"]}
    body = workload("Job", template(container))
    cluster.kubectl("-n", shop, "apply", "-f", "-", stdin=json.dumps(body))
    done = ("-n", shop, "wait", "job/x", "--for=condition=Complete", "--timeout=120s")
    assert "met" in cluster.kubectl(*done)


def test_pod_security_restricted_admits_it(cluster: Cluster, shop: str) -> None:
    enforce = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", shop, enforce)
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    cluster.run(shop, "x", "/bin/leaker", container={"securityContext": security})
    cluster.running(shop, "x")
    assert cluster.kubectl("-n", shop, "exec", "x", "--", "cat", "/proc/1/comm").startswith("init")
