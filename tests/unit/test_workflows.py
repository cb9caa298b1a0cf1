"""The forge's workflows run what `.ci/run` runs, with as few rights as they can."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
MAY_WRITE = {"packages", "id-token", "attestations", "contents"}


def jobs(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from yaml.safe_load(file.read_text())["jobs"].items()


DIGESTS = "./.github/workflows/digests.yml"


def steps(file: Path) -> Iterator[dict[str, Any]]:
    for _, job in jobs(file):
        yield from job.get("steps", ())


@each_file
def test_every_action_is_pinned_by_its_commit_and_says_its_version(file: Path) -> None:
    used = re.findall(r"^\s*(?:- )?uses: ([^.].+)$", file.read_text(), re.MULTILINE)
    assert len(used) == sum("uses" in step for step in steps(file))
    assert {job["uses"] for _, job in jobs(file) if "uses" in job} <= {DIGESTS}
    for each in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_one_action_is_pinned_to_one_commit() -> None:
    pins: dict[str, set[str]] = {}
    for step in (step for file in FILES for step in steps(file) if "uses" in step):
        action, _, commit = step["uses"].partition("@")
        pins.setdefault(action, set()).add(commit)
    assert all(len(commits) == 1 for commits in pins.values())


@each_file
def test_rights_are_given_to_single_jobs_and_runs_have_an_end(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["permissions"] == {"contents": "read"}
    for name, job in jobs(file):
        assert job.get("uses") == DIGESTS or job["timeout-minutes"] <= 100, name
        writes = {right for right, level in job.get("permissions", {}).items() if level == "write"}
        assert writes <= MAY_WRITE, name
        assert not writes or file.stem == "release", name


@each_file
def test_no_checkout_leaves_a_token_behind(file: Path) -> None:
    for step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@each_file
def test_nothing_that_others_write_gets_into_a_shell(file: Path) -> None:
    """Expressions are pasted into the script; environment variables are not."""
    assert not [step["run"] for step in steps(file) if "${{" in step.get("run", "")]


@each_file
def test_every_make_target_exists(file: Path) -> None:
    targets = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for step in steps(file) for target in made(step.get("run", ""))} <= targets


def pinned(reference: str) -> str:
    """The expression for what was looked up of an image reference, itself an expression."""
    return f"${{{{ fromJSON(needs.bases.outputs.pinned)[{reference}] }}}}"


def test_what_tags_lead_to_is_asked_without_any_right() -> None:
    ((_, resolve),) = jobs(ROOT / ".github" / "workflows" / "digests.yml")
    assert resolve["permissions"] == {}


@each_file
def test_every_container_is_taken_by_a_digest_that_was_looked_up(file: Path) -> None:
    found = dict(jobs(file))
    asked = found.get("bases", {}).get("with", {}).get("images", "").split()
    for name, job in found.items():
        if "container" not in job:
            continue
        assert job["needs"] == "bases", name
        if job["container"]["image"] == pinned("matrix.image"):
            assert set(job["strategy"]["matrix"]["image"]) <= set(asked), name
        else:
            assert job["container"]["image"] in {pinned(f"'{image}'") for image in asked}, name


def test_a_release_takes_every_base_image_by_a_digest_that_it_looked_up() -> None:
    release = dict(jobs(ROOT / ".github" / "workflows" / "release.yml"))
    dockerfile = (ROOT / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert base in release["bases"]["with"]["images"].split()
    assert set(re.findall(r"^FROM (?:--\S+ )?(\S+)", dockerfile, re.MULTILINE)) == {
        "${PYTHON_IMAGE}",
        "scratch",
    }
    built = [step for step in release["images"]["steps"] if "buildx build" in step.get("run", "")]
    assert [step["env"]["PYTHON_IMAGE"] for step in built] == [pinned(f"'{base}'")]
    assert all('--build-arg PYTHON_IMAGE="$PYTHON_IMAGE"' in step["run"] for step in built)


def test_a_release_takes_its_builders_by_digests_too() -> None:
    release = dict(jobs(ROOT / ".github" / "workflows" / "release.yml"))
    given: dict[str, str] = {}
    for name, job in release.items():
        for step in job.get("steps", ()):
            action = step.get("uses", "").partition("@")[0]
            if action in ("docker/setup-qemu-action", "docker/setup-buildx-action"):
                assert "bases" in job["needs"], name
                given |= step["with"]
    assert given == {
        "image": pinned("'docker.io/tonistiigi/binfmt:latest'"),
        "driver-opts": "image=" + pinned("'docker.io/moby/buildkit:buildx-stable-1'"),
    }


def test_the_workflow_runs_what_ci_runs_on_every_supported_python() -> None:
    test = ROOT / ".github" / "workflows" / "test.yml"
    job = dict(jobs(test))["test"]
    assert ".ci/run" in {step.get("run") for step in job["steps"]}
    pythons = [f"3.{minor}" for minor in range(11, 15)]
    assert job["strategy"]["matrix"]["image"] == [
        f"docker.io/library/python:{version}-bookworm" for version in pythons
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={pythons[0]}"


def made(script: str) -> list[str]:
    return re.findall(r"^\s*(?:[A-Z_]+=\S+ )?make ([a-z-]+)", script, re.MULTILINE)


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.stem)
def test_every_issue_form_asks_under_names_of_their_own(file: Path) -> None:
    form = yaml.safe_load(file.read_text())
    if file.stem == "config":
        assert {"name", "url", "about"} == set(form["contact_links"][0])
        return
    assert form["name"]
    assert form["description"]
    names = [field["id"] for field in form["body"]]
    assert len(names) == len(set(names))
    assert all(field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations", {}).get("required") for field in form["body"])
