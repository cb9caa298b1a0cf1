"""Every documented set of values, on every Kubernetes from 1.27 to 1.37."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from kubernetes_validate import utils

from tests.chart.kinds import problem
from tests.chart.render import CHART, SETS, VERSIONS, Refused, fits, objects, rendered, run, text

each_set = pytest.mark.parametrize("values", SETS, ids=lambda path: path.stem)
CUSTOM = {"PrometheusRule", "ServiceMonitor", "PodMonitor", "Certificate", "Issuer"}
CHANGING = re.compile(
    r"\b(lookup|rand\w+|gen\w+|uuidv4|now|date\w*|htpasswd|bcrypt|getHostByName)\b"
)


@each_set
def test_helm_lints_it_strictly(helm: Path, values: Path) -> None:
    assert run(helm, "lint", "--strict", "--values", str(values), str(CHART))


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have kubernetes_validate parse a version's 2 MB of definitions once, not for each object."""
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize("kube", VERSIONS)
def test_its_objects_are_what_that_kubernetes_knows(helm: Path, kube: str) -> None:
    distinct: dict[str, str] = {}  # most sets share most objects
    for values in SETS:
        if not fits(values, kube):
            with pytest.raises(Refused, match=r"needs Kubernetes 1\.3[56]"):
                objects(helm, values, kube=kube)
            continue
        for each in objects(helm, values, kube=kube):
            if each["kind"] not in CUSTOM:
                distinct.setdefault(json.dumps(each, sort_keys=True), values.stem)
    wrong = {values: said for each, values in distinct.items() if (said := problem(each, kube))}
    assert wrong == {}


@each_set
def test_rendering_it_twice_gives_the_same(helm: Path, values: Path) -> None:
    assert rendered(helm, values) == text(helm, values)


def test_no_template_asks_the_cluster_the_clock_or_chance() -> None:
    """Semantics §6: `lookup` is empty under GitOps; chance is a drift at each sync.

    The check of the values may look whether a namespace is there: it stops, and renders nothing.
    """
    for template in CHART.rglob("templates/**/*"):
        if template.suffix in (".yaml", ".tpl"):
            for action in re.findall(r"\{\{-?(?!-? ?/\*).*?\}\}", template.read_text(), re.DOTALL):
                code = re.sub(r'"[^"]*"', "", action)
                if template.name == "_validate.tpl":
                    code = re.sub(r"\blookup\b", "", code)
                assert not CHANGING.search(code), f"{template.name}: {action}"


def test_there_is_one_template_for_each_kind(helm: Path) -> None:
    for values in SETS:
        for source, kind in re.findall(
            r"# Source: initshim/templates/(\S+)\.yaml\n(?:.*\n)*?kind: (\w+)", text(helm, values)
        ):
            assert source in (kind.lower(), "tests/pod")


def test_matchconditions_are_left_out_where_kubernetes_does_not_know_them(helm: Path) -> None:
    def conditions(kube: str) -> bool:
        return "matchConditions:" in text(helm, kube=kube)

    assert [conditions(kube) for kube in VERSIONS] == [kube >= "1.28.0" for kube in VERSIONS]


@pytest.mark.parametrize("kube", ["v1.31.2-gke.1031000", "v1.30.4-eks-a737599", "v1.29.8+rke2r1"])
def test_vendors_versions_are_understood(helm: Path, kube: str) -> None:
    assert "matchConditions:" in text(helm, kube=kube)


@pytest.mark.parametrize("kube", ["v1.35.0-gke.1", "v1.36.1+k3s1"])
def test_image_volumes_are_allowed_on_vendors_versions(helm: Path, kube: str) -> None:
    assert objects(helm, None, "--set", "delivery=imageVolume", kube=kube)


def test_an_older_kubernetes_is_refused(helm: Path) -> None:
    with pytest.raises(Refused, match=r"requires kubeVersion: >=1\.27"):
        text(helm, kube="1.26.15")
