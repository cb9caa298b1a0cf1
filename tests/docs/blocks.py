"""The fenced blocks of the pages that people copy from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "charts" / "initshim" / "README.md",
    ROOT / "deploy" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page: its language, its text, and the line at which it begins."""

    page: Path
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str, pages: list[Path] = PAGES) -> Iterator[Block]:
    """Give every block in one of these languages, its indentation taken away."""
    for page in pages:
        text = page.read_text()
        for found in _FENCE.finditer(text):
            if found[2] in languages:
                inner = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
                yield Block(page, found[2], inner, text.count("\n", 0, found.start()) + 1)


def commands() -> Iterator[tuple[Block, str]]:
    """Give every command line of the shell blocks, its continuation lines joined."""
    for block in blocks("sh"):
        for line in re.sub(r"\\\n\s*", " ", block.text).splitlines():
            bare = line.partition("  #")[0].strip()
            if bare and not bare.startswith("#"):
                yield block, bare
