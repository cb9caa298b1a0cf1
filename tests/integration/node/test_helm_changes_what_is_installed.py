"""upgrade, rollback and uninstall with pods that run; both deliveries; an image that is not there.

The installation is as it was after each test: others share it.
"""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.integration.node import images, options
from tests.integration.node.cluster import BOX, Cluster
from tests.integration.node.layout import PRIVATE_REGISTRY

Json = dict[str, Any]
VOLUME_METRIC = "initshim_image_volumes"
NUMBERS = count()
MINOR = int(options.kubelet_minor().partition(".")[2])
DELIVERIES = ["initContainer"] if MINOR < 35 else ["initContainer", "imageVolume"]
mounts_images = pytest.mark.skipif(MINOR < 35, reason="Kubernetes mounts images from 1.35 on")
has_policies = pytest.mark.skipif(
    int(options.minor().partition(".")[2]) < 36,
    reason="Kubernetes has admission policies from 1.36",
)


@pytest.fixture
def as_before(cluster: Cluster) -> Iterator[None]:
    """The installation of all other tests, whatever a test does with it."""
    yield
    if "initshim" in cluster.helm("list", "-n", "initshim", "-q"):
        cluster.upgrade()
    else:
        cluster.install(images.values_file(cluster.node.layout))


def delivered(pod: Json) -> str:
    """Say how a pod got the reaper."""
    if any(each["name"] == "initshim" for each in pod["spec"].get("initContainers", ())):
        return "initContainer"
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    return "imageVolume" if "image" in volumes.get("initshim", {}) else "not at all"


def made(cluster: Cluster, namespace: str, name: str, **spec: Any) -> str:
    """Make a pod that runs, and say how it got the reaper."""
    cluster.run(namespace, name, "/bin/leaker", **spec)
    return delivered(cluster.running(namespace, name))


