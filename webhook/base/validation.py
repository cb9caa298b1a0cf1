"""What pydantic found wrong, as one sentence for the person who wrote it."""

from collections.abc import Sequence

from pydantic import ValidationError

_SAID = {"extra_forbidden": "there is no such key", "missing": "is needed"}


def sentence(what: str, error: ValidationError, *, prefix: str = "") -> str:
    """Say what is wrong and where, without the values: one of them may be a secret."""
    problems = dict.fromkeys(
        f"{_place(problem['loc'], prefix)}{_SAID.get(problem['type'], problem['msg'])}".replace(
            "Value error, ", ""
        )
        for problem in error.errors(include_input=False, include_url=False)
    )
    return f"{what}: {'; '.join(problems)}"


def _place(loc: Sequence[int | str], prefix: str) -> str:
    """Name a setting by its variable, and an entry by where it stands in its file."""
    name = f"{prefix}{loc[0]}".upper() if prefix and loc else ".".join(map(str, loc))
    return f"{name}: " if name else ""
