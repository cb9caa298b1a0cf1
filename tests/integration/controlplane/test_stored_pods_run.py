"""What the API server stored goes to a node and runs: argv exact, no zombies, codes and signals.

The pods are those of tests/integration/pods. The harness does there what a kubelet does and podman
does not: it expands `$(VAR)`. The newest version's pods run; older ones store the same commands.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.controlplane import assets
from tests.integration.controlplane.controllers import OPT_IN, Json, create, namespace
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from tests.integration.pods.conftest import cases
from tests.integration.pods.runtime import IMAGES, REAPER, Node
from tests.reaper import need
from tests.unit.core.kubelet import behind_reaper, started
from webhook.core.argv import INIT, ImageConfig

KNOWN = {
    f"localhost/{name}:1": {key.lower(): words for key, words in config.items()}
    for name, config in IMAGES.items()
    if config
}
_REPOSITORY, _, _TAG = REAPER.partition("/")[2].partition(":")
_VALUES: dict[str, Any] = {
    "reaperImage": {"registry": "localhost", "repository": _REPOSITORY, "tag": _TAG},
    "registry": {"lookups": False},
    "entrypoints": KNOWN,
}
newest = pytest.mark.parametrize(
    "plane", assets.names()[:1], ids=lambda name: f"v{name}", indirect=True, scope="session"
)
every_case = pytest.mark.parametrize("case", cases(), ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    need.root()
    for program in ("podman", "buildah", "runc"):
        need.tool(program, program)
    return Node(tmp_path_factory.mktemp("n"), need.tool("busybox", "busybox-static"))


def submitted(case: Path) -> tuple[Json, Json]:
    """A case's pod, without a token that no node here could mount; and what is expected of it."""
    document = yaml.safe_load(case.read_text())
    pod: Json = document["pod"]
    pod["spec"]["automountServiceAccountToken"] = False
    pod["spec"].setdefault("restartPolicy", "Never")  # a node that begins again tells no exit code
    return pod, document["expected"]


@newest
@every_case
def test_a_stored_pod_runs_as_it_was_written(
    case: Path, plane: ControlPlane, release: Release, node: Node
) -> None:
    release.wants(**_VALUES)
    where = namespace(plane, "nodes", **OPT_IN)
    pod, expected = submitted(case)
    stored = create(plane, where, pod).pod
    spec = {key: stored["spec"][key] for key in stored["spec"] if key not in _SCHEDULERS}
    ran = node.run({**pod, "spec": spec}, signal=expected.get("signal", ""))
    for name, code in expected["exits"].items():
        assert ran[name].exit == code, ran[name]
    for name, lines in expected.get("prints", {}).items():
        assert set(lines) <= set(ran[name].lines), ran[name]
    for name in expected.get("zombies", {}):
        assert ran[name].zombies == 0
    for before, after in zip(pod["spec"]["containers"], spec["containers"], strict=True):
        check_argv(before, after, ran[before["name"]].lines)


# What a scheduler, not a node, reads; podman 4.3 knows none of it.
_SCHEDULERS = ("tolerations", "schedulerName", "priority", "preemptionPolicy", "enableServiceLinks")


def check_argv(before: Json, after: Json, lines: list[str]) -> None:
    """The program was started with exactly the words that it has without us."""
    if (after.get("command") or [""])[0] != INIT:
        return
    known = KNOWN.get(before["image"], {})
    image = ImageConfig(tuple(known.get("entrypoint", ())), tuple(known.get("cmd", ())))
    annotated = before["image"] not in KNOWN and not before.get("command")
    argv = behind_reaper(started(after, image))
    if not annotated:
        assert argv == started(before, image)
    said = [line.removeprefix("argv: ") for line in lines if line.startswith("argv: ")]
    if said and argv[0] == b"/witness":
        assert said == [word.decode() for word in argv], json.dumps(after)