def metric(cluster: Cluster, name: str) -> set[str]:
    """Read a metric of each webhook that stays, by the API server's proxy."""
    found = set()
    for pod in cluster.pods("initshim"):
        labels, ends = pod["metadata"]["labels"], "deletionTimestamp" in pod["metadata"]
        if labels.get("app.kubernetes.io/component") == "webhook" and not ends:
            path = f"/api/v1/namespaces/initshim/pods/{pod['metadata']['name']}:8080/proxy/metrics"
            text = cluster.kubectl("get", "--raw", path, check=False)
            found |= {line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")}
    return found


@mounts_images
@pytest.mark.usefixtures("as_before")
def test_auto_mounts_images_where_the_nodes_can(cluster: Cluster, shop: str) -> None:
    """Upgraded and rolled back with a pod that runs: that stays as it was all the time."""
    assert made(cluster, shop, "before") == "initContainer"
    before = cluster.pod(shop, "before")["status"]["containerStatuses"]
    cluster.upgrade("delivery=auto")
    cluster.until(lambda: metric(cluster, VOLUME_METRIC) == {"1.0"})
    assert made(cluster, shop, "volume") == "imageVolume"
    assert cluster.kubectl("-n", shop, "exec", "volume", "--", "cat", "/proc/1/comm").startswith(
        "init"
    )
    cluster.until(lambda: cluster.zombies(shop, "volume") == 0)
    status = cluster.pod(shop, "volume")["metadata"]["annotations"]["initshim.dev/status"]
    assert json.loads(status)["delivery"] == "imageVolume"
    assert made(cluster, shop, "own-ids", hostUsers=True) == "imageVolume"
    said = cluster.kubectl(
        "-n", "initshim", "logs", "-l", "app.kubernetes.io/component=webhook", "--tail=-1"
    )
    assert '"delivery-chosen"' in said

    cluster.helm("rollback", "initshim", "-n", "initshim")
    cluster.rolled_out()
    assert made(cluster, shop, "after") == "initContainer"
    assert cluster.pod(shop, "before")["status"]["containerStatuses"] == before


@pytest.mark.skipif(MINOR >= 35, reason="this node can mount images")
@pytest.mark.usefixtures("as_before")
def test_auto_takes_the_init_container_where_a_node_is_older(cluster: Cluster, shop: str) -> None:
    cluster.upgrade("delivery=auto")
    cluster.until(lambda: metric(cluster, "initshim_nodes_without_image_volumes") == {"1.0"})
    assert metric(cluster, VOLUME_METRIC) == {"0.0"}
    assert made(cluster, shop, "x") == "initContainer"
    status = cluster.pod(shop, "x")["metadata"]["annotations"]["initshim.dev/status"]
    assert json.loads(status)["delivery"] == "initContainer"
    found = json.loads(cluster.initshim("doctor", "-o", "json"))["findings"]
    said = [each["what"] for each in found if each["check"] == "nodes"]
    assert any(f"its kubelet is v1.{MINOR}" in each for each in said), said


@mounts_images
@pytest.mark.usefixtures("as_before")
def test_pods_with_image_volumes_end_as_they_did(cluster: Cluster, shop: str) -> None:
    cluster.upgrade("delivery=imageVolume")
    cluster.run(shop, "x", "sh", "-c", "exit 42", restartPolicy="Never")
    assert cluster.ended(shop, "x")["exitCode"] == 42
    assert delivered(cluster.pod(shop, "x")) == "imageVolume"


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_reaper_that_cannot_be_pulled_is_found_by_both_commands(
    cluster: Cluster, shop: str, delivery: str
) -> None:
    cluster.upgrade(f"delivery={delivery}", "reaperImage.tag=absent")
    cluster.run(shop, "x", "/bin/idle")

    def waits() -> bool:
        status = cluster.pod(shop, "x")["status"]
        listed = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        reasons = {each["state"].get("waiting", {}).get("reason") for each in listed}
        return bool(reasons & {"ImagePullBackOff", "ErrImagePull"})

    cluster.until(waits)
    audited = cluster.initshim("audit", "-n", shop)
    assert "1 stuck" in audited
    assert "can't be pulled" in audited
    found = json.loads(cluster.initshim("doctor", "-o", "json", "--namespace", shop))["findings"]
    [pods] = [each for each in found if each["check"] == "pods"]
    assert pods["severity"] == "error"
    assert "initshim/reaper:absent can't be pulled" in pods["what"]
    assert "reaperImage" in pods["remedy"]


def read_only(cluster: Cluster, namespace: str, name: str, policy: str) -> None:
    """Make a pod whose init container can't write: what a later webhook does to every mount."""
    app = {"name": "app", "image": BOX, "command": ["/bin/idle"]}
    metadata = {"name": name, "namespace": namespace}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    spec = {"containers": [app], "restartPolicy": policy}
    words = ("create", "--dry-run=server", "-o", "json", "-f", "-")
    wrapped = json.loads(cluster.kubectl(*words, stdin=json.dumps({**pod, "spec": spec})))
    [ours] = wrapped["spec"]["initContainers"]
    for mount in ours["volumeMounts"]:
        mount["readOnly"] = True
    annotations = wrapped["metadata"]["annotations"]
    cluster.apply(
        {**pod, "metadata": {**metadata, "annotations": annotations}, "spec": wrapped["spec"]}
    )


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    ("fails", "policy", "words"),
    [
        ("a volume that can't be written to", "Always", "Read-only file system"),
        ("a volume that can't be written to", "Never", "Read-only file system"),
        ("an image of another machine", "Always", "exec format error"),
    ],
)
def test_an_init_container_that_fails_is_found_by_both_commands(
    cluster: Cluster, shop: str, fails: str, policy: str, words: str
) -> None:
    if "volume" in fails:
        read_only(cluster, shop, "x", policy)
    else:
        cluster.upgrade(f"reaperImage.repository={images.FOREIGN}")
        cluster.run(shop, "x", "/bin/idle", restartPolicy=policy)

    def failed() -> bool:
        listed = cluster.pod(shop, "x")["status"].get("initContainerStatuses") or [{}]
        states = (listed[0].get("state") or {}, listed[0].get("lastState") or {})
        return any((each.get("terminated") or {}).get("exitCode") for each in states)

    cluster.until(failed)
    audited = cluster.initshim("audit", "-n", shop)
    assert "1 stuck" in audited
    assert "the init container initshim fails (exit code" in audited
    assert f"kubectl -n {shop} logs x -c initshim" in audited
    found = json.loads(cluster.initshim("doctor", "-o", "json", "--namespace", shop))["findings"]
    [pods] = [each for each in found if each["check"] == "pods"]
    assert (pods["severity"], pods["object"]) == ("error", f"Pod {shop}/x")
    assert "the init container initshim fails" in pods["what"]
    # What could not even be executed says so in its log alone: thither leads the remedy.
    assert words in pods["what"] + cluster.kubectl("-n", shop, "logs", "x", "-c", "initshim")


