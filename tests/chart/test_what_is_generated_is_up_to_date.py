"""Schema, README, deploy/ and versions: written from one place each, and never stale."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import initshim
from tests.chart.render import CHART, ROOT, Object, of, parse, run


def test_schema_readme_and_deploy_are_up_to_date(helm: Path) -> None:
    generate = (str(ROOT / "charts" / "generate.py"), "--check", "--helm", str(helm))
    assert run(Path(sys.executable), *generate) == ""


@pytest.mark.parametrize(("file", "engine"), [("initshim", "webhook"), ("policy", "policy")])
def test_deploy_is_the_chart_with_its_defaults(helm: Path, file: str, engine: str) -> None:
    template = ("template", "initshim", str(CHART), "--namespace", "initshim", "--no-hooks")
    chosen = ("--kube-version", "1.37.0", "--set", f"engine={engine}")
    rendered = run(helm, *template, *chosen)
    written = (ROOT / "deploy" / f"{file}.yaml").read_text()
    assert [without_helm(each) for each in parse(rendered)] == parse(written)
    assert "Helm" not in written


def test_kustomize_builds_deploy(kubectl: Path) -> None:
    built = parse(run(kubectl, "kustomize", str(ROOT / "deploy")))
    (namespace,) = of(built, "Namespace")
    assert {each["metadata"].get("namespace") for each in built} == {
        None,
        namespace["metadata"]["name"],
    }
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert len(built) == 1 + len(parse((ROOT / "deploy" / "initshim.yaml").read_text()))


def test_chart_and_program_have_one_version() -> None:
    (chart,) = parse((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == initshim.__version__


def test_helm_packs_the_chart_with_all_that_it_needs(helm: Path, tmp_path: Path) -> None:
    run(helm, "package", str(CHART), "--destination", str(tmp_path))
    (archive,) = tmp_path.glob("initshim-*.tgz")
    assert "AdmissionReview" in run(
        helm, "template", "initshim", str(archive)
    )  # the test's program is packed too


def test_the_schema_describes_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    undescribed = [
        name
        for name, each in leaves(schema["properties"])
        if name != "global" and not each.get("description", "").endswith((".", ")", "`"))
    ]
    assert undescribed == []


def leaves(properties: Object, prefix: str = "") -> list[tuple[str, Object]]:
    found = []
    for name, each in properties.items():
        if "description" not in each and "properties" in each:
            found += leaves(each["properties"], f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", each))
    return found


def without_helm(each: Any) -> Any:
    """Drop Helm's own labels, wherever they are."""
    if isinstance(each, dict):
        own = ("helm.sh/chart", "app.kubernetes.io/managed-by")
        return {key: without_helm(value) for key, value in each.items() if key not in own}
    return [without_helm(item) for item in each] if isinstance(each, list) else each
