"""What the demo shows: on a terminal live and in colour, else as plain lines."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from webhook.cli import output
from webhook.cli.demo.call import Answered
from webhook.cli.demo.container import Kind
from webhook.cli.output import OutputFormat
from webhook.core.pod import Json

WITHOUT, WITH = "without initshim", "with initshim"
_KILLED, _TERMINATED = 137, 143
_WIDEST = len(f"{WITHOUT}: still running 5.0 s after TERM")

_PID_1 = (
    "The kernel spares a PID 1 that does not handle TERM; initshim handles it and passes it on."
)
_NOT_PID_1 = "Only PID 1 is spared by TERM: without a PID namespace both end at once."


@dataclass(frozen=True, slots=True)
class Measured:
    """What one container did: zombies at the end, exit code, seconds from TERM to its end."""

    zombies: int
    exit_code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """One container at one moment; `ended` has the exit code once there is one."""

    zombies: int
    ended: int | None = None
    seconds: float = 0.0


class Stage:
    """Shows the demo on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._console.print()
        self._console.print(Text(text, "bold"))

    def line(self, text: str) -> None:
        """Say one thing."""
        self._console.print(Text(text))

    def answered(self, answered: Answered) -> None:
        """Tell what the webhook was asked and said."""
        self.heading("1. The webhook is asked, as the API server asks it")
        self.line(f"POST {answered.url}, {answered.tls}, certificate verified")
        took = f"{answered.milliseconds:.0f} ms, TLS handshake included"
        self.line(f"allowed, with a patch of {len(answered.patch)} operations; {took}")

    def patched(self, before: Json, after: Json) -> None:
        """Show what the patch makes of the pod."""
        self.heading("2. The pod of deployment/leaky, patched")
        lines = difflib.unified_diff(
            output.dumps(before, OutputFormat.YAML).splitlines(keepends=True),
            output.dumps(after, OutputFormat.YAML).splitlines(keepends=True),
            "pod as it came",
            "pod as it goes on",
            n=1,
        )
        output.diff(self._console, lines)

    def running(self, kind: Kind, seconds: float) -> None:
        """Tell how the containers run."""
        self.heading(f"3. Its container runs for {seconds:g} s: as it was, and as it is now")
        if kind.namespaces:
            self.line("each is PID 1 of a PID namespace, uid 65532, without capabilities")
        else:
            self.line(f"no PID namespace ({kind.why}): each is a subreaper, not PID 1")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep lines up to date on a terminal, as long as this lasts."""
        if not self._console.is_terminal or self._console.quiet:
            yield
            return
        with Live(console=self._console, auto_refresh=False, transient=False) as self._live:
            yield
        self._live = None

    def show(self, without: Now, with_: Now, *, at: float, whole: bool) -> None:
        """Show both containers now; without a terminal only where `whole`, for each second."""
        if self._live:
            self._live.update(_picture(without, with_), refresh=True)
        elif whole:
            left, right = f"{WITHOUT}: {_said(without)}", f"{WITH}: {_said(with_)}"
            self._console.print(f"{at:4.0f} s   {left:<{_WIDEST}}   {right}")

    def verdict(self, without: Measured, with_: Measured, *, seconds: float, kind: Kind) -> None:
        """Show the table that it all was for."""
        self.heading("5. What came of it")
        rows: list[tuple[str, Text, Text]] = [
            (
                f"zombies after {seconds:g} s",
                _coloured(str(without.zombies), good=without.zombies == 0),
                _coloured(str(with_.zombies), good=with_.zombies == 0),
            ),
            ("exit code", _exit(without), _exit(with_)),
            ("seconds to stop", _seconds(without), _seconds(with_)),
        ]
        output.table(self._console, ["", WITHOUT, WITH], rows)
        self._console.print()
        self.line(_PID_1 if kind.namespaces else _NOT_PID_1)


def _picture(without: Now, with_: Now) -> Table:
    """A line for each container: a Z for every zombie, as `ps` marks them."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, now in ((WITHOUT, without), (WITH, with_)):
        dead = 0 if now.ended is not None else now.zombies  # with PID 1 all of them are gone
        style = "red" if dead or now.ended == _KILLED else "green"
        zombies = Text("Z" * dead, style, no_wrap=True, overflow="ellipsis")
        grid.add_row(name, Text(_said(now), style), zombies)
    return grid


def _said(now: Now) -> str:
    if now.ended is not None:
        return f"exit code {now.ended} after {now.seconds:.2f} s"
    if now.seconds:
        return f"still running {now.seconds:.1f} s after TERM"
    return f"{now.zombies} zombie{'' if now.zombies == 1 else 's'}"


def _coloured(text: str, *, good: bool) -> Text:
    return Text(text, "green" if good else "red")


def _exit(measured: Measured) -> Text:
    names = {_KILLED: " (KILL)", _TERMINATED: " (TERM)"}
    code = measured.exit_code
    return _coloured(f"{code}{names.get(code, '')}", good=code == _TERMINATED)


def _seconds(measured: Measured) -> Text:
    return _coloured(f"{measured.seconds:.2f}", good=measured.exit_code != _KILLED)
