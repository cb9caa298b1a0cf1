"""Releases, tried: version, changelog and tag on a bare repository, as the workflow reads them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.tools import Missing, program

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
CHART = ROOT / "charts" / "initshim" / "Chart.yaml"
CUT = ROOT / "packaging" / "cut.py"


def script(job: str, name: str) -> str:
    """Give what a step of the workflow runs."""
    (found,) = [each for each in WORKFLOW["jobs"][job]["steps"] if each.get("name") == name]
    text: str = found["run"]
    return text


def run(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "a"), ("EMAIL", "a@example.com"))
    }
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **identity, **environ},
    )  # fmt: skip


def done(folder: Path, *words: str, **environ: str) -> str:
    finished = run(folder, *words, **environ)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A checkout of a bare repository, with version 0.1.0 released and something new listed."""
    bare, work = tmp_path / "bare.git", tmp_path / "work"
    done(tmp_path, "git", "init", "-q", "--bare", "--initial-branch=main", str(bare))
    done(tmp_path, "git", "clone", "-q", str(bare), str(work))
    done(work, "git", "checkout", "-q", "-B", "main")
    (work / "initshim").mkdir()
    (work / "initshim" / "__init__.py").write_text('"""It."""\n\n__version__ = "0.1.0"\n')
    (work / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something new.\n\n"
        "## [0.1.0] - 2026-01-02\n\n### Added\n\n- The first of it.\n"
    )
    (work / "charts" / "initshim").mkdir(parents=True)
    (work / "charts" / "initshim" / "Chart.yaml").write_text(CHART.read_text())
    done(work, "git", "add", ".")
    done(work, "git", "commit", "-qm", "Begin")
    return work


def checked(work: Path, tag: str) -> bool:
    """Run the workflow's check on what the bare repository has under a tag."""
    there = work.parent / f"runner-{tag}"
    done(work, "git", "clone", "-q", "--branch", tag, str(work.parent / "bare.git"), str(there))
    step = script("check", "The tag is the version, and the changelog has it")
    return run(there, "bash", "-euo", "pipefail", "-c", step, GITHUB_REF_NAME=tag).returncode == 0


def push(work: Path, tag: str) -> None:
    done(work, "git", "commit", "-qam", f"Release {tag}", "--allow-empty")
    done(work, "git", "tag", "-a", tag, "-m", tag)
    done(work, "git", "push", "-q", "origin", "main", tag)


def test_a_cut_version_with_its_tag_is_released(work: Path) -> None:
    done(work, sys.executable, str(CUT), "0.2.0", "--date", "2026-03-04")
    push(work, "v0.2.0")
    assert checked(work, "v0.2.0")


@pytest.mark.parametrize("tag", ["v0.2.1", "v0.1.0", "0.2.0", "v0.2.0-rc1"])
def test_a_tag_that_is_not_the_version_is_not(work: Path, tag: str) -> None:
    done(work, sys.executable, str(CUT), "0.2.0", "--date", "2026-03-04")
    push(work, tag)
    # A tag without `v` would pass the check, and starts no workflow.
    assert not checked(work, tag) or not tag.startswith("v")
    assert WORKFLOW[True]["push"]["tags"] == ["v*"]


def test_a_version_that_is_not_in_the_changelog_is_not_released(work: Path) -> None:
    own = work / "initshim" / "__init__.py"
    own.write_text(own.read_text().replace("0.1.0", "0.2.0"))
    push(work, "v0.2.0")
    assert not checked(work, "v0.2.0")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0.1.0", "0.1.0 is not newer than 0.1.0"),
        ("0.0.9", "0.0.9 is not newer than 0.1.0"),
        ("v0.2.0", "v0.2.0 is no version"),
        ("0.2.0-rc1", "0.2.0-rc1 is no version"),
        ("0.02.0", "0.02.0 is no version"),
    ],
)
def test_what_can_not_be_a_release_is_refused_and_nothing_written(
    work: Path, version: str, said: str
) -> None:
    finished = run(work, sys.executable, str(CUT), version)
    assert finished.returncode == 1
    assert said in finished.stderr
    assert done(work, "git", "status", "--porcelain") == ""


def test_nothing_new_is_no_release(work: Path) -> None:
    done(work, sys.executable, str(CUT), "0.2.0")
    finished = run(work, sys.executable, str(CUT), "0.3.0")
    assert "nothing is listed in [Unreleased]" in finished.stderr


def test_the_releases_notes_are_the_versions_section(work: Path) -> None:
    done(work, sys.executable, str(CUT), "0.2.0", "--date", "2026-03-04")
    step = script("release", "Publish the changelog's section as the release's notes")
    notes = step[: step.index("gh release create")]
    base = "python@sha256:1"
    environ = {"GITHUB_REF_NAME": "v0.2.0", "PYTHON_IMAGE": base}
    done(work, "bash", "-euo", "pipefail", "-c", notes, **environ)
    said = (work / "notes.md").read_text()
    assert "- Something new." in said
    assert "The first of it" not in said
    assert "## [" not in said
    assert base in said


def annotations(chart: Path) -> dict[str, Any]:
    """Give the chart's annotations for Artifact Hub, read as it reads them."""
    written = yaml.safe_load(chart.read_text())["annotations"]
    return {name.partition("/")[2]: yaml.safe_load(text) for name, text in written.items()}


