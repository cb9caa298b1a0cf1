"""Command lines that can't be understood: exit code 2, one line, in our words."""

import re

import pytest
from typer.testing import CliRunner

from webhook.cli.main import app


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nope",), "initshim: No such command 'nope'. See initshim --help.\n"),
        (("audit", "--nope"), "initshim audit: No such option: --nope. See initshim audit --help."),
        (("audit", "--fail-on", "x"), "initshim audit: --fail-on: 'x' is not one of 'missed'"),
        (("doctor", "--timeout", "0"), "initshim doctor: --timeout: must be at least 1. See "),
        (("doctor", "--timeout", "soon"), "initshim doctor: --timeout: must be a number. See "),
        (("entrypoint",), "initshim entrypoint: Missing argument 'IMAGE'. See "),
        (("audit", "--what-if", "a", "-n", "b"), "initshim audit: --what-if is a question of its"),
        (("audit", "--reaped", "--restart"), "initshim audit: --reaped is a question of its own"),
    ],
)
def test_a_wrong_command_line_is_said_in_one_style(words: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(app, list(words), prog_name="initshim")
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert result.stdout == ""
    assert not re.search("Input should|Value error|parse", result.stderr)
