"""Render the chart with real helm; a rendering is a list of plain objects."""

import functools
import subprocess
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from tests.chart import kept

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "initshim"
SETS = sorted((Path(__file__).parent / "values").glob("*.yaml"))
VERSIONS = tuple(f"1.{minor}.0" for minor in range(27, 38))
NAMESPACE = "initshim-system"  # not the release's name, so that a mix-up shows

Object = dict[str, Any]


class Refused(Exception):
    """The program failed; the message is what it said."""


class Strict(yaml.CSafeLoader):
    """A loader for which a key given twice is an error, as it is for YAML."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Give the mapping, every key of it once."""
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"given twice in {keys}{node.start_mark}"
        return super().construct_mapping(node, deep)


@functools.cache
def parse(text: str) -> list[Object]:
    """Read every document that is not empty. Renderings are shared: don't change them."""
    return [document for document in yaml.load_all(text, Strict) if document]


def run(program: Path, *words: str) -> str:
    """Give what a program prints, or raise Refused with what it says instead."""
    command = [str(program), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


@functools.cache
def text(helm: Path, values: Path | None = None, *options: str, kube: str = "1.37.0") -> str:
    """Give what `helm template` prints, or raise Refused with what it says instead.

    What was rendered once is kept, for the other worker and the next run.
    """
    said, printed = kept.once(
        lambda: _outcome(helm, values, *options, kube=kube), CHART, values, (*options, kube)
    )
    if said is not None:
        raise Refused(said)
    return str(printed)


def rendered(helm: Path, values: Path | None = None, *options: str, kube: str = "1.37.0") -> str:
    """Render, whatever is kept."""
    template = ["template", "initshim", str(CHART), "--namespace", NAMESPACE]
    chosen = ["--values", str(values)] if values else []
    return run(helm, *template, *chosen, "--kube-version", kube, *options)


def _outcome(helm: Path, *given: Any, **more: Any) -> tuple[str | None, str]:
    try:
        return None, rendered(helm, *given, **more)
    except Refused as refused:
        return str(refused), ""


def objects(
    helm: Path, values: Path | None = None, *options: str, kube: str = "1.37.0"
) -> list[Object]:
    """Give the rendered objects, helm's test included."""
    return parse(text(helm, values, *options, kube=kube))


def fits(values: Path, kube: str) -> bool:
    """Is the set of values meant for that Kubernetes?

    Image volumes are on from 1.35, MutatingAdmissionPolicy from 1.36.
    """
    oldest = {"image-volume": 35, "both": 36}
    return int(kube.split(".")[1]) >= oldest.get(values.stem, 0)


def one(found: list[Object], kind: str) -> Object:
    """Give the only object of a kind."""
    (only,) = of(found, kind)
    return only


def of(found: list[Object], kind: str) -> list[Object]:
    """Give every object of a kind."""
    return [each for each in found if each["kind"] == kind]


def pod_spec(found: list[Object]) -> Object:
    """Give the webhook's own pod spec."""
    spec: Object = one(found, "Deployment")["spec"]["template"]["spec"]
    return spec


def environment(found: list[Object]) -> dict[str, str]:
    """Give the webhook's environment."""
    container = pod_spec(found)["containers"][0]
    return {entry["name"]: entry["value"] for entry in container["env"]}