@pytest.mark.usefixtures("as_before")
def test_with_the_right_a_private_image_is_wrapped(cluster: Cluster, shop: str) -> None:
    """The pod's own pull secret tells the webhook what the node will run."""
    cluster.make_pull_secret(shop, "puller")
    cluster.upgrade(f"registry.pullSecretNamespaces={{{shop}}}")
    image = {"image": f"{PRIVATE_REGISTRY}/entry:1"}
    cluster.run(shop, "x", container=image, imagePullSecrets=[{"name": "puller"}])
    cluster.running(shop, "x")
    said = cluster.kubectl("-n", shop, "logs", "x")
    assert " ppid 1 " in said
    assert "argv [/bin/leaker] [from-cmd]" in said


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_trial_pod_tells_of_an_air_gap_before_a_namespace_is_labelled(
    cluster: Cluster, plain: str, delivery: str
) -> None:
    words = ("doctor", "--run-pod", "--namespace", plain, "-o", "json")

    def tried() -> Json:
        listed = json.loads(cluster.initshim(*words))["findings"]
        [finding] = [each for each in listed if each["check"] == "trial"]
        found: Json = finding
        return found

    cluster.upgrade(f"delivery={delivery}")
    assert tried()["severity"] == "ok"
    cluster.upgrade(f"delivery={delivery}", "reaperImage.tag=absent")
    found = tried()
    assert found["severity"] == "error"
    assert "can't be pulled" in found["what"]
    cluster.until(lambda: cluster.pods(plain) == [])


@has_policies
@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_trial_pod_runs_where_only_a_policy_is_installed(
    cluster: Cluster, shop: str, delivery: str
) -> None:
    """Image and delivery are read from the policy; the registry is the cluster's own."""
    nobody_asks = "registries=null"
    cluster.upgrade_without_pods("engine=policy", nobody_asks, f"delivery={delivery}")
    words = ("doctor", "--run-pod", "--namespace", shop, "-o", "json")
    listed = json.loads(cluster.initshim(*words))["findings"]
    [finding] = [each for each in listed if each["check"] == "trial"]
    assert finding["severity"] == "ok"
    assert "pulled the reaper's image" in finding["what"]
    cluster.until(lambda: cluster.pods(shop) == [])
    cluster.until(lambda: made(cluster, shop, f"x{next(NUMBERS)}") == delivery, patience=60)


@pytest.mark.usefixtures("as_before")
def test_after_uninstalling_pods_run_on_and_audit_says_what_is_missing(
    cluster: Cluster, shop: str
) -> None:
    made(cluster, shop, "x")
    cluster.helm("uninstall", "initshim", "-n", "initshim", "--wait")
    before = cluster.pod(shop, "x")["status"]["containerStatuses"]
    cluster.run(shop, "bare", "/bin/leaker")
    assert delivered(cluster.running(shop, "bare")) == "not at all"
    said = cluster.initshim("audit", "-n", shop)
    assert "not installed" in said
    assert "create it again" not in said
    assert cluster.pod(shop, "x")["status"]["containerStatuses"] == before
    # A container of a wrapped pod that is killed comes back by what the pod has.
    cluster.kubectl("-n", shop, "exec", "x", "--", "killall", "-9", "leaker", check=False)

    def again() -> bool:
        [status] = cluster.pod(shop, "x")["status"]["containerStatuses"]
        return bool(status["restartCount"] > 0 and status["ready"])

    cluster.until(again)
    assert cluster.kubectl("-n", shop, "exec", "x", "--", "cat", "/proc/1/comm").startswith("init")


@pytest.mark.usefixtures("as_before")
def test_a_first_install_is_ready_without_an_event(cluster: Cluster) -> None:
    """No Secret, no record of a CA: still nobody is told that it is unhealthy."""
    cluster.helm("uninstall", "initshim", "-n", "initshim", "--wait")
    cluster.kubectl("-n", "initshim", "delete", "secrets", "--all")
    cluster.kubectl("-n", "initshim", "delete", "events", "--all")
    cluster.install(images.values_file(cluster.node.layout))
    words = ("-n", "initshim", "get", "events", "--field-selector", "reason=Unhealthy")
    said = cluster.kubectl(*words)  # of the pods before, too, which drain
    for pod in cluster.pods("initshim"):
        assert pod["metadata"]["name"] not in said
    cluster.helm("test", "initshim", "-n", "initshim")


@pytest.mark.usefixtures("as_before")
def test_a_namespace_that_is_not_there_stops_before_anything_is_made(cluster: Cluster) -> None:
    """Issue 17: `registry.pullSecretNamespaces` naming it left half an installation."""
    cluster.helm("uninstall", "initshim", "-n", "initshim", "--wait")
    with pytest.raises(AssertionError, match="nowhere"):
        cluster.install(
            images.values_file(cluster.node.layout), "registry.pullSecretNamespaces={nowhere}"
        )
    kinds = "mutatingwebhookconfigurations"
    assert "No resources found" in cluster.kubectl("get", kinds)
