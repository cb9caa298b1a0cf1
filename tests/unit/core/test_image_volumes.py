"""Which nodes can mount images, by what kubelets and runtimes report of themselves."""

from typing import Any

import pytest

from webhook.core.image_volumes import Node, obstacle, possible, suits, unable
from webhook.core.pod import Pod

CAN = [
    ("v1.35.0", "containerd://2.1.0"),
    ("v1.37.2", "containerd://2.4.2"),
    ("v1.36.1-gke.1200", "containerd://2.2.3-0ubuntu1"),
    ("v1.35.3+rke2r1", "containerd://10.0.0"),
    ("v2.0.0", "cri-o://1.31.0"),
    ("v1.35.0-eks-1a2b3c4", "cri-o://1.35.1-2.rhaos4.22.git5a6b7c8.el9"),
]
CANNOT = [
    ("v1.34.9", "containerd://2.4.2", "kubelet is v1.34.9"),
    ("v1.9.0", "containerd://2.4.2", "kubelet is v1.9.0"),
    ("v1.35.0", "containerd://2.0.9", "containerd://2.0.9"),
    ("v1.35.0", "containerd://1.7.30", "containerd://1.7.30"),
    ("v1.35.0", "cri-o://1.30.9", "cri-o://1.30.9"),
    ("v1.36.2+k3s1", "docker://29.6.2", "docker://29.6.2"),
    ("v1.36.1+k3s1", "containerd://2.2.3-k3s1", "containerd://2.2.3-k3s1"),
    ("v1.35.0", "containerd://", "containerd://"),
    ("v1.35.0", "<unknown>", "<unknown>"),
    ("v1.35.0", "", "unknown"),
    ("", "containerd://2.4.2", "kubelet is unknown"),
    ("v1.", "containerd://2.4.2", "kubelet is v1."),
]


@pytest.mark.parametrize(("kubelet", "runtime"), CAN)
def test_these_can(kubelet: str, runtime: str) -> None:
    assert obstacle(Node("a", kubelet, runtime)) == ""


@pytest.mark.parametrize(("kubelet", "runtime", "said"), CANNOT)
def test_these_cannot_and_it_says_why(kubelet: str, runtime: str, said: str) -> None:
    assert said in obstacle(Node("a", kubelet, runtime))


def test_one_of_many_is_named() -> None:
    able = [Node(str(at), "v1.37.2", "containerd://2.4.2") for at in range(3)]
    old = Node("old", "v1.34.1", "containerd://2.4.2")
    assert unable(able) == ()
    assert unable([*able, old]) == ((old, "its kubelet is v1.34.1"),)


def test_a_cluster_can_where_its_api_server_and_every_node_can() -> None:
    able = Node("a", "v1.35.0", "containerd://2.1.0")
    old = Node("b", "v1.34.9", "containerd://2.1.0")
    assert possible("v1.35.0", [able])
    assert not possible("v1.34.9", [able])
    assert not possible("", [able])
    assert not possible("v1.35.0", [able, old])
    assert not possible("v1.35.0", [])


@pytest.mark.parametrize(
    ("spec", "can"),
    [
        ({}, True),
        ({"hostUsers": True}, True),
        ({"hostUsers": False}, False),
        ({"runtimeClassName": "kata"}, False),
    ],
)
def test_sandboxes_and_user_namespaces_have_an_init_container(
    spec: dict[str, Any], can: bool
) -> None:
    assert suits(Pod({"spec": {"containers": [], **spec}})) is can
