"""What a person reads of findings, on a terminal of some width, and what a machine reads."""

import json

import click
import pytest

from webhook.cli.doctor.finding import Subject
from webhook.cli.doctor.print_findings import print_findings
from webhook.cli.output import OutputFormat
from webhook.kube.errors import KubeError

SERVICE = Subject("service", "Service initshim/initshim")
COMMAND = "kubectl -n initshim get pods,endpointslices,service --show-labels --output wide"
FINDINGS = [
    SERVICE.ok("2 of 2 endpoints ready on port 443"),
    SERVICE.info("worth knowing"),
    SERVICE.warning("a sentence that is longer than a narrow terminal is wide", COMMAND),
    SERVICE.warning("another", "first\nsecond"),
    Subject("rights", "Account").error("it may not", "grant it"),
    Subject("rights", "Account").unknown(KubeError("no answer", next_step="Try again later.")),
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Standard output is a terminal, with colours."""
    for name in ("NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    return monkeypatch


def text(*, quiet: bool = False) -> None:
    print_findings(FINDINGS, server="https://x", output_format=OutputFormat.TEXT, quiet=quiet)


def test_a_terminal_gets_lines_that_fit_and_commands_that_are_whole(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv("COLUMNS", "60")
    text()
    printed = capsys.readouterr().out
    assert click.unstyle(printed).splitlines() == [
        "service",
        "  ok       Service initshim/initshim: 2 of 2 endpoints ready",
        "           on port 443",
        "  info     Service initshim/initshim: worth knowing",
        "  warning  Service initshim/initshim: a sentence that is",
        "           longer than a narrow terminal is wide",
        f"           {COMMAND}",
        "  warning  Service initshim/initshim: another",
        "           first",
        "           second",
        "rights",
        "  error    Account: it may not",
        "           grant it",
        "  unknown  Account: could not look: no answer",
        "           Try again later.",
        "1 ok, 1 info, 2 warnings, 1 unknown, 1 error",
    ]
    for coloured in ("\x1b[1;31merror  ", "\x1b[33mwarning", "\x1b[35munknown", "\x1b[32mok"):
        assert coloured in printed


def test_a_terminal_without_room_gets_all_the_same(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv("COLUMNS", "8")
    text()
    printed = "".join(click.unstyle(capsys.readouterr().out).split())
    assert "asentencethatislongerthananarrowterminaliswide" in printed


def test_what_is_no_terminal_gets_one_line_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    text(quiet=True)
    assert capsys.readouterr().out.splitlines()[:4] == [
        "service",
        "  info     Service initshim/initshim: worth knowing",
        (
            "  warning  Service initshim/initshim: a sentence that is longer than a narrow "
            "terminal is wide"
        ),
        f"           {COMMAND}",
    ]


def test_foreign_words_move_no_cursor(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A registry's, a kubelet's, another webhook's: they come through the API server."""
    terminal.setenv("COLUMNS", "200")
    said = SERVICE.warning("Failed: \x1b[2Jall \x9b1mis well", "kubectl \x1b]0;title\x07get")
    print_findings([said], server="", output_format=OutputFormat.TEXT, quiet=False)
    printed = click.unstyle(capsys.readouterr().out)
    assert printed.splitlines()[1:3] == [
        "  warning  Service initshim/initshim: Failed:  [2Jall  1mis well",
        "           kubectl  ]0;title get",
    ]


def test_machines_get_everything_also_where_people_want_less(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_findings(FINDINGS, server="https://x", output_format=OutputFormat.JSON, quiet=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["server"], said["severity"]) == ("https://x", "error")
    assert [each["severity"] for each in said["findings"]] == [
        "ok", "info", "warning", "warning", "error", "unknown",
    ]  # fmt: skip
    assert said["findings"][5] == {
        "check": "rights",
        "severity": "unknown",
        "object": "Account",
        "what": "could not look: no answer",
        "remedy": "Try again later.",
    }
