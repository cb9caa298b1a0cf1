"""Manifest files: which there are, what is in them, and how a changed one is put back."""

import codecs
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from webhook.base.files import read_capped, read_stream
from webhook.cli.manifest import from_json, from_yaml
from webhook.cli.manifest.nodes import Document, Misplaced
from webhook.cli.manifest.splice import ParseOne
from webhook.core.errors import BadManifest

LARGEST = 64 << 20
_ENDINGS = frozenset({".yaml", ".yml", ".json"})
_BOM = "\ufeff"
_WIDE = {codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF16_LE: "utf-16-le"}
_AS_UTF_8 = "Save it as UTF-8."
_HELM = re.compile(r"\{\{-?\s*[\w.$(\"/]")


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
    encoding: str = "utf-8"

    @property
    def parse_one(self) -> ParseOne:
        """How a document of this kind is read."""
        return from_json.parse_one if self.is_json else from_yaml.parse_one


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
    raw = _bytes(name, shown)
    encoding = next((each for mark, each in _WIDE.items() if raw.startswith(mark)), "utf-8")
    whole = _decoded(raw, shown, encoding)
    text = whole.removeprefix(_BOM)
    is_json, documents = _parsed(text, shown)
    if encoding != "utf-8" and len(documents) > 1:
        raise BadManifest(f"{shown}: kubectl reads only the first document of UTF-16. {_AS_UTF_8}")
    path = None if name == "-" else Path(name)
    mark = whole[: len(whole) - len(text)]
    return Manifest(shown, path, mark, text, documents, is_json, encoding)


def replace(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Put a new text in the place of a file, whole or not at all; its mode stays."""
    target = path.resolve()  # a link stays a link
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode(encoding))
        Path(beside).chmod(target.stat().st_mode & 0o7777)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def place(name: str, text: str, wrong: Misplaced) -> BadManifest:
    """Say where in a file something is wrong: document and line, counted from 1."""
    line = text.count("\n", 0, wrong.at) + 1
    return BadManifest(
        f"{name}, document {wrong.document}, line {line}: {wrong}", next_step=wrong.next_step
    )


def _is_manifest(path: Path) -> bool:
    return path.suffix in _ENDINGS and path.is_file()


def _bytes(name: str, shown: str) -> bytes:
    try:
        if name == "-":
            return read_stream(sys.stdin.buffer, shown, LARGEST)
        return read_capped(Path(name), LARGEST)
    except OSError as error:
        why = f"{shown} can't be read: {error.strerror}" if error.strerror else str(error)
        raise BadManifest(why) from error


def _decoded(raw: bytes, shown: str, encoding: str) -> str:
    # kubectl ends a file with one byte "\n", and drops the "\r" in front of any: what that
    # leaves of UTF-16 has to be whole.
    if encoding != "utf-8" and (len(raw) % 2 or not raw.endswith(b"\n") or b"\r\n" in raw):
        raise BadManifest(f"{shown}, line 1: kubectl can't read UTF-16 like this. {_AS_UTF_8}")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadManifest(f"{shown}, line {line}: this is no {encoding.upper()}") from error


def _parsed(text: str, shown: str) -> tuple[bool, tuple[Document, ...]]:
    """Read JSON where the text begins like it, as kubectl does, and YAML else.

    YAML in braces begins like JSON; what neither can read is reported as what it looks like.
    """
    try:
        if not text.lstrip().startswith("{"):
            return False, tuple(from_yaml.parse(text))
        try:
            return True, tuple(from_json.parse(text))
        except Misplaced as wrong:
            return False, tuple(_yaml_or(wrong, text))
    except Misplaced as wrong:
        if template := _HELM.search(text):
            message = "this is a Helm template: render it first (helm template … | initshim inject)"
            wrong = Misplaced(message, template.start(), wrong.document)
        raise place(shown, text, wrong) from wrong


def _yaml_or(wrong: Misplaced, text: str) -> list[Document]:
    try:
        return from_yaml.parse(text)
    except Misplaced:
        raise wrong from None
