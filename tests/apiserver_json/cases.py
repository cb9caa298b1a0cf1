"""JSON by which decoders differ: who reads it, and what becomes of it here.

A case with `instead` is one of the differences that docs/adr/0006 lists by its title.
"""

from dataclasses import dataclass

POD, ANYTHING, DOCKER, TOKEN = "p", "a", "d", "t"


@dataclass(frozen=True, slots=True)
class Case:
    """A text, its reader over there, and what we do instead of what that does, if we do."""

    title: str
    reader: str
    text: bytes
    instead: str = ""

    @property
    def question(self) -> bytes:
        """What the program is asked."""
        return self.reader.encode() + self.text


def _deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def _container(fields: str) -> bytes:
    return f'{{"spec":{{"containers":[{{"name":"a",{fields}}}]}}}}'.encode()


def _pod(text: str) -> bytes:
    return text.encode()


_SKIPPED = "skipped"
_REFUSED = "refused"

CASES: tuple[Case, ...] = (
    *(
        Case(f"{what} anywhere", ANYTHING, text)
        for what, text in (
            ("a field that is there twice", b'{"a":1,"a":2}'),
            ("an object that is there twice", b'{"a":{"x":1},"a":{"y":2}}'),
            ("NaN", b"[NaN]"),
            ("Infinity", b"[-Infinity]"),
            ("a comment", b"[1] // x"),
            ("a trailing comma", b"[1,]"),
            ("a byte order mark", b"\xef\xbb\xbf{}"),
            ("a second text", b"{} {}"),
            ("nothing", b""),
            ("single quotes", b"'a'"),
            ("a key without quotes", b"{a:1}"),
            ("a leading zero", b"[01]"),
            ("a leading plus", b"[+1]"),
            ("a fraction without digits", b"[5.]"),
            ("hexadecimal", b"[0x10]"),
            ("a number beyond 64 bits", b"[18446744073709551616, -9223372036854775809]"),
            ("a number beyond a float", b"[1e400]"),
            ("a number below a float", b"[1e-400]"),
            ("minus zero", b"[-0.0]"),
            ("a control character", b'["\x01"]'),
            ("an escaped NUL", b'["\\u0000"]'),
            ("an unknown escape", b'["\\x41"]'),
            ("a surrogate pair", b'["\\ud83d\\ude00"]'),
            ("300 levels", _deep(300)),
            ("10,001 levels", _deep(10_001)),
        )
    ),
    Case("half of a surrogate pair", ANYTHING, b'["\\ud800"]', _REFUSED),
    Case("bytes that are no UTF-8", ANYTHING, b'["\xff"]', _REFUSED),
    Case("9,000 levels where nobody reads", POD, b'{"x":' + _deep(9_000) + b"}", _REFUSED),
    *(
        Case(f"{what} in a pod", POD, text)
        for what, text in (
            ("a key in another case", _pod('{"Spec":{"hostPID":true},"spec":{"HostPID":true}}')),
            ("a field that nobody knows", _container('"mine":{"command":["x"]},"image":"i"')),
            ("null for a spec", _pod('{"metadata":{"name":"x"},"spec":null}')),
            ("null for lists", _container('"command":null,"args":null,"volumeMounts":null')),
            ("null for a map", _pod('{"metadata":{"annotations":null,"labels":null}}')),
            ("null for a boolean", _pod('{"spec":{"hostPID":null}}')),
            ("null for all amounts", _container('"resources":{"requests":null,"limits":null}')),
            ("an amount as a number", _container('"resources":{"requests":{"cpu":2}}')),
            ("a name twice", _pod('{"metadata":{"name":"x","name":"y"}}')),
            ("a number for a name", _pod('{"metadata":{"name":5}}')),
            ("a string for a boolean", _pod('{"spec":{"hostPID":"true"}}')),
            ("a list for an object", _pod('{"spec":[]}')),
            ("an object for a list", _pod('{"spec":{"containers":{}}}')),
            ("a number in a command", _container('"command":["a",1]')),
            (
                "a fraction for a whole number",
                _pod('{"spec":{"securityContext":{"runAsUser":0.5}}}'),
            ),
        )
    ),
    Case(
        "null for one amount under `resources`",
        POD,
        _container('"resources":{"requests":{"cpu":null}}'),
        "kept as null, which is read as 0 again",
    ),
    Case("null for a string of a list", POD, _container('"command":["a",null]'), _REFUSED),
    Case("null for an annotation", POD, _pod('{"metadata":{"annotations":{"a":null}}}'), _REFUSED),
    Case("null for a container", POD, _pod('{"spec":{"containers":[null]}}'), _REFUSED),
    Case(
        "an object of a pod that is there twice",
        POD,
        _pod('{"spec":{"hostPID":true},"spec":{"nodeName":"x"}}'),
        "the last one counts",
    ),
    Case("a wrong type where nobody reads", POD, _pod('{"spec":{"priority":"high"}}'), _SKIPPED),
    Case(
        "a number out of range where nobody reads",
        POD,
        _pod('{"spec":{"priority":1e400}}'),
        _SKIPPED,
    ),
    Case(
        "an amount that is none",
        POD,
        _container('"resources":{"requests":{"cpu":"much"}}'),
        "copied as it is",
    ),
    *(
        Case(f"{what} in a docker configuration", DOCKER, text)
        for what, text in (
            ("a registry twice", b'{"auths":{"r":{"username":"a"},"r":{"username":"b"}}}'),
            ("NaN", b'{"auths":{"r":{"username":NaN}}}'),
            ("a number beyond 64 bits", b'{"auths":{},"x":123456789012345678901234567890}'),
        )
    ),
    Case(
        "a key in another case, in a docker configuration",
        DOCKER,
        b'{"AUTHS":{"r":{"username":"a"}}}',
        "another key",
    ),
    *(
        Case(f"{what} in a token server's answer", TOKEN, text)
        for what, text in (
            ("a token twice", b'{"token":"a","token":"b"}'),
            ("a life as a number", b'{"token":"a","expires_in":300}'),
            ("null for a life", b'{"token":"a","expires_in":null}'),
        )
    ),
    Case(
        "a life beyond 64 bits, in a token server's answer",
        TOKEN,
        b'{"token":"a","expires_in":123456789012345678901234567890}',
        "an hour",
    ),
    Case(
        "a life as a string, in a token server's answer",
        TOKEN,
        b'{"token":"a","expires_in":"300"}',
        "a minute",
    ),
)
