"""A changed document as a few changes of its text: every byte that says the same stays.

The places of what changed are looked for in the text, the new parts are written there in the
style that the document has. The result is read again and must say exactly what was wanted.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from webhook.cli.manifest.edits import Edit, Editor
from webhook.cli.manifest.layout import Layout
from webhook.cli.manifest.nodes import Document, Misplaced, Values, same
from webhook.cli.manifest.render import Style

ParseOne = Callable[[str], Document]
_ROUNDS = 4
_ANEW = "Or try --output yaml, which writes every document anew."
_RIGID = "it is written in a way that can't be changed in place"


def splice(document: Document, values: Values, wanted: Any, parse_one: ParseOne) -> str:
    """Give a document's text, changed so that it says `wanted`.

    The first round changes what is written out. What other places saw of that through an
    alias, or should have seen and could not, is written out there in the rounds that follow.

    Raises Misplaced where it can't be done, with the place in the whole text.
    """
    try:
        return _spliced(document, values, wanted, parse_one)
    except Misplaced as error:
        at = error.at + document.start
        raise Misplaced(str(error), at, document.number, next_step=_ANEW) from error


def _spliced(document: Document, values: Values, wanted: Any, parse_one: ParseOne) -> str:
    first: int | None = None
    for attempt in range(_ROUNDS):
        text = document.text
        if same(values.root, wanted):
            return text
        edits = [*_edits(document, values, wanted, expand=attempt > 0)]
        if first is None:
            first = min((edit.start for edit in edits), default=0)
        text = _replaced(text, edits)
        try:
            document = parse_one(text)
            values = document.values()
        except Misplaced as error:
            raise Misplaced(_RIGID, first) from error
    raise Misplaced(_RIGID, first or 0)


def _edits(document: Document, values: Values, wanted: Any, *, expand: bool) -> list[Edit]:
    text, root = document.text, document.root
    if root is None:
        return []
    # The first list of a document shows where its dashes stand.
    dash = next(Layout(text).dash_offsets(root), 0)
    style = Style("\r\n" if "\r\n" in text else "\n", dense=_is_dense(text))
    editor = Editor(text, values, replace(style, dash=dash), expand=expand)
    return [*editor.edits(root, wanted, None)]


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
