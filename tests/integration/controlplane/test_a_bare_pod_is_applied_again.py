"""`kubectl apply` twice of one and the same bare pod: what FAQ and warning say of it is so."""

import json

import pytest

from tests.integration.controlplane.controllers import OPT_IN, namespace
from tests.integration.controlplane.plane import ControlPlane
from tests.integration.controlplane.release import Release
from webhook.core.argv import INIT
from webhook.core.cautions import applied_again

WAYS = {
    "client side": ("apply", "-f", "-"),
    "server side": ("apply", "--server-side", "-f", "-"),
    "server side, by force": ("apply", "--server-side", "--force-conflicts", "-f", "-"),
}


def pod(where: str, command: list[str] | None, **annotations: str) -> str:
    container = {"name": "web", "image": "web", **({"command": command} if command else {})}
    metadata = {"name": "web", "namespace": where, "annotations": annotations}
    kind = {"apiVersion": "v1", "kind": "Pod"}
    return json.dumps({**kind, "metadata": metadata, "spec": {"containers": [container]}})


def command_in(plane: ControlPlane, where: str) -> list[str]:
    got = plane.kubectl("get", "pod", "web", "-n", where, "-o", "json").stdout
    command: list[str] = json.loads(got)["spec"]["containers"][0].get("command", [])
    return command


@pytest.mark.parametrize("way", WAYS)
def test_with_a_command_it_is_refused(
    way: str, plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    manifest = pod(where, ["/web"])
    first = plane.kubectl(*WAYS[way], stdin=manifest)
    # Only client-side apply leaves an annotation by which the webhook knows of it.
    assert (applied_again() in first.stderr) is (way == "client side")
    again = plane.kubectl(*WAYS[way], stdin=manifest, check=False)
    assert again.returncode != 0
    assert "pod updates may not change fields" in again.stderr
    assert command_in(plane, where) == [INIT, "--", "/web"]
    # What the warning advises.
    plane.kubectl("replace", "--force", "-f", "-", stdin=manifest)
    assert command_in(plane, where) == [INIT, "--", "/web"]


@pytest.mark.parametrize("way", WAYS)
def test_without_a_command_it_is_not(
    way: str, plane: ControlPlane, release: Release, name: str
) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    manifest = pod(where, None, **{"initshim.dev/entrypoint.web": '["/web"]'})
    for _ in range(2):
        done = plane.kubectl(*WAYS[way], stdin=manifest)
        assert applied_again() not in done.stderr
        assert command_in(plane, where) == [INIT, "--", "/web"]


@pytest.mark.parametrize("way", WAYS)
def test_left_out_it_is_not(way: str, plane: ControlPlane, release: Release, name: str) -> None:
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    manifest = pod(where, ["/web"], **{"initshim.dev/inject": "false"})
    for _ in range(2):
        plane.kubectl(*WAYS[way], stdin=manifest)
        assert command_in(plane, where) == ["/web"]


def test_no_field_owner_makes_a_difference(
    plane: ControlPlane, release: Release, name: str
) -> None:
    """Another manager, or one that hands the field over first, has the pod changed all the same."""
    release.wants()
    where = namespace(plane, name, **OPT_IN)
    manifest = pod(where, ["/web"])
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    plane.kubectl(*apply, "--field-manager", "first", stdin=manifest)
    for manager in ("first", "second", "initshim"):
        done = plane.kubectl(*apply, "--field-manager", manager, stdin=manifest, check=False)
        assert "pod updates may not change fields" in done.stderr
