"""What comes from the code is what the code says now, and the site builds."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from initshim.grammar import OPTIONS
from webhook.core.reasons import UNRESOLVED, Reason
from webhook.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def script(name: str) -> ModuleType:
    """Load a script that is no module of a package."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(
    "name", ["configuration.md", "inits.md", "inject.md", "logs.md", "metrics.md", "reasons.md"]
)
def test_the_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == script("generate").PAGES[name](), "run: make docs"


def test_the_readmes_table_is_the_grammar_of_the_options() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    written: str = script("generate").with_options(readme)
    assert readme == written, "run: make docs"
    assert all(f"`{each.short}`" in readme for each in OPTIONS if each.pod)
    assert script("generate").with_options(readme.replace("| `-g`", "| `-x`")) == readme


def test_the_version_is_the_same_wherever_it_stands() -> None:
    generate = script("generate")
    stale = [each.name for each in generate.versioned() if not _is_stamped(generate, each)]
    assert stale == [], "run: make docs"


def _is_stamped(generate: ModuleType, file: Path) -> bool:
    text = file.read_text()
    stamped: str = generate.stamped(text)
    return text == stamped


def test_a_version_is_found_in_every_place_that_names_one() -> None:
    stamped = script("generate").stamped
    said = 'version: 9.9\nappVersion: "9.9"\nARG VERSION=9.9\nghcr.io/initshim/reaper:9.9\n'
    assert "9.9" not in stamped(said)
    for said in (
        "charts/initshim --version 9.9 -n initshim",
        "initshim/releases/download/v9.9/initshim.yaml",
        "workflows/release.yml@refs/tags/v9.9",
    ):
        assert "9.9" not in stamped(said)
    assert stamped("apiVersion: v2\nARG PYTHON=9.9") == "apiVersion: v2\nARG PYTHON=9.9"


@pytest.mark.parametrize("source", sorted((DOCS / "pictures").glob("*.txt")), ids=lambda p: p.stem)
def test_the_picture_is_what_its_text_says(source: Path) -> None:
    drawn: str = script("draw").picture(source.read_text())
    assert source.with_suffix(".svg").read_text() == drawn, "run: make docs"


@pytest.mark.parametrize("line", ["you => webhook: hello", "nobody -> you: hello"])
def test_a_picture_says_which_line_it_does_not_understand(line: str) -> None:
    with pytest.raises(ValueError, match="hello"):
        script("draw").picture(f"A title\nlanes: you | webhook\n{line}\n")


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("zensical", reason="needs zensical: pip install -e '.[docs]'")
    site = tmp_path / "site"
    publish = [sys.executable, str(DOCS / "publish.py"), "--site", str(site)]
    done = subprocess.run(
        [*publish, "--pages", str(tmp_path / "pages")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(site.rglob("*.html"))) > 40
    for page in site.rglob("*.html"):
        loaded = [part.split('"')[0] for part in page.read_text().split(' src="')[1:]]
        assert not [each for each in loaded if each.startswith(("http", "//"))], page


def test_every_setting_is_in_the_table_with_its_meaning_and_unit() -> None:
    table = (DOCS / "configuration.md").read_text()
    told = script("generate").meanings(Settings)
    for name in Settings.model_fields:
        assert f"| `{name.upper()}` | " in table
        assert told[name].rstrip().endswith((".", ")"))
        assert not name.endswith("_seconds") or "Seconds." in told[name]


def test_every_reason_is_in_the_table_and_who_needs_a_hand_is_told_what_to_do() -> None:
    table = (DOCS / "reasons.md").read_text()
    for reason in Reason:
        assert f"| `{reason}`" in table
        assert reason.meaning.sentence
        assert reason not in UNRESOLVED or reason.meaning.remedy


def test_every_page_is_in_the_navigation(tmp_path: Path) -> None:
    publish = script("publish")
    config = yaml.safe_load(publish.stage(tmp_path).read_text())
    pages = {page.relative_to(tmp_path / "docs").as_posix() for page in tmp_path.rglob("*.md")}
    listed = list(_leaves(config["nav"]))
    assert set(listed) == pages
    assert len(listed) == len(set(listed))


def _leaves(nav: Any) -> Iterator[str]:
    for part in nav.values() if isinstance(nav, dict) else nav:
        if isinstance(part, str):
            yield part
        else:
            yield from _leaves(part)
