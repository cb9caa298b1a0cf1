"""What a plain YAML word means to kubectl, and which words need no quotes.

kubectl reads with go-yaml v2 (sigs.k8s.io/yaml, goyaml.v2/resolve.go): YAML 1.1 booleans, `y`
and `n` included; octal by a leading 0; no sexagesimal numbers. Dates stay words.
"""

import json
import re
from typing import Any

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 400  # digits; Python refuses to convert more than some thousands

# Words that every YAML reader takes for the same string, in block and in flow.
_SAFE = re.compile(r"[A-Za-z/._][A-Za-z0-9/._@-]*(?::[A-Za-z0-9/._@-]+)*")
_QUANTITY = re.compile(r"[0-9]+[A-Zm][A-Za-z]*")
# What YAML forbids to write out, or reads as a line break.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_ODD = frozenset("._") | {"<<", ".nan", ".inf", "=", "---", "..."}


def resolve(word: str) -> Any:
    """Give the value of a word without quotes."""
    if word in _WORDS:
        return _WORDS[word]
    digits = word.replace("_", "") if word[0] in "+-0123456789" else word
    if len(digits) > _LONGEST_NUMBER:
        return word
    if _INTEGER.fullmatch(digits):
        return _integer(digits)
    return float(digits) if _FLOAT.fullmatch(digits) else word


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
