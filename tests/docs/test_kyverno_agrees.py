"""Kyverno's own command line judges the page's rule.

`kyverno` on the PATH, or what `make kyverno` builds once from its Go module.
"""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.docs.admission_policies import injected, named
from tests.docs.kyverno import KYVERNO
from tests.go_program import Missing


@pytest.mark.parametrize(
    ("image", "init", "passes"),
    [
        ("registry.example.com/app:1", None, True),
        ("registry.example.com/app:1", "docker.io/library/alpine:3", False),
        ("ghcr.io/initshim/reaper:0.1.0", None, False),  # as a container it is nobody's business
    ],
)
def test_kyverno_agrees(tmp_path: Path, image: str, init: str | None, passes: bool) -> None:
    try:
        program = KYVERNO.find()
    except Missing as missing:
        pytest.skip(str(missing))
    resource = injected(tmp_path, image)
    if init:
        changed = yaml.safe_load(resource.read_text())
        changed["spec"]["initContainers"].append({"name": "other", "image": init})
        resource.write_text(yaml.safe_dump(changed))
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump(named("ClusterPolicy", "allowed-registries")))
    done = subprocess.run(
        [str(program), "apply", str(policy), "--resource", str(resource)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ("fail: 0" in done.stdout) is passes, done.stdout + done.stderr
    assert ("pass: 1" in done.stdout) is passes, done.stdout + done.stderr
