"""What a plain YAML word means to kubectl, and which words need no quotes.

kubectl reads with go-yaml v2 (sigs.k8s.io/yaml, goyaml.v2/resolve.go): YAML 1.1 booleans, `y`
and `n` included; octal by a leading 0; no sexagesimal numbers. Dates stay words.
"""

import base64
import json
import math
import re
from typing import Any

from webhook.cli.manifest.nodes import Misplaced

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MAYBE = frozenset("yYnNtTfFoO~+-.0123456789")  # what a word that is no string begins with
_INTEGER = re.compile(r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPACED = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 400  # digits; Python refuses to convert more than some thousands
_LEAST, _MOST = -(2**63), 2**64  # Go's int64 and uint64

_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "null": (type(None),),
}

# Words that every YAML reader takes for the same string, in block and in flow.
_SAFE = re.compile(r"[A-Za-z/._][A-Za-z0-9/._@-]*(?::[A-Za-z0-9/._@-]+)*")
_QUANTITY = re.compile(r"[0-9]+[A-Zm][A-Za-z]*")
# What YAML forbids to write out, or reads as a line break.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_ODD = frozenset("._") | {"<<", ".nan", ".inf", "=", "---", "..."}


def resolve(word: str) -> Any:
    """Give the value of a word without quotes (goyaml.v2/resolve.go)."""
    if not word:
        return None
    if word[0] not in _MAYBE:
        return word
    if word in _WORDS:
        return _WORDS[word]
    if _NO_NUMBER.fullmatch(word):
        return math.inf
    digits = word.replace("_", "") if word[0] in "+-0123456789" or _SPACED.fullmatch(word) else word
    if len(digits) > _LONGEST_NUMBER:
        return word
    if _INTEGER.fullmatch(digits) and _LEAST <= (number := _integer(digits)) < _MOST:
        return number
    if _FLOAT.fullmatch(digits) and math.isfinite(real := float(digits)):
        return real
    return word


def tagged(tag: str, word: str, at: int) -> Any:
    """Give the value of a word with a tag. Raises Misplaced at `at` where it does not fit."""
    if word == "<<":
        raise Misplaced("<< takes no tag", at)
    if not tag.startswith(_CORE):
        return word  # somebody's own tag: a string
    kind = tag.removeprefix(_CORE)
    if kind == "binary":
        try:
            return base64.b64decode("".join(word.split()), validate=True).decode()
        except ValueError as error:
            raise Misplaced("this is no text in base64", at) from error
    if kind not in _TYPES:
        if kind in ("timestamp", "merge"):
            raise Misplaced(f"a value with the tag !!{kind} is not supported", at)
        return word
    value = resolve(word)
    if type(value) not in _TYPES[kind]:
        raise Misplaced(f"{word!r} is no !!{kind}", at)
    return float(value) if kind == "float" else value


def key(value: Any, at: int) -> str:
    """Give a key that is no string as kubectl does. Raises Misplaced at `at` where it refuses."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value < 2**63:
        return str(value)
    # Go writes the shortest float of 32 bits; up to six digits that is what %g gives.
    if isinstance(value, float) and float(short := f"{value:g}") == value and "e" not in short:
        return short
    raise Misplaced("kubectl takes no such key: put it in quotes", at)


def _integer(digits: str) -> int:
    """Read an integer as Go's ParseInt with base 0 does: 0644 is octal."""
    bare = digits.lstrip("+-")
    octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
    number = int(bare, 8) if octal else int(bare, 0)
    return -number if digits[0] == "-" else number


def write(value: Any) -> str:
    """Write a value without parts, quoted unless every reader takes the bare word for it."""
    if not isinstance(value, str):
        return json.dumps(value)
    bare = _SAFE.fullmatch(value) and value.lower() not in _ODD and resolve(value) == value
    if bare or _QUANTITY.fullmatch(value):
        return value
    if '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return quote(value)


def quote(text: str) -> str:
    """Write a string in double quotes that YAML and JSON read alike."""
    return visible(json.dumps(text, ensure_ascii=False))


def visible(written: str) -> str:
    """Escape what no reader shows, in JSON on one line: YAML forbids a part of it."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
