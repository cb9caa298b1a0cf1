"""Parameters that commands share, and their types, whose errors speak to a person."""

import math
import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click

from webhook.core import image
from webhook.core.errors import BadReference

E = TypeVar("E", bound=Enum)
Command = TypeVar("Command", bound=Callable[..., Any])

_KUBECONFIG = "The kubeconfig file; else $KUBECONFIG, ~/.kube/config, or the pod's own account."
FILE = click.Path(path_type=Path, dir_okay=False)
_LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_LONGEST_NAME = 253


class OneOf(click.Choice[E]):
    """One of an enumeration's values, as they are written."""

    def normalize_choice(self, choice: Any, ctx: click.Context | None) -> str:  # noqa: ARG002 - the interface's
        """See click.Choice: compare by value, where click compares by name."""
        return str(choice.value if isinstance(choice, Enum) else choice)


class Number(click.FloatRange):
    """A number between two others."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See click.ParamType: `nan` is a float, and is below no limit."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class WholeNumber(click.IntRange):
    """A whole number between two others."""

    name = "whole number"


class Span(click.ParamType[int]):
    """A time: seconds, or a number with s, m or h behind it; 1 second at the least."""

    name = "time"
    _UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}  # noqa: RUF012 - never written to

    def __init__(self, most: int) -> None:
        """`most`: seconds."""
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See click.ParamType."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,9})([smh]?)", value)
        if found is None:
            self.fail(f"{value!r} is no time: write 30, 90s, 10m or 1h", param, ctx)
        seconds = int(found[1]) * self._UNITS[found[2]]
        if not 1 <= seconds <= self._most:
            self.fail(f"{value!r} is not from 1 s to {self._most:,} s", param, ctx)
        return seconds


class Name(click.ParamType[str]):
    """A name of a Kubernetes object: RFC 1123's labels, with dots between them where `dots`.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    """

    name = "name"

    def __init__(self, what: str, *, dots: bool = False) -> None:
        self._what = what
        self._pattern = re.compile(rf"{_LABEL}(?:[.]{_LABEL})*" if dots else _LABEL)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click.ParamType."""
        if not self._pattern.fullmatch(value) or len(value) > _LONGEST_NAME:
            why = "lower-case letters, digits and - between them"
            self.fail(f"{value!r} is no {self._what}'s name: {why}", param, ctx)
        return str(value)


class Image(click.ParamType[str]):
    """An image's name, as a container runtime takes it."""

    name = "image"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click.ParamType; the name stays as it was written."""
        try:
            image.parse(value)
        except BadReference as error:
            self.fail(str(error), param, ctx)
        return str(value)


NAMESPACE = Name("namespace")
NODE = Name("node", dots=True)


def output_option(default: Enum, text: str) -> Callable[[Command], Command]:
    """Give `--output FORMAT`, one of the enumeration that the default is of."""
    return click.option(
        "--output",
        "-o",
        "output_format",
        type=OneOf(type(default)),
        default=default,
        metavar="FORMAT",
        help=text,
    )


def cluster_options(command: Command) -> Command:
    """Give a command `--kubeconfig` and `--context`, which say whose API server it asks."""
    options = (
        click.option("--kubeconfig", type=FILE, metavar="FILE", help=_KUBECONFIG),
        click.option("--context", metavar="NAME", help="The kubeconfig's context."),
    )
    for option in reversed(options):  # the first stands first in --help, as written decorators do
        command = option(command)
    return command
