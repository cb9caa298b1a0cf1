"""A linter that is content with everything would be content with ours."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.linters.programs import program
from tests.linters.table import CONFIG, LINTERS, NOT_SCORED, ROOT, Linter

POD = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  replicas: "two"
  template:
    spec:
      containers:
        - name: app
          image: app:latest
          securityContext:
            privileged: true
"""
WORKFLOW = """on: push
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@main
      - run: echo ${{ github.event.issue.title }} ${{ nothing.here }}
"""
BAD = {
    "hadolint": ("Dockerfile", "FROM debian:latest\nRUN cd /tmp && apt-get install curl\n"),
    "yamllint": ("bad.yaml", "a: 1\na:   2\n"),
    "actionlint": (".github/workflows/bad.yml", WORKFLOW),
    "zizmor": (".github/workflows/bad.yml", WORKFLOW),
    "kube-score": ("bad.yaml", POD),
    "kubeconform": ("bad.yaml", POD),
    "checkov": ("bad.yaml", POD),
}


@pytest.mark.slow
@pytest.mark.parametrize("linter", LINTERS, ids=lambda linter: linter.name)
def test_it_complains_of_what_is_bad_with_our_exceptions(linter: Linter, tmp_path: Path) -> None:
    if not program(linter, make=False).exists():
        pytest.skip(f"needs {linter.name}: make lint installs it")
    name, content = BAD[linter.name]
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    command = [str(program(linter)), *linter.command([str(file)])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("linter", LINTERS, ids=lambda linter: linter.name)
def test_it_reads_files_that_are_there(linter: Linter) -> None:
    assert linter.files()


def test_every_exception_has_its_reason() -> None:
    skipped = re.findall(
        r"^  - (CKV\w+)(.*)$", (ROOT / CONFIG / "checkov.yaml").read_text(), re.MULTILINE
    )
    assert skipped
    assert all(re.fullmatch(r" # .{20,}", reason) for _, reason in skipped)
    assert NOT_SCORED
