"""What the reaper's command line can say: each option once, for everybody who has to know.

From here come the table in the executable and its --help (initshim/build.py), the README's table
(docs/generate.py) and the check of the annotation initshim.dev/options (webhook/core/annotations).
To add an option: its entry here, the place in the reaper that asks for it, its test. The reaper's
sources import the names from initshim.grammar, whose grammar.pxd the build writes from here.
"""

import textwrap
from dataclasses import dataclass
from enum import Enum

MOST_CODE = 255
MOST_SECONDS = 1_000_000
LAST_SIGNAL = 64
FIRST_REAL_TIME = 34
"""glibc's and musl's SIGRTMIN; 32 and 33 are their own."""

SIGNALS = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
)  # fmt: skip
"""Signals 1 to 31 in order, the same on every machine that the reaper is built for."""


class Value(Enum):
    """What an option takes; the letter stands for it in the executable's table."""

    NONE = " "
    CODE = "c"
    """An exit code, 0 to MOST_CODE."""
    SECONDS = "n"
    """0 to MOST_SECONDS."""
    SIGNAL = "s"
    """TERM, SIGTERM, RTMIN+1, 15."""
    REWRITE = "r"
    """Two signals, FROM:TO; TO may be 0."""
    TEXT = "t"
    """Any text but an empty one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the reaper."""

    letter: str
    """What its value is kept under; also its short form, unless it is no letter."""
    name: str
    value: Value = Value.NONE
    shown: str = ""
    """What --help calls the value."""
    effect: str
    pod: bool = False
    """Whether a pod's annotation may set it."""

    @property
    def short(self) -> str:
        """The short form, `-g`; empty where it has none."""
        return f"-{self.letter}" if self.letter.isalpha() else ""

    @property
    def forms(self) -> str:
        """How it is written: `-e, --expect-exit CODE`."""
        name = f"--{self.name} {self.shown}".rstrip()
        return f"{self.short}, {name}" if self.short else f"    {name}"


OPTIONS = (
    Option(
        letter="g",
        name="kill-group",
        effect="send signals to the program's whole process group",
        pod=True,
    ),
    Option(
        letter="a",
        name="all",
        effect="send signals to every process of the container",
        pod=True,
    ),
    Option(
        letter="e",
        name="expect-exit",
        value=Value.CODE,
        shown="CODE",
        effect="treat this exit code as 0; repeatable",
        pod=True,
    ),
    Option(
        letter="r",
        name="rewrite",
        value=Value.REWRITE,
        shown="FROM:TO",
        effect="forward one signal as another, TO 0 drops it; repeatable",
        pod=True,
    ),
    Option(
        letter="l",
        name="linger",
        value=Value.SECONDS,
        shown="SECONDS",
        effect="when the program has ended: TERM to the rest, wait so long, KILL; "
        "another TERM, INT or QUIT ends the wait",
        pod=True,
    ),
    Option(
        letter="p",
        name="parent-death",
        value=Value.SIGNAL,
        shown="SIGNAL",
        effect="the signal to get when the parent dies",
        pod=True,
    ),
    Option(
        letter="s",
        name="subreaper",
        effect="adopt orphans; the default where it is not PID 1",
        pod=True,
    ),
    Option(
        letter="k",
        name="keep-user",
        effect="stay root as PID 1 where the program gives up root; without it, and without "
        "-a, -g and -l, become its user",
        pod=True,
    ),
    Option(
        letter="v",
        name="verbose",
        effect="say what was forwarded; twice: also what was reaped",
        pod=True,
    ),
    Option(
        letter="t",
        name="termination-log",
        value=Value.TEXT,
        shown="FILE",
        effect="where a failure is written, too, if the file exists "
        "(default: /dev/termination-log)",
    ),
    Option(
        letter="+",
        name="install",
        value=Value.TEXT,
        shown="DEST",
        effect="copy this program to DEST and try the copy",
    ),
    Option(letter="V", name="version", effect="print the version"),
    Option(letter="h", name="help", effect="print this"),
)

_USAGE = """\
usage: initshim [options] [--] PROGRAM [ARGUMENT...]
       initshim --install DEST

Runs PROGRAM, forwards signals to it, reaps zombies and exits as it did.

"""

_END = """
Exit status: PROGRAM's, or 128+n where signal n ended it; 127 not found,
126 not executable, 125 own failure, 2 bad option.
Orphans reaped so far: cat /proc/1/comm
"""

_COLUMN = 30


def help_text() -> str:
    """What --help prints, in lines of less than 80 characters."""
    return _USAGE + "".join(map(_help_lines, OPTIONS)) + _END


def _help_lines(option: Option) -> str:
    first, *rest = textwrap.wrap(option.effect, width=79 - _COLUMN)
    lines = [f"  {option.forms}".ljust(_COLUMN) + first, *(" " * _COLUMN + line for line in rest)]
    return "".join(f"{line}\n" for line in lines)


def header() -> str:
    """The C header through which the executable knows all of this.

    The tables are entries that end with NUL; an option's is its letter, its kind of value and its
    name. An option's constant (KILL_GROUP) is the letter that its value is kept under.
    """
    defined = {name: _quoted(text) for name, text in _texts().items()} | _numbers()
    return "".join(f"#define {name} {value}\n" for name, value in defined.items())


def declarations() -> str:
    """What Cython has to know of the header: initshim/grammar.pxd, which the build writes."""
    names = [
        *(f"const char *{name}" for name in _texts()),
        *(f"enum: {name}" for name in _numbers()),
    ]
    return 'cdef extern from "grammar.h" nogil:\n' + "".join(f"    {name}\n" for name in names)


def _texts() -> dict[str, str]:
    return {
        "OPTION_TABLE": "".join(
            f"{each.letter}{each.value.value}{each.name}\0" for each in OPTIONS
        ),
        "SIGNAL_NAMES": "".join(f"{name}\0" for name in SIGNALS),
        "HELP_TEXT": help_text(),
    }


def _numbers() -> dict[str, int | str]:
    return {
        "MOST_CODE": MOST_CODE,
        "MOST_SECONDS": MOST_SECONDS,
        "LAST_SIGNAL": LAST_SIGNAL,
        "FIRST_REAL_TIME": FIRST_REAL_TIME,
        **{constant(each): f"'{each.letter}'" for each in OPTIONS},
        **{f"{each.name}_VALUE": f"'{each.value}'" for each in Value},
    }


def constant(option: Option) -> str:
    """What the reaper's sources call the option: KILL_GROUP for --kill-group."""
    return option.name.replace("-", "_").upper()


def _quoted(text: str) -> str:
    """The text as a C string; a NUL as three octal digits, since a digit may follow it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("\0", "\\000") + '"'
