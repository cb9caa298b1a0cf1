"""Build the site: `python docs/publish.py` writes it into build/site.

Pages are read in the repository, too. So they link to its files the way a checkout has them; on
the site such a link leads to the repository, and one to a file that is not there stops the build.
Pages that live beside the code (the chart's README, the changelog) join the site from there, and
a glob in `nav` stands for the pages that it fits. The generator reads the copy that is made here.
"""  # noqa: INP001  # a script

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
JOINING = {
    "chart.md": "charts/initshim/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
_HOME = {source: page for page, source in JOINING.items()}
_LEFT_OUT = frozenset({".py", ".txt", ".yml", ".json"})
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|[#/])([^)#\s]+)(#[^)\s]*)?(?=\))")

_UNNAMED = re.compile(r'aria-labelledby="__nav_([\d_]+)_label"')
_TITLE = re.compile(r'<label class="md-nav__title" for="__nav_([\d_]+)">(.*?)</label>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_EMPTY_HEAD = re.compile(r"<th( [^>]*)?></th>")


class DeadLink(Exception):
    """A page links to a file that is not there."""


def stage(folder: Path) -> Path:
    """Put the pages and the generator's configuration into a folder; give the configuration.

    Raises DeadLink.
    """
    config = yaml.safe_load((DOCS / "site.yml").read_text())
    sources = {page.relative_to(DOCS).as_posix(): page for page in sorted(DOCS.rglob("*.*"))}
    sources |= {page: ROOT / source for page, source in JOINING.items()}
    for name, source in sources.items():
        target = folder / "docs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text = linked(source.read_text(), name, set(sources), config["extra"]["repository"])
            target.write_text(text)
        elif source.suffix not in _LEFT_OUT:
            shutil.copyfile(source, target)
    config["nav"] = _expanded(config["nav"])
    config["site_dir"] = "site"
    written = folder / "mkdocs.yml"
    written.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return written


def linked(markdown: str, name: str, pages: set[str], repository: str) -> str:
    """Turn links to the repository's files into links that work on the site. Raises DeadLink."""
    here = JOINING.get(name, f"docs/{name}")

    def moved(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), match[1]))
        fragment = match[2] or ""
        own = _HOME.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else "")
        if own in pages:
            return posixpath.relpath(own, posixpath.dirname(name) or ".") + fragment
        if not (ROOT / path).exists():
            raise DeadLink(f"{here} links to {path}, which is not there")
        return f"{repository}/blob/main/{path}{fragment}"

    return _LINK.sub(moved, markdown)


def build(folder: Path, site: Path) -> None:
    """Build the site into `site`, by way of `folder`; a warning of the generator ends it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = stage(folder)
    zensical = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", config.name]
    subprocess.run(zensical, cwd=folder, check=True)
    for page in (folder / "site").rglob("*.html"):
        page.write_text(for_everybody(page.read_text()))
    shutil.rmtree(site, ignore_errors=True)
    shutil.move(folder / "site", site)


def for_everybody(html: str) -> str:
    """Name what the theme leaves without a name, for readers who hear a page."""
    titles = dict(_TITLE.findall(html))
    html = _UNNAMED.sub(lambda nav: f'aria-label="{_text(titles.get(nav[1], nav[1]))}"', html)
    html = _EMPTY_HEAD.sub(r"<td\1></td>", html)
    first, found, rest = html.partition('aria-label="On this page"')
    return first + found + rest.replace(found, 'aria-label="On this page, beside it"')


def _text(html: str) -> str:
    return " ".join(_TAG.sub(" ", html).split())


def _expanded(nav: Any) -> Any:
    """Put the pages in place of the globs that stand for them."""
    if isinstance(nav, dict):
        return {title: _expanded(part) for title, part in nav.items()}
    if not isinstance(nav, list):
        return nav
    pages: list[Any] = []
    for part in nav:
        if isinstance(part, str) and "*" in part:
            pages += sorted(page.relative_to(DOCS).as_posix() for page in DOCS.glob(part))
        else:
            pages.append(_expanded(part))
    return pages


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Build the site.")
    options.add_argument("--site", type=Path, default=ROOT / "build/site")
    options.add_argument("--pages", type=Path, default=ROOT / "build/pages")
    given = options.parse_args()
    build(given.pages, given.site)
