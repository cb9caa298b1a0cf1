"""doctor --run-pod: what a pod tells that runs the reaper, where a script plays the node."""

import asyncio
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import pytest

import initshim
from tests.fakes.api_server import Refusal, Rule
from tests.unit.cli.doctor.cluster import NEW, Installed
from tests.unit.cli.doctor.diagnosis import (
    Served,
    client_of,
    documented,
    documented_for_a_trial,
    found,
    found_by,
)
from tests.unit.cli.doctor.engines import by_policy
from tests.unit.cli.doctor.rendered import rendered
from webhook.cli.doctor import trial_pod
from webhook.cli.doctor.diagnose import _Checks, _Deadline
from webhook.cli.doctor.finding import Finding, Severity

PULL = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
OVER = {"terminated": {"exitCode": 0}}


def status(init: Any = None, probe: Any = None) -> dict[str, Any]:
    """Write a pod's status as the kubelet does."""
    listed: dict[str, Any] = {}
    if init:
        listed["initContainerStatuses"] = [{"name": "initshim", "state": init}]
    if probe:
        listed["containerStatuses"] = [{"name": "probe", "state": probe}]
    return listed


def plays(there: Installed, states: Sequence[dict[str, Any]]) -> None:
    """Have a node play these states, one a look; the last one stays."""
    left = list(states)

    def play(method: str, path: str) -> None:
        if method == "GET" and "/pods/initshim-doctor-" in path:
            now = left.pop(0) if len(left) > 1 else left[0]
            spec = {**there.server.objects[path]["spec"], "nodeName": "n1"}
            there.server.put(path, {**there.server.objects[path], "status": now, "spec": spec})

    there.server.interfere = play


def watched(there: Installed) -> list[dict[str, Any]]:
    """Give what the specs of pods will have been, at each call to the API server."""
    play = there.server.interfere
    seen: list[dict[str, Any]] = []

    def watch(method: str, path: str) -> None:
        play(method, path)
        seen.extend(deepcopy(there.server.objects[each]["spec"]) for each in pods(there))

    there.server.interfere = watch
    return seen


def tried(cluster: Served, seconds: float = 60, *, check: str = "trial") -> list[Finding]:
    return found_by(check, cluster, seconds=seconds, run_pod=True)


def pods(there: Installed) -> list[str]:
    return [path for path in there.server.objects if "/pods/initshim-doctor" in path]


@pytest.mark.parametrize(
    ("states", "severity", "said"),
    [
        ([{}, status(OVER), status(OVER, OVER)], Severity.OK, "node n1 pulled"),
        ([status(PULL)], Severity.ERROR, "ghcr.io/initshim/reaper"),
        ([status({"terminated": {"exitCode": 1}})], Severity.ERROR, "ended with 1"),
        ([status(OVER, {"terminated": {"exitCode": 128}})], Severity.ERROR, "ended with 128"),
    ],
    ids=["well", "air gap", "init container fails", "an empty mount"],
)
def test_a_node_that_cannot_bring_the_reaper_is_an_error(
    cluster: Served, states: list[dict[str, Any]], severity: Severity, said: str
) -> None:
    plays(cluster[0], states)
    [finding] = tried(cluster)
    assert (finding.severity, said in finding.what) == (severity, True), finding.what
    assert pods(cluster[0]) == []


def test_a_stutter_of_the_registry_is_no_error(cluster: Served) -> None:
    twice = [status(PULL)] * 2
    plays(cluster[0], [*twice, status(), *twice, status(OVER, OVER)])
    [finding] = tried(cluster)
    assert finding.severity is Severity.OK


def test_a_third_time_is_no_stutter(cluster: Served) -> None:
    """A pod that would be let in at the fourth is not waited for: a person waits, too."""
    plays(cluster[0], [*[status(PULL)] * 3, status(OVER, OVER)])
    [finding] = tried(cluster)
    assert finding.severity is Severity.ERROR


