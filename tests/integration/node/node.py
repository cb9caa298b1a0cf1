"""The node: up, down, off, on, and one of its programs restarted."""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import httpx

from tests.integration.node import builds, keys, machine, options
from tests.integration.node.component import Programs
from tests.integration.node.components import all_of, apiserver
from tests.integration.node.layout import Layout, here

Json = dict[str, Any]
_PROXY = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "node-proxy"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "system:node-proxier",
    },
    "subjects": [
        {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:kube-proxy"}
    ],
}


class Node:
    """One node on this machine."""

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout or here()
        self.programs = Programs(self.layout)
        self.components = all_of(self.layout)

    @property
    def running(self) -> bool:
        """Is it on?"""
        return self.layout.init() is not None

    def on(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Switch it on, with the disk that it had. Raises BootFailed or NotReady."""
        keys.make(self.layout)
        builds.link(self.layout.folder / "bin")
        machine.on(self.layout)
        say("namespaces, link and cgroups are there")
        for component in self.components.values():
            self.programs.start(component)
            if component.name in ("etcd", "kube-apiserver", options.runtime(), "kubelet"):
                self.programs.wait(component)
            if component.name == "kube-apiserver":
                self._let_the_proxy_in()
        for component in self.components.values():
            self.programs.wait(component)
            say(f"{component.name} is ready")

    def off(self) -> None:
        """Pull the plug."""
        machine.off(self.layout)

    def down(self) -> None:
        """Take it away, with its disk."""
        self.off()
        for folder in (*self.layout.state, self.layout.folder / "bin"):
            shutil.rmtree(folder, ignore_errors=True)

    def restart(self, name: str) -> None:
        """Stop one of its programs and start it again."""
        self.programs.stop(name)
        self.programs.start(self.components[name])
        self.programs.wait(self.components[name])

    def api(self) -> httpx.Client:
        """Give an administrator's client; close it."""
        return apiserver.client(self.layout)

    def call(self, *command: str) -> str:
        """Run a command inside of it; give what it printed."""
        done = subprocess.run(
            self.programs.enter(*command), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def _let_the_proxy_in(self) -> None:
        with self.api() as api:
            path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
            made = api.post(path, json=_PROXY)
            assert made.status_code in (201, 409), made.text