def test_artifact_hub_is_told_what_changed(work: Path) -> None:
    done(work, sys.executable, str(CUT), "0.2.0")
    assert annotations(work / "charts" / "initshim" / "Chart.yaml")["changes"] == [
        {"kind": "added", "description": "Something new"}
    ]


def test_artifact_hub_shows_no_links_of_the_changelog(work: Path) -> None:
    log = work / "CHANGELOG.md"
    entry = "A page for [what is\n  … new](docs/a.md) ([why](docs/adr/0001.md)). More of it."
    log.write_text(log.read_text().replace("Something new.", entry))
    done(work, sys.executable, str(CUT), "0.2.0")
    (told,) = annotations(work / "charts" / "initshim" / "Chart.yaml")["changes"]
    assert told == {"kind": "added", "description": "A page for what is … new"}


def test_artifact_hub_is_told_of_both_images_and_where_to_read() -> None:
    told = annotations(CHART)
    version = yaml.safe_load(CHART.read_text())["version"]
    assert {each["image"] for each in told["images"]} == {
        f"ghcr.io/initshim/{name}:{version}" for name in ("webhook", "reaper")
    }
    built = WORKFLOW["jobs"]["images"]["strategy"]["matrix"]["include"]
    assert {each["target"]: each["platforms"].split(",") for each in built} == {
        each["name"]: each["platforms"] for each in told["images"]
    }
    assert all(each["url"].startswith("https://") for each in told["links"])
    assert {each["kind"] for each in told["changes"]} <= {
        "added", "changed", "deprecated", "removed", "fixed", "security",
    }  # fmt: skip


def test_the_release_names_the_signatures_key() -> None:
    sign = script("chart", "Package, sign and push the chart")
    assert "artifacthub.io/signKey" in sign
    assert sign.index("signKey") < sign.index("make signed-chart")
    names = [
        step["with"]["name"]
        for step in WORKFLOW["jobs"]["release"]["steps"]
        if "download-artifact" in step.get("uses", "")
    ]
    assert names == ["dist", "single-files", "signing-key"]


def test_this_changelog_can_be_cut() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+[.]\d+[.]\d+\] - \d{4}-\d\d-\d\d", each) for each in heads[1:])


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    """A throw-away key, exported as helm reads it."""
    if not shutil.which("gpg"):
        pytest.skip("needs gpg: apt-get install gnupg")
    # Not in tmp_path: the path of the agent's socket may have 108 bytes.
    with tempfile.TemporaryDirectory(prefix="gpg-", dir="/tmp") as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", ""]
        name = "initshim test <a@example.com>"
        done(tmp_path, *gpg, "--quick-gen-key", name, "rsa3072", "sign", "1d")
        for words, ring in (("--export-secret-keys", "secret.gpg"), ("--export", "public.gpg")):
            exported = subprocess.run([*gpg, words], capture_output=True, check=True).stdout
            (tmp_path / ring).write_bytes(exported)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    return tmp_path


def signed(keyring: Path) -> dict[str, Any]:
    try:
        helm = str(program("helm"))
    except Missing as missing:
        pytest.skip(str(missing))
    dist = keyring / "dist"
    words = ["make", "-s", "signed-chart", f"HELM={helm}", f"DIST={dist}", "KEY=initshim test"]
    rings = [f"KEYRING={keyring / 'secret.gpg'}", f"PUBLIC={keyring / 'public.gpg'}"]
    finished = run(ROOT, *words, *rings, XDG_CACHE_HOME=str(keyring))
    assert finished.returncode == 0, finished.stderr
    return {"helm": helm, "dist": dist, "said": finished.stdout}


def test_helm_verifies_the_chart_that_a_release_signs(keyring: Path) -> None:
    made = signed(keyring)
    (chart,) = made["dist"].glob("initshim-*.tgz")
    assert chart.with_name(f"{chart.name}.prov").exists()
    assert "initshim test" in made["said"]
    with chart.open("ab") as file:
        file.write(b"changed")
    words = [made["helm"], "verify", str(chart), "--keyring", str(keyring / "public.gpg")]
    assert run(keyring, *words).returncode != 0


def test_the_workflow_signs_it_by_the_same_target() -> None:
    assert "make signed-chart" in script("chart", "Package, sign and push the chart")


def test_everything_that_a_release_pushes_is_signed_by_cosign() -> None:
    for job, digest in (("images", "build"), ("chart", "push")):
        steps = WORKFLOW["jobs"][job]["steps"]
        (sign,) = [each for each in steps if "cosign sign" in each.get("run", "")]
        assert f"steps.{digest}.outputs.digest" in sign["env"]["DIGEST"]
        assert "--yes" in sign["run"]
        assert '@$DIGEST"' in sign["run"]  # never a tag: it could have moved
        assert WORKFLOW["jobs"][job]["permissions"]["id-token"] == "write"


def test_images_carry_an_sbom_and_provenance() -> None:
    (build,) = [
        each["run"] for each in WORKFLOW["jobs"]["images"]["steps"] if each.get("id") == "build"
    ]
    assert "--sbom=true" in build
    assert "--provenance=mode=max" in build
    attested = {
        job
        for job, each in WORKFLOW["jobs"].items()
        for step in each.get("steps", ())
        if "attest-build-provenance" in step.get("uses", "")
    }
    assert attested == {"images", "chart", "attest"}
