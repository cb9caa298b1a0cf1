"""What pydantic found wrong, as one sentence for the person who wrote it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

# In plain words, by pydantic's type of error; {…} are values that it gives.
_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "finite_number": "must be a number that ends",
    "extra_forbidden": "there is no such key",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "mapping_type": "must be a mapping",
    "missing": "is needed",
    "model_type": "must be a mapping",
    "path_type": "must be a path",
    "string_pattern_mismatch": "is not of the form {pattern}",
    "string_too_short": "must not be empty",
    "string_type": "must be a text",
    "too_short": "must not be empty",
}

# What our own validators say; everything else is pydantic's own words, which speak of its inputs.
_OURS = frozenset({"value_error"})


def sentence(what: str, error: ValidationError, *, prefix: str = "") -> str:
    """Say what is wrong and where, without the values: one of them may be a secret."""
    problems = dict.fromkeys(
        f"{_place(problem['loc'], prefix)}{words(problem)}"
        for problem in error.errors(include_input=False, include_url=False)
    )
    return f"{what}: {'; '.join(problems)}"


def words(problem: Mapping[str, Any]) -> str:
    """Say one problem in plain words: one of ValidationError.errors()."""
    if problem["type"] in _OURS:
        return str(problem["msg"]).removeprefix("Value error, ")
    known = _WORDS.get(str(problem["type"]), "can't be used")
    return known.format(**(problem.get("ctx") or {}))


def _place(loc: Sequence[int | str], prefix: str) -> str:
    """Name a setting by its variable, and an entry by where it stands in its file."""
    name = f"{prefix}{loc[0]}".upper() if prefix and loc else ".".join(map(str, loc))
    return f"{name}: " if name else ""
