"""Semantics §3, `windows`: every way to say that only a Windows node will do."""

import pytest

from tests.unit.core.pods_by_system import LINUX, OS, WINDOWS, affinity, host_process
from webhook.core.errors import BadPod
from webhook.core.pod import Json, Pod
from webhook.core.windows import only_on_windows


@pytest.mark.parametrize("spec", WINDOWS, ids=str)
def test_a_pod_that_only_windows_nodes_take(spec: Json) -> None:
    assert only_on_windows(Pod({"spec": spec}))


@pytest.mark.parametrize("spec", LINUX, ids=str)
def test_a_pod_that_a_linux_node_may_take(spec: Json) -> None:
    assert not only_on_windows(Pod({"spec": spec}))


@pytest.mark.parametrize(
    "spec",
    [
        {"os": "windows"},
        {"nodeSelector": {OS: 1}},
        {"affinity": []},
        {"securityContext": {"windowsOptions": True}},
        host_process("true"),
        affinity([{"key": OS, "operator": "In", "values": "windows"}]),
    ],
    ids=str,
)
def test_a_field_of_a_wrong_type_is_named(spec: Json) -> None:
    with pytest.raises(BadPod, match="must be"):
        only_on_windows(Pod({"spec": spec}))


@pytest.mark.parametrize(
    ("operator", "windows"),
    [
        *((each, True) for each in ("In", "Exists", "Gt", "Lt")),
        *((each, False) for each in ("NotIn", "DoesNotExist")),
    ],
)
def test_a_windows_build_is_a_label_of_windows_nodes(operator: str, windows: bool) -> None:
    """The operators of core/v1, NodeSelectorOperator: two of them hold without the label, too."""
    rule = {"key": "node.kubernetes.io/windows-build", "operator": operator, "values": ["10"]}
    assert only_on_windows(Pod({"spec": affinity([rule])})) is windows
