"""The node's options choose what is built, what is started, and what the kubelet asks."""

import json
import sys
from pathlib import Path

import pytest

from tests.integration.controlplane.assets import Missing
from tests.integration.node import builds, options
from tests.integration.node.components import all_of
from tests.integration.node.layout import Layout


@pytest.fixture(autouse=True)
def by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBERNETES", "KUBELET", "RUNTIME", "NETWORK"):
        monkeypatch.delenv(f"INITSHIM_NODE_{name}", raising=False)


def kubelet(layout: Layout) -> dict[str, object]:
    found: dict[str, object] = json.loads(all_of(layout)["kubelet"].files["kubelet.json"])
    return found


@pytest.mark.parametrize(
    ("runtime", "module", "socket"),
    [
        (None, "containerd", "unix:///run/containerd/containerd.sock"),
        ("containerd", "containerd", "unix:///run/containerd/containerd.sock"),
        ("crio", "cri-o", "unix:///run/crio/crio.sock"),
    ],
)
def test_the_kubelet_asks_the_runtime_that_was_chosen(
    runtime: str | None, module: str, socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if runtime:
        monkeypatch.setenv("INITSHIM_NODE_RUNTIME", runtime)
    name = runtime or "containerd"
    layout = Layout(tmp_path)
    assert {each for each in options.RUNTIMES if each in all_of(layout)} == {name}
    assert kubelet(layout)["containerRuntimeEndpoint"] == socket
    assert {each for each in options.RUNTIMES if each in builds.recipes()} == {name}
    assert builds.recipes()[name].folder.name == module


def test_both_runtimes_have_one_network_and_read_the_same_registries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    files = {}
    for name in options.RUNTIMES:
        monkeypatch.setenv("INITSHIM_NODE_RUNTIME", name)
        files[name] = all_of(layout)[name].files
    networks = [each["cni/10-node.conflist"] for each in files.values()]
    assert networks[0] == networks[1]
    for host in ("registry.test:5000", "private.test:5001"):
        assert f"registries/{host}/hosts.toml" in files["containerd"]
        assert f'location = "{host}"\ninsecure = true' in files["crio"]["registries.toml"]


def test_a_runtime_that_is_none_names_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSHIM_NODE_RUNTIME", "docker")
    with pytest.raises(Missing, match="INITSHIM_NODE_RUNTIME=docker: there are containerd, crio"):
        options.runtime()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a node needs Linux first")
@pytest.mark.parametrize(
    ("variable", "chosen", "needs"),
    [("RUNTIME", "crio", "conmon"), ("NETWORK", "kube-router", "ipset")],
)
def test_what_only_an_option_needs_is_asked_for_with_it_alone(
    variable: str, chosen: str, needs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not any(needs in each for each in builds.obstacles())
    monkeypatch.setenv(f"INITSHIM_NODE_{variable}", chosen)
    assert any(needs in each for each in builds.obstacles())


def test_network_policies_are_kept_once_there_is_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kube-router ends where the API server has no object of its node."""
    assert "kube-router" not in all_of(Layout(tmp_path))
    monkeypatch.setenv("INITSHIM_NODE_NETWORK", "kube-router")
    assert list(all_of(Layout(tmp_path)))[-2:] == ["kubelet", "kube-router"]
    assert builds.recipes()["kube-router"].version == "v2.1.0"


def test_an_older_kubernetes_is_older_in_all_its_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest = min(
        (path.name.rpartition("-")[2] for path in options.MODULES.glob("kubernetes-*")),
        key=lambda minor: int(minor.partition(".")[2]),
    )
    monkeypatch.setenv("INITSHIM_NODE_KUBERNETES", oldest)
    names = [name for name in builds.recipes() if name.startswith("kube")]
    assert len(names) == 5
    assert all(builds.recipes()[name].version.startswith(f"v{oldest}.") for name in names)
