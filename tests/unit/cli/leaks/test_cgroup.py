"""Paths as kubelets and runtimes write them, by driver, cgroup version and runtime."""

import pytest

from webhook.cli.leaks.cgroup import Place, container_of

UID = "8dbc4577-d0e2-4706-8787-57d52c03ddf2"
LOW = UID.replace("-", "_")
ID = "86bf1f7e8d5a1d9a8e8d8f1b6b2a9c0d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b"
OTHER = "0" * 63 + "1"
STATIC = "3d2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b"


@pytest.mark.parametrize(
    "path",
    [
        # containerd, systemd driver, cgroup v2 and v1
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{LOW}.slice/"
            f"cri-containerd-{ID}.scope"
        ),
        f"/kubepods.slice/kubepods-pod{LOW}.slice/cri-containerd-{ID}.scope",
        (
            f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{LOW}.slice/"
            f"cri-containerd-{ID}.scope/init.scope"
        ),
        # containerd, cgroupfs driver
        f"/kubepods/burstable/pod{UID}/{ID}",
        f"/kubepods/pod{UID}/{ID}",
        # a kubelet with the systemd driver over a containerd without it
        f"/system.slice/containerd.service/kubepods-besteffort-pod{LOW}.slice:cri-containerd:{ID}",
        f"/kubepods-burstable-pod{LOW}.slice:cri-containerd:{ID}",
        # CRI-O, both drivers; newer ones put the container in a cgroup of its own below
        f"/kubepods.slice/kubepods-pod{LOW}.slice/crio-{ID}.scope",
        f"/kubepods.slice/kubepods-pod{LOW}.slice/crio-{ID}.scope/container",
        f"/kubepods/besteffort/pod{UID}/crio-{ID}",
        # Docker behind cri-dockerd
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{LOW}.slice/"
            f"docker-{ID}.scope"
        ),
        # kind: the node is a container itself
        f"/docker/{OTHER}/kubelet/kubepods/burstable/pod{UID}/{ID}",
        (
            f"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
            f"kubelet-kubepods-burstable-pod{LOW}.slice/cri-containerd-{ID}.scope"
        ),
        (
            f"/system.slice/docker-{OTHER}.scope/kubelet.slice/kubelet-kubepods.slice/"
            f"kubelet-kubepods-pod{LOW}.slice/cri-containerd-{ID}.scope"
        ),
        # minikube in podman, k3d, a kubelet with --cgroup-root
        (
            f"/machine.slice/libpod-{OTHER}.scope/container/kubelet.slice/"
            f"kubelet-kubepods.slice/kubelet-kubepods-pod{LOW}.slice/crio-{ID}.scope"
        ),
        f"/docker/{OTHER}/kubepods/besteffort/pod{UID}/{ID}",
        f"/of-our-own/kubepods/burstable/pod{UID}/{ID}",
        f"/of.slice/of-our.slice/of-our-kubepods.slice/of-our-kubepods-pod{LOW}.slice/crio-{ID}.scope",
        # CRI-O with the cgroupfs driver, and one whose container runs systemd
        f"/kubepods/burstable/pod{UID}/crio-{ID}/init.scope",
        (
            f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{LOW}.slice/"
            f"crio-{ID}.scope/container/system.slice/sshd.service"
        ),
        # Docker behind cri-dockerd, cgroupfs, v1 and under a systemd kubelet
        f"/kubepods/besteffort/pod{UID}/{ID}",
        f"/kubepods.slice/kubepods-pod{LOW}.slice/docker-{ID}.scope/init.scope",
        f"/kubepods-pod{LOW}.slice:docker:{ID}",
        # a container that runs containers
        f"/kubepods/burstable/pod{UID}/{ID}/docker/{OTHER}",
        (
            f"/kubepods.slice/kubepods-pod{LOW}.slice/cri-containerd-{ID}.scope/system.slice/"
            f"docker-{OTHER}.scope"
        ),
        # seen from another cgroup namespace
        f"/../../kubepods-burstable-pod{LOW}.slice/cri-containerd-{ID}.scope",
        f"/../../pod{UID}/{ID}",
    ],
)
def test_pod_and_container_are_found(path: str) -> None:
    assert container_of(path) == Place(UID, ID)


def test_a_static_pods_uid_is_a_hash() -> None:
    path = f"/kubepods/burstable/pod{STATIC}/{ID}"
    assert container_of(path) == Place(STATIC, ID)
    path = f"/kubepods.slice/kubepods-pod{STATIC}.slice/cri-containerd-{ID}.scope"
    assert container_of(path) == Place(STATIC, ID)


def test_what_watches_a_container_is_not_in_it() -> None:
    """CRI-O puts its monitor beside the container where `conmon_cgroup` is "pod"."""
    pod = f"/kubepods.slice/kubepods-pod{LOW}.slice"
    assert container_of(f"{pod}/crio-conmon-{ID}.scope") == Place(UID, "")
    assert container_of(f"/kubepods/pod{UID}/crio-conmon-{ID}") == Place(UID, "")


def test_a_pods_own_cgroup_is_no_container() -> None:
    assert container_of(f"/kubepods/burstable/pod{UID}") == Place(UID, "")
    path = f"/kubepods.slice/kubepods-pod{LOW}.slice"
    assert container_of(path) == Place(UID, "")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/init.scope",
        "/system.slice/kubelet.service",
        "/user.slice/user-1000.slice/session-1.scope",
        f"/docker/{ID}",
        f"/system.slice/docker-{ID}.scope",
        f"/machine.slice/libpod-{ID}.scope",
        "/kubepods.slice/kubepods-burstable.slice",
        f"/tripod{UID}/{ID}",
        "/kubepods/podinfo/x",
    ],
)
def test_what_is_no_pods_is_nobodys(path: str) -> None:
    assert container_of(path) is None
