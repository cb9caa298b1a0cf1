"""What the GitOps page shows names this chart and this version, and its values render."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import initshim
from tests.chart.render import CHART, of, parse, run
from tests.chart.tools import Missing, program
from tests.docs.blocks import ROOT, blocks

PAGE = ROOT / "docs" / "gitops.md"
OBJECTS = [
    each for block in blocks("yaml", pages=[PAGE]) for each in yaml.safe_load_all(block.text)
]
(TERRAFORM,) = [block.text for block in blocks("hcl", pages=[PAGE])]


def object_of(kind: str) -> dict[str, Any]:
    (found,) = [each for each in OBJECTS if each["kind"] == kind]
    spec: dict[str, Any] = found["spec"]
    return spec


def charts() -> dict[str, tuple[str, str, dict[str, Any], str]]:
    """Give each tool's chart, version, values and namespace."""
    argo = object_of("Application")
    source = argo["source"]
    flux, repository = object_of("HelmRelease"), object_of("OCIRepository")
    assert flux["chartRef"] == {"kind": "OCIRepository", "name": "initshim"}
    said = dict(re.findall(r'(\w+) += "([^"]*)"', TERRAFORM))
    key, names = re.findall(r"yamlencode\(\{ (\w+) = \[([^]]*)\] \}\)", TERRAFORM)[0]
    values = {key: re.findall(r'"([^"]+)"', names)}
    return {
        "Argo CD": (
            f"oci://{source['repoURL']}/{source['chart']}",
            source["targetRevision"],
            source["helm"]["valuesObject"],
            argo["destination"]["namespace"],
        ),
        "Flux": (
            repository["url"],
            repository["ref"]["tag"],
            flux["values"],
            flux["targetNamespace"],
        ),
        "Terraform": (
            f"{said['repository']}/{said['chart']}",
            said["version"],
            values,
            said["namespace"],
        ),
    }


@pytest.mark.parametrize("tool", ["Argo CD", "Flux", "Terraform"])
def test_it_names_this_chart_and_its_values_render(tool: str, tmp_path: Path) -> None:
    try:
        helm = program("helm")
    except Missing as missing:
        pytest.skip(str(missing))
    chart, version, values, namespace = charts()[tool]
    assert chart == "oci://ghcr.io/initshim/charts/initshim"
    assert version == initshim.__version__
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    template = ("template", "initshim", str(CHART), "--values", str(file), "-n", namespace)
    (configuration,) = of(parse(run(helm, *template)), "MutatingWebhookConfiguration")
    for name in values["excludeNamespaces"]:
        assert name in str(configuration["webhooks"][0]["namespaceSelector"])