def refuses(method: str) -> Callable[[str, str], None]:
    def refuse(asked: str, path: str) -> None:
        created = asked == "POST" and path.endswith("/pods")
        if asked == method and (created or "initshim-doctor-" in path):
            raise Refusal(403, "Forbidden", "not you")

    return refuse


def test_who_may_not_make_pods_is_told(cluster: Served) -> None:
    seen = cluster[0].server
    made: list[str] = []

    def admit(path: str, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        if given["metadata"]["name"].startswith("initshim-doctor-"):
            made.append(path)
            raise Refusal(403, "Forbidden", "not you")
        return cluster[0].admit(path, given)

    seen.admit = admit
    [finding] = tried(cluster)
    assert made
    assert finding.severity is Severity.UNKNOWN


@pytest.mark.parametrize("right", [None, *sorted(documented_for_a_trial(), key=str)], ids=str)
def test_each_of_the_documented_rights_is_needed(cluster: Served, right: Rule | None) -> None:
    there = cluster[0]
    there.configure(DELIVERY="auto")
    there.server.put("/api/v1/nodes/n1", {"status": {"nodeInfo": NEW}})
    there.server.rules = (documented() | documented_for_a_trial()) - {right}
    if right == Rule("create", "pods"):
        there.server.rules.discard(right)  # among the usual ones, too: the rehearsal's
    plays(there, [status(OVER, OVER)])
    said = tried(cluster, check="nodes") + tried(cluster)
    wrong = [each for each in said if each.severity is not Severity.OK]
    assert bool(wrong) is (right is not None)


def test_a_pod_that_stays_is_said(cluster: Served) -> None:
    plays(cluster[0], [status(OVER, OVER)])
    play = cluster[0].server.interfere

    def both(method: str, path: str) -> None:
        refuses("DELETE")(method, path)
        play(method, path)

    cluster[0].server.interfere = both
    said, left = tried(cluster)
    assert said.severity is Severity.OK
    assert left.severity is Severity.WARNING
    assert left.remedy.startswith("kubectl -n shop delete pod initshim-doctor-")


@pytest.mark.parametrize("delivery", ["initContainer", "imageVolume"])
def test_the_pod_gets_the_reaper_as_injected_pods_do(cluster: Served, delivery: str) -> None:
    there = cluster[0]
    there.configure(DELIVERY=delivery)
    plays(there, [status(OVER, OVER)])
    seen = watched(there)
    tried(cluster)
    spec = seen[-1]
    assert ("initContainers" in spec) is (delivery == "initContainer")
    assert ("image" in spec["volumes"][0]) is (delivery == "imageVolume")
    assert spec["containers"][0]["command"] == ["/.initshim/init", "--version"]


@pytest.mark.parametrize("delivery", ["initContainer", "imageVolume"])
def test_without_a_webhook_the_policy_says_how_the_reaper_comes(
    cluster: Served, delivery: str
) -> None:
    there = cluster[0]
    by_policy(there, delivery)
    plays(there, [status(OVER, OVER)])
    seen = watched(there)
    [finding] = tried(cluster)
    assert finding.severity is Severity.OK
    spec = seen[-1]
    volume = spec["volumes"][0].get("image")
    named = volume["reference"] if volume else spec["initContainers"][0]["image"]
    assert bool(volume) is (delivery == "imageVolume")
    assert named == f"ghcr.io/initshim/reaper:{initshim.__version__}"
    assert pods(there) == []


def test_without_run_pod_no_pod_is_made(cluster: Served) -> None:
    found(cluster)
    assert not [line for line in cluster[0].server.log if "initshim-doctor-" in line]


def events(name: str) -> str:
    return f"kubectl -n shop get events --field-selector involvedObject.name={name}"


def name_of(finding: Finding) -> str:
    return finding.object.removeprefix("Pod shop/")


def test_a_container_that_can_not_start_is_told_as_audit_tells_it(cluster: Served) -> None:
    plays(cluster[0], [status(OVER, {"waiting": {"reason": "CreateContainerError"}})])
    [finding] = tried(cluster)
    assert (finding.severity, finding.what) == (
        Severity.ERROR,
        (
            "on node n1 its container can't start (CreateContainerError): injected pods would not "
            "start"
        ),
    )
    assert finding.remedy == events(name_of(finding))
    assert pods(cluster[0]) == []


def until_the_time_is_up(cluster: Served) -> list[Finding]:
    """Try it by itself: the time is up at the first wait."""

    async def wait(_seconds: float) -> None:
        raise TimeoutError

    async def run() -> list[Finding]:
        async with client_of(cluster) as client:
            trial = await trial_pod.fetch(
                client, rendered(), namespace="shop", volume=False, seconds=600, sleep=wait
            )
        return trial_pod.check(trial)

    return asyncio.run(run())


@pytest.mark.parametrize(
    "probe", [{"waiting": {"reason": "PodInitializing"}}, {"running": {}}], ids=["waits", "runs on"]
)
def test_a_pod_that_does_not_end_on_its_node_is_said(
    cluster: Served, probe: dict[str, Any]
) -> None:
    plays(cluster[0], [status(OVER, probe)])
    [finding] = until_the_time_is_up(cluster)
    assert (finding.severity, finding.what) == (
        Severity.WARNING,
        "on node n1 it had not ended in time",
    )
    assert finding.remedy == events(name_of(finding))
    assert pods(cluster[0]) == []


def test_what_comes_before_it_takes_of_the_same_time(cluster: Served) -> None:
    """Where nothing is left of it, the pod is made and deleted at once."""

    async def run() -> list[Finding]:
        async with client_of(cluster) as client:
            over = _Deadline(60, asyncio.get_running_loop().time() - 1)
            return await _Checks(client, rendered(), "shop", over).of_trial_pod((), run=True)

    [finding] = asyncio.run(run())
    assert finding.what == "no node took the pod in time"
    assert [line for line in cluster[0].server.log if line.startswith("DELETE")]
    assert pods(cluster[0]) == []


def test_a_pod_that_nobody_runs_is_said_and_deleted(cluster: Served) -> None:
    [finding] = until_the_time_is_up(cluster)
    assert (finding.severity, finding.what) == (Severity.WARNING, "no node took the pod in time")
    assert finding.remedy == events(name_of(finding))
    assert pods(cluster[0]) == []


def test_where_versions_and_nodes_may_not_be_read_auto_means_the_init_container(
    cluster: Served,
) -> None:
    there = cluster[0]
    there.configure(DELIVERY="auto")
    there.server.put("/api/v1/nodes/n1", {"status": {"nodeInfo": NEW}})
    plays(there, [status(OVER, OVER)])
    seen = watched(there)
    watch = there.server.interfere

    def refuse(method: str, path: str) -> None:
        watch(method, path)
        if path == "/version":
            raise Refusal(403, "Forbidden", "not you")

    there.server.interfere = refuse
    [finding] = tried(cluster)
    assert finding.severity is Severity.OK
    assert "initContainers" in seen[-1]


def test_a_pod_that_somebody_else_deletes_is_gone(cluster: Served) -> None:
    """A node that is drained, a controller that tidies up."""
    there = cluster[0]

    def tidy(method: str, path: str) -> None:
        if method == "GET" and "/pods/initshim-doctor-" in path:
            there.server.objects.pop(path, None)

    there.server.interfere = tidy
    [finding] = tried(cluster)
    assert finding.severity is Severity.UNKNOWN
    assert finding.what == (
        f'could not look: Can\'t get {finding.object}: "{name_of(finding)}" not found'
    )


def test_a_pod_that_was_made_without_an_answer_is_deleted_too(cluster: Served) -> None:
    there = cluster[0]

    def lose(path: str, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        name = given["metadata"]["name"]
        if name.startswith("initshim-doctor-"):
            there.server.put(f"{path}/{name}", given)
            raise Refusal(504, "Timeout", "request did not complete within requested timeout")
        return there.admit(path, given)

    there.server.admit = lose
    [finding] = tried(cluster)
    assert finding.severity is Severity.UNKNOWN
    assert finding.what.endswith("request did not complete within requested timeout")
    assert pods(there) == []
