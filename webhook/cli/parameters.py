"""Types of command-line parameters, whose errors speak to a person."""

from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click

E = TypeVar("E", bound=Enum)

FILE = click.Path(path_type=Path, dir_okay=False)


class OneOf(click.Choice[E]):
    """One of an enumeration's values, as they are written."""

    def normalize_choice(self, choice: Any, ctx: click.Context | None) -> str:  # noqa: ARG002 - the interface's
        """See click.Choice: compare by value, where click compares by name."""
        return str(choice.value if isinstance(choice, Enum) else choice)


class Number(click.FloatRange):
    """A number between two others."""

    name = "number"


class WholeNumber(click.IntRange):
    """A whole number between two others."""

    name = "whole number"
