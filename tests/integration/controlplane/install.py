"""The chart, rendered by real helm and applied by real kubectl."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chart import tools
from tests.integration.controlplane.plane import ControlPlane

CHART = Path(__file__).parents[3] / "charts" / "initshim"
NAMESPACE = "initshim"
RELEASE = "initshim"
_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def service_port() -> int:
    """443 as in the chart, where this user may listen on it; else 8443."""
    lowest = int(_UNPRIVILEGED.read_text()) if _UNPRIVILEGED.exists() else 1024
    return 443 if os.geteuid() == 0 or lowest <= 443 else 8443


def render(plane: ControlPlane, values: Mapping[str, Any]) -> str:
    """Give what `helm template` prints for this API server's version."""
    major, minor = plane.version
    port = {"port": service_port(), **values.get("service", {})}
    file = plane.folder / "values.json"
    file.write_text(json.dumps({**values, "service": port}))
    done = subprocess.run(
        [
            str(tools.program("helm")), "template", RELEASE, str(CHART),
            "--namespace", NAMESPACE, "--kube-version", f"{major}.{minor}.0",
            "--values", str(file), "--skip-tests",
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def install(plane: ControlPlane, values: Mapping[str, Any] | None = None) -> None:
    """Make the release's namespace, with Pod Security `restricted`, and apply the chart."""
    made = plane.kubectl("create", "namespace", NAMESPACE, check=False)
    assert made.returncode == 0 or "already exists" in made.stderr, made.stderr
    enforced = "pod-security.kubernetes.io/enforce=restricted"
    plane.kubectl("label", "--overwrite", "namespace", NAMESPACE, enforced)
    plane.kubectl("apply", "-f", "-", stdin=render(plane, values or {}))
