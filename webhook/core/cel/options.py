"""What CEL reads of initshim.dev/options, and which values it can, by the reaper's own grammar."""

from initshim import grammar
from initshim.grammar import Value
from webhook.core.annotations import LONGEST_OPTIONS, MOST_OPTIONS, OPTIONS
from webhook.core.cel.literals import literal
from webhook.core.cel.pods import ANNOTATIONS

_WRITTEN = f'{ANNOTATIONS}[?{literal(OPTIONS)}].orValue("")'
GIVEN = f'{_WRITTEN}.split(" ").filter(w, w != "")'
"""The options that a pod asks for, as a list of words."""


def readable() -> tuple[str, ...]:
    """Give the conditions under which the words between the blanks are what is meant."""
    return (
        f"{_WRITTEN}.size() <= {LONGEST_OPTIONS}",
        f"{GIVEN}.size() <= {MOST_OPTIONS}",
        # `(?i)` takes the Kelvin sign for a K.
        f"{_WRITTEN}.matches({literal('^[ -~]*$')})",
        f"{_WRITTEN}.matches({literal(plain_options())})",
    )


def plain_options() -> str:
    """Give a pattern that matches none but right options, written without quotes or escapes.

    It is made from the grammar of the reaper's own command line.
    """
    known = [each for each in grammar.OPTIONS if each.pod]
    switches = "".join(each.letter for each in known if each.short and each.value is Value.NONE)
    forms = [f"-[{switches}]+"]
    for each in known:
        taken = _VALUES.get(each.value, "")
        long = f"--{each.name}(?:=| +)" if taken else f"--{each.name}"
        forms.append(f"(?:{long}|-[{switches}]*{each.letter} *){taken}" if taken else long)
    return f"^ *(?:(?:{'|'.join(forms)})(?: +|$))*$"


def _up_to(most: int) -> str:
    """Give a pattern of the numbers from 0 to `most`, in decimal digits without leading zeros."""
    digits = str(most)
    parts = [f"[1-9][0-9]{{0,{len(digits) - 2}}}", "0"] if len(digits) > 1 else []
    for at, digit in enumerate(digits):
        lowest = 0 if at or len(digits) == 1 else 1
        if int(digit) > lowest:
            rest = len(digits) - at - 1
            parts.append(f"{digits[:at]}[{lowest}-{int(digit) - 1}][0-9]{{{rest}}}")
    return f"(?:{'|'.join([digits, *parts])})"


_OFFSET = _up_to(grammar.LAST_SIGNAL - grammar.FIRST_REAL_TIME)
_NAMED = "|".join((*grammar.SIGNALS, "RTMIN", "RTMAX", f"RTMIN\\+{_OFFSET}", f"RTMAX-{_OFFSET}"))
_SIGNAL = f"(?:(?i:SIG)?(?i:{_NAMED})|[1-9]|[1-5][0-9]|6[0-4])"
_VALUES = {
    Value.CODE: _up_to(grammar.MOST_CODE),
    Value.SECONDS: _up_to(grammar.MOST_SECONDS),
    Value.SIGNAL: _SIGNAL,
    Value.REWRITE: f"{_SIGNAL}:(?:0|{_SIGNAL})",
}
