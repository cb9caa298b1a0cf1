"""A changed document as a few changes of its text: every byte that says the same stays.

The places of what changed are looked for in the text, the new parts are written there in the
style that the document has. The result is read again and must say exactly what was wanted.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from webhook.cli.manifest.edits import Edit, Editor
from webhook.cli.manifest.layout import Layout
from webhook.cli.manifest.nodes import Document, Misplaced
from webhook.cli.manifest.render import Style
from webhook.core.errors import BadManifest
from webhook.core.patch import diff

Parse = Callable[[str], list[Document]]
_ROUNDS = 4
_RIGID = "it is written in a way that can't be changed in place"


def splice(text: str, wanted: list[Any], parse: Parse) -> str:
    """Change a text so that its documents say `wanted`. Raises BadManifest where it can't.

    The first round changes what is written out. What other places saw of that through an
    alias, or should have seen and could not, is written out there in the rounds that follow.
    """
    documents = parse(text)
    for attempt in range(_ROUNDS):
        pairs = zip(documents, wanted, strict=True)
        left = [(each, data) for each, data in pairs if diff(each.data(), data)]
        if not left:
            return text
        style = Style("\r\n" if "\r\n" in text else "\n", dense=_is_dense(text))
        edits: list[Edit] = []
        for document, data in left:
            if document.root:
                # The first list of a document shows where its dashes stand.
                dash = next(Layout(text).dash_offsets(document.root), 0)
                editor = Editor(text, replace(style, dash=dash), expand=attempt > 0)
                edits += editor.edits(document.root, data, None)
        text = _replaced(text, edits)
        documents = _again(text, parse, len(wanted))
    raise BadManifest(_RIGID)


def _again(text: str, parse: Parse, count: int) -> list[Document]:
    try:
        documents = parse(text)
    except Misplaced as error:
        raise BadManifest(_RIGID) from error
    if len(documents) != count:
        raise BadManifest(_RIGID)
    return documents


def _replaced(text: str, edits: list[Edit]) -> str:
    """Carry out the edits; of two at one place the inner one was found first."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join((*parts, text[done:]))


def _is_dense(text: str) -> bool:
    """Tell whether a text is JSON without a space between its parts."""
    return '":"' in text and '": ' not in text
