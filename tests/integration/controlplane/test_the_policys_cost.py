"""Pods at the policy's limits stay within CEL's budget: with `failurePolicy: Fail`, or be refused.

What exceeds a limit is left as it came.
"""

import pytest

from tests.integration.controlplane.controllers import Json, create
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.policies import said, with_policy
from webhook.core.annotations import OPTIONS, STATUS
from webhook.core.cel import limits

MOST = limits.MOST_CONTAINERS


def pod(number: int, argv: list[str], *, mounts: int = 0, options: str = "") -> Json:
    volumes = [{"name": f"v{n}", "emptyDir": {}} for n in range(mounts)]
    mounted = [{"name": each["name"], "mountPath": f"/m/{each['name']}"} for each in volumes]
    containers = [
        {"name": f"c{n}", "image": "x", "command": argv, "volumeMounts": mounted}
        for n in range(number)
    ]
    spec = {"containers": containers, "volumes": volumes, "automountServiceAccountToken": False}
    annotations = {OPTIONS: options} if options else {}
    return {"metadata": {"name": "x", "annotations": annotations}, "spec": spec}


def script(length: int) -> list[str]:
    """A shell's words that have to be searched for inits, to the last one."""
    return ["sh", "-c", ("init_db " * length)[: length - 4]]


EACH_WORDS = limits.MOST_WORDS // MOST
AT_THE_LIMIT = {
    "containers": pod(MOST, ["/app"]),
    "words": pod(MOST, ["/app", *["x"] * (EACH_WORDS - 1)]),
    "words like an init's": pod(MOST, ["/app", *["/a/systemd"] * (EACH_WORDS - 1)]),
    "one script": pod(1, script(limits.LONGEST_ARGVS)),
    "scripts": pod(MOST, script(limits.LONGEST_ARGVS // MOST)),
    "mounts": pod(MOST, ["/app"], mounts=limits.MOST_MOUNTS // MOST),
    "options": pod(MOST, ["/app"], options="-e 143 " * 32),
}
BEYOND = {
    "containers": pod(MOST + 1, ["/app"]),
    "words": pod(MOST, ["/app", *["x"] * EACH_WORDS]),
    "scripts": pod(1, script(limits.LONGEST_ARGVS + 5)),
    "mounts": pod(MOST, ["/app"], mounts=limits.MOST_MOUNTS // MOST + 1),
    "options": pod(1, ["/app"], options="-v " * 65),
    "five hundred containers": pod(512, ["/app"]),
}


@pytest.fixture(scope="module")
def where(plane: ControlPlane) -> str:
    return with_policy(plane, "policy-cost")


@pytest.mark.parametrize("what", AT_THE_LIMIT)
def test_a_pod_at_the_limit_is_wrapped(what: str, plane: ControlPlane, where: str) -> None:
    made = create(plane, where, AT_THE_LIMIT[what], query="?dryRun=All")
    assert STATUS in said(made.pod)


@pytest.mark.parametrize("what", BEYOND)
def test_a_pod_beyond_it_is_left(what: str, plane: ControlPlane, where: str) -> None:
    made = create(plane, where, BEYOND[what], query="?dryRun=All")
    assert STATUS not in said(made.pod)
