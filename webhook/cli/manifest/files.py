"""Manifest files: which there are, what is in them, and how a changed one is put back."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from webhook.cli.manifest import from_json, from_yaml
from webhook.cli.manifest.nodes import Document, Misplaced
from webhook.cli.manifest.splice import Parse
from webhook.core.errors import BadManifest

LARGEST = 64 << 20
_ENDINGS = frozenset({".yaml", ".yml", ".json"})
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One file's text and documents; `path` is None for standard input.

    `mark` is the byte order mark that the file begins with, or "": no part of the text.
    """

    name: str
    path: Path | None
    mark: str
    text: str
    documents: tuple[Document, ...]
    is_json: bool

    @property
    def parse(self) -> Parse:
        """How a text of this kind is read."""
        return from_json.parse if self.is_json else from_yaml.parse


def find(given: Iterable[str], *, recursive: bool = False) -> Iterator[str]:
    """Give the files that are meant: `-`, files, and the manifests in folders, by name."""
    for name in given:
        path = Path(name)
        if name == "-" or not path.is_dir():
            yield name
            continue
        found = path.rglob("*") if recursive else path.glob("*")
        yield from (str(each) for each in sorted(found) if _is_manifest(each))


def read(name: str) -> Manifest:
    """Read a file, or standard input for `-`. Raises BadManifest that names the place."""
    shown = "standard input" if name == "-" else name
    whole = _decoded(_bytes(name, shown), shown)
    text = whole.removeprefix(_BOM)
    is_json, documents = _parsed(text, shown)
    path = None if name == "-" else Path(name)
    return Manifest(shown, path, whole[: len(whole) - len(text)], text, documents, is_json)


def replace(path: Path, text: str) -> None:
    """Put a new text in the place of a file, whole or not at all; its mode stays."""
    target = path.resolve()  # a link stays a link
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(beside).chmod(target.stat().st_mode & 0o7777)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def place(name: str, text: str, wrong: Misplaced) -> BadManifest:
    """Say where in a file something is wrong: document and line, counted from 1."""
    line = text.count("\n", 0, wrong.at) + 1
    return BadManifest(f"{name}, document {wrong.document}, line {line}: {wrong}")


def _is_manifest(path: Path) -> bool:
    return path.suffix in _ENDINGS and path.is_file()


def _bytes(name: str, shown: str) -> bytes:
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(LARGEST + 1)
    except OSError as error:
        raise BadManifest(f"{shown} can't be read: {error.strerror or error}") from error
    if len(raw) > LARGEST:
        raise BadManifest(f"{shown} is larger than {LARGEST >> 20} MiB")
    return raw


def _decoded(raw: bytes, shown: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadManifest(f"{shown}, line {line}: this is no UTF-8") from error


def _parsed(text: str, shown: str) -> tuple[bool, tuple[Document, ...]]:
    """Read JSON where the text begins like it, as kubectl does, and YAML else.

    YAML in braces begins like JSON; what neither can read is reported as what it looks like.
    """
    try:
        if not text.lstrip(" \t\r\n").startswith("{"):
            return False, tuple(from_yaml.parse(text))
        try:
            return True, tuple(from_json.parse(text))
        except Misplaced as wrong:
            return False, tuple(_yaml_or(wrong, text))
    except Misplaced as wrong:
        raise place(shown, text, wrong) from wrong


def _yaml_or(wrong: Misplaced, text: str) -> list[Document]:
    try:
        return from_yaml.parse(text)
    except Misplaced:
        raise wrong from None
