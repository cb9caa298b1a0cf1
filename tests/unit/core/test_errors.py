"""One tree of errors, drawn where it begins; and messages that can be gone on from."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import webhook
from webhook.core import errors
from webhook.core.errors import BadPod, LookupOff, clause


@cache
def classes() -> tuple[tuple[str, str], ...]:
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
    return tuple((name, base) for name, base in found if base in above)


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
    error = BadPod("it has too many containers", next_step="Take some out.")
    assert f"{error}. {error.next_step}" == "it has too many containers. Take some out."
    assert LookupOff("off").next_step == ""


def raised(source: str) -> Iterator[tuple[int, str, str | None]]:
    """Give line, message and next step of each error that a source makes, as far as literal."""
    names = {name for name, _ in classes()} | {"InitshimError"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and called(node) in names:
            steps = [each.value for each in node.keywords if each.arg == "next_step"]
            yield node.lineno, end(node.args[0]), end(steps[0]) if steps else None


def called(node: ast.Call) -> str:
    return str(getattr(node.func, "id", None) or getattr(node.func, "attr", ""))


def end(text: ast.expr) -> str:
    """Give the last literal part of a text, "…" where it ends with what is filled in."""
    part = text.values[-1] if isinstance(text, ast.JoinedStr) else text
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "…"


# A next step may be, or end with, a command to type.
COMMAND = re.compile(r"(^|: |`)(initshim|kubectl|pip|helm) [^.]*$|--[a-z-]+$")


def unlike_the_others(source: str) -> list[int]:
    return [
        line
        for line, message, step in raised(source)
        if message.endswith(".")
        or (step and not step.endswith((".", "…")) and not COMMAND.search(step))
    ]


def test_every_message_is_a_clause_and_every_next_step_a_sentence_or_a_command() -> None:
    files = list(Path(next(iter(webhook.__path__))).rglob("*.py"))
    assert sum(len(list(raised(file.read_text()))) for file in files) > 150
    assert {
        str(file): lines for file in files if (lines := unlike_the_others(file.read_text()))
    } == {}


def test_a_full_stop_too_many_would_be_found() -> None:
    assert unlike_the_others('raise BadPod(f"{x} is wrong.")') == [1]
    assert unlike_the_others('BadPod("no", next_step="Correct it")') == [1]
    assert not unlike_the_others('BadPod(f"no {pod}", next_step="Run: kubectl get pods")')


def test_a_foreign_error_is_said_in_one_line_and_by_its_type_if_it_says_nothing() -> None:
    assert clause(OSError("No route\n to host.")) == "No route to host"
    assert clause(TimeoutError()) == "TimeoutError"
