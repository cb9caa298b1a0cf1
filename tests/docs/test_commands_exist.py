"""Every command that a page shows is one that there is, with options that there are."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from tests.chart.render import CHART, run
from tests.chart.tools import Missing, program
from tests.docs.blocks import PAGES, ROOT, commands
from webhook.cli.main import app

# `initshim …` in a sentence, too; what follows a pipe or the line's end is another command.
_QUOTED = re.compile(r"`(initshim [a-z][^`]*)`")

_CODE = "\n".join(file.read_text() for file in sorted((ROOT / "webhook").rglob("*.py")))
NAMES = set(re.findall(r"(?:\{PREFIX\}|\binitshim\.dev/)([a-z-]+)", _CODE))

_OTHERS = [ROOT / "tests" / each for each in ("integration", "reaper")]  # their own settings
_TESTS = "".join(file.read_text() for each in _OTHERS for file in each.rglob("*.py"))


def words(line: str, name: str) -> Iterator[list[str]]:
    """Give the words behind each call of a program within a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    calls: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("|&;<>()"):
            calls.append([])
        elif calls[-1] or not re.match(r"[A-Z_]+=", word):
            calls[-1].append(word)
    yield from (call[1:] for call in calls if call and call[0].split("/")[-1] == name)


def shown(name: str) -> list[tuple[str, list[str]]]:
    """Give where each call of a program is shown, and the words behind its name."""
    found = [(str(block), call) for block, line in commands() for call in words(line, name)]
    if name == "initshim":
        found += [
            (page.name, call)
            for page in PAGES
            for quoted in _QUOTED.findall(page.read_text())
            for call in words(quoted.replace("…", ""), name)
        ]
    return found


@pytest.mark.parametrize(("place", "call"), shown("initshim"), ids=lambda each: str(each)[:60])
def test_initshim_has_the_command_and_its_options(place: str, call: list[str]) -> None:
    command: Any = app
    context = click.Context(app)
    if call and call[0] in app.list_commands(context):
        command, call = app.get_command(context, call[0]), call[1:]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    for word in call:
        if word.startswith("-") and word != "-":
            option = word.partition("=")[0]
            assert option in known | {"--help", "-h"}, f"{place}: {command.name} has no {word}"
    strays = call if command is app else []
    assert not [word for word in strays if not word.startswith("-")], f"{place}: no such command"


def test_every_make_target_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {call[0] for _, call in shown("make") if call}
    for page in PAGES:
        wanted |= set(re.findall(r"`make ([a-z]+)`", page.read_text()))
    assert wanted
    assert wanted <= targets


def test_helm_takes_the_values_that_are_set_on_its_command_line(tmp_path: Path) -> None:
    try:
        helm = program("helm")
    except Missing as missing:
        pytest.skip(str(missing))
    calls = [call for _, call in shown("helm") if "--set" in call]
    assert calls
    for call in calls:
        sets = [call[index + 1] for index, word in enumerate(call) if word == "--set"]
        options = [word for each in sets for word in ("--set", each)]
        run(helm, "template", "initshim", str(CHART), *options, "--output-dir", str(tmp_path))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_annotation_and_setting_that_is_named_exists(page: Path) -> None:
    from webhook.settings import Settings

    text = page.read_text()
    for name in re.findall(r"\binitshim\.dev/([a-z-]+)", text):
        # `kubectl label … initshim.dev/inject-` takes the label away.
        assert name.removesuffix("-") in NAMES, f"{page.name}: initshim.dev/{name}"
    settings = {f"INITSHIM_{name.upper()}" for name in Settings.model_fields}
    for name in re.findall(r"\bINITSHIM_[A-Z_]+\b", text):
        known_here = name in settings or name == "INITSHIM_" or name in _TESTS
        begins = name.endswith("_") and any(each.startswith(name) for each in settings)
        assert known_here or begins, f"{page.name}: {name}"
