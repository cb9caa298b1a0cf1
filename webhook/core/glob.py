"""Globs as Go's `filepath.Match` reads them, matched in linear time.

All places of the pattern that a text can be at are kept in one number, a bit each: one step for
each character of the text, whatever the pattern is. Going back would cost a hostile pattern's text
to the power of its stars.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

SPECIAL = frozenset("*?[\\")
_LONGEST = 255

_Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, compiled: which of its places accept a character, as bits."""

    literals: Mapping[str, int]
    classes: tuple[tuple[int, _Test], ...]
    anything: int
    stars: int
    end: int

    def matches(self, text: str) -> bool:
        """Tell whether all of a text is as the pattern says."""
        if len(text) > _LONGEST:
            return False
        places = self._past_stars(1)
        for character in text:
            accept = self.literals.get(character, 0) | self.anything
            for place, test in self.classes:
                accept |= place if test(character) else 0
            places = self._past_stars((places & accept) << 1 | (places & self.stars))
            if not places:
                return False
        return bool(places & self.end)

    def _past_stars(self, places: int) -> int:
        """A star may stand for nothing; there are no two in a row."""
        return places | (places & self.stars) << 1


def compile_glob(pattern: str) -> Glob | None:
    """Compile a pattern; None for one that Go refuses, which matches nothing."""
    literals: dict[str, int] = {}
    classes: list[tuple[int, _Test]] = []
    anything, stars, at, place = 0, 0, 0, 1
    while at < len(pattern) and place.bit_length() <= _LONGEST:
        character = pattern[at]
        at += 1
        if character == "*":
            if stars << 1 & place:
                continue
            stars |= place
        elif character == "?":
            anything |= place
        elif character == "[":
            found = _class(pattern, at)
            if found is None:
                return None
            test, at = found
            classes.append((place, test))
        else:
            if character == "\\":
                if at == len(pattern):
                    return None
                character, at = pattern[at], at + 1
            literals[character] = literals.get(character, 0) | place
        place <<= 1
    return Glob(literals, tuple(classes), anything, stars, place) if at == len(pattern) else None


def _class(pattern: str, at: int) -> tuple[_Test, int] | None:
    """Read `[a-z]` or `[^a-z]` from behind its bracket; give what it accepts, and where it ends."""
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[tuple[str, str]] = []
    while at < len(pattern):
        if pattern[at] == "]" and ranges:
            return _in(tuple(ranges), negated=negated), at + 1
        low = _member(pattern, at)
        if low is None:
            return None
        first, at = low
        last = first
        if pattern.startswith("-", at):
            high = _member(pattern, at + 1)
            if high is None:
                return None
            last, at = high
        ranges.append((first, last))
    return None


def _in(ranges: tuple[tuple[str, str], ...], *, negated: bool) -> _Test:
    return lambda character: any(low <= character <= high for low, high in ranges) is not negated


def _member(pattern: str, at: int) -> tuple[str, int] | None:
    """Read one character of a class; None where Go finds none."""
    if pattern.startswith("\\", at):
        at += 1
    elif pattern[at : at + 1] in ("-", "]"):
        return None
    return (pattern[at], at + 1) if at + 1 < len(pattern) else None
