"""Every block of values in the cookbooks renders, and the webhook's own readers read its files."""

from pathlib import Path

import pytest
import trustme
import yaml

from tests.chart.render import CHART, of, parse, run
from tests.chart.tools import Missing, program
from tests.docs.blocks import ROOT, Block, blocks
from webhook import settings
from webhook.oci import registries

COOKBOOKS = [ROOT / "docs" / f"{name}.md" for name in ("registries", "platforms", "traces")]
VALUES = list(blocks("yaml", pages=COOKBOOKS))
CA = "/etc/initshim/registry-ca/ca.crt"


@pytest.fixture(scope="module")
def helm() -> Path:
    try:
        return program("helm")
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def a_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.crt"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


@pytest.mark.parametrize("block", VALUES, ids=str)
def test_it_renders_and_its_files_are_read(
    helm: Path, a_ca: Path, tmp_path: Path, block: Block
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(block.text)
    rendered = parse(
        run(helm, "template", "initshim", str(CHART), "--values", str(values), "-n", "initshim")
    )
    given = yaml.safe_load(block.text)
    files = {
        name: text for each in of(rendered, "ConfigMap") for name, text in each["data"].items()
    }
    assert ("registries.yaml" in files) is ("registries" in given)
    for name, text in files.items():
        file = tmp_path / name
        file.write_text(text.replace(CA, str(a_ca)))  # which is mounted in the pod only
        if name == "images.yaml":
            assert settings.image_map(file)
        else:
            read = registries.load(file)
            assert all(read.knows(each) for each in given["registries"] if each != "_default")


def test_the_cookbooks_have_something_to_copy() -> None:
    assert {block.page for block in VALUES} == set(COOKBOOKS)
    assert len(VALUES) > 15
