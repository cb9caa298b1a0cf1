"""What MkDocs does not do by itself; its `hooks` name this file.

Pages are read in the repository, too. So they link to its files the way a checkout has them; on
the site such a link leads to the repository, and one to a file that is not there stops the build.
Pages that live beside the code (the chart's README, the changelog) join the site from there, and
a glob in `nav` stands for the pages that it fits.
"""  # noqa: INP001  # loaded by MkDocs

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
JOINING = {
    "chart.md": "charts/initshim/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
_HOME = {source: page for page, source in JOINING.items()}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|[#/])([^)#\s]+)(#[^)\s]*)?(?=\))")
_log = logging.getLogger("mkdocs.hooks.pages")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages in place of the globs that stand for them."""
    config.nav = _expanded(config.nav, Path(config.docs_dir))
    return config


def _expanded(nav: Any, folder: Path) -> Any:
    if isinstance(nav, dict):
        return {title: _expanded(part, folder) for title, part in nav.items()}
    if not isinstance(nav, list):
        return nav
    pages: list[Any] = []
    for part in nav:
        if isinstance(part, str) and "*" in part:
            pages += sorted(page.relative_to(folder).as_posix() for page in folder.glob(part))
        else:
            pages.append(_expanded(part, folder))
    return pages


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that live elsewhere in the repository."""
    for page, source in JOINING.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to the repository's files into links that work on the site."""
    here = JOINING.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def moved(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), match[1]))
        fragment = match[2] or ""
        own = _HOME.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else "")
        if files.get_file_from_path(own):
            return posixpath.relpath(own, posixpath.dirname(page.file.src_uri) or ".") + fragment
        if not (ROOT / path).exists():
            _log.warning("%s links to %s, which is not there", here, path)
        return f"{config.repo_url}/blob/main/{path}{fragment}"

    return _LINK.sub(moved, markdown)
