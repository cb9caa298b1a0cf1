"""One tree of errors, drawn where it begins; and messages that can be gone on from."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import webhook
from webhook.core import errors
from webhook.core.errors import BadPod, LookupOff, clause


def classes() -> Iterator[tuple[str, str]]:
    """Give each class of the tree with its base's name, wherever in the webhook it is written."""
    files = Path(next(iter(webhook.__path__))).rglob("*.py")
    found = [
        (node.name, base.id)
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    ]
    above = {"InitshimError"}
    while new := {name for name, base in found if base in above} - above:
        above |= new
    return ((name, base) for name, base in found if base in above)


def drawn(text: str) -> Iterator[tuple[str, str]]:
    """Read the drawing: depth by the column of the branch, several names on a line by a dot."""
    above = {0: "InitshimError"}
    for line in text.splitlines():
        branch = re.match(r"([│ ]*)[├└]── (.*)", line)
        if branch:
            depth = len(branch[1]) // 4 + 1
            names = [name.strip().split("  ")[0] for name in branch[2].split(" · ")]
            above[depth] = names[0]
            yield from ((name, above[depth - 1]) for name in names)


def test_the_drawing_is_the_tree() -> None:
    assert sorted(drawn(errors.__doc__ or "")) == sorted(classes())


def test_a_message_is_a_clause_and_the_next_step_a_sentence() -> None:
    error = BadPod("it has too many containers.", next_step="Take some out.")
    assert f"{error}. {error.next_step}" == "it has too many containers. Take some out."
    assert LookupOff("off").next_step == ""


def test_a_foreign_error_is_said_in_one_line_and_by_its_type_if_it_says_nothing() -> None:
    assert clause(OSError("No route\n to host.")) == "No route to host"
    assert clause(TimeoutError()) == "TimeoutError"
