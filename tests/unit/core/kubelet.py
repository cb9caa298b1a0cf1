"""What the node does with a container's command and args: expansion, then argv.

`expand` is a port of kubernetes third_party/forked/golang/expansion (Expand), on bytes as
there; `started` is containerd's WithProcessArgs after it (semantics §1).
"""

from collections.abc import Mapping, Sequence

from initshim.grammar import OPTIONS, Value
from webhook.core.argv import INIT, ImageConfig
from webhook.core.pod import Json

_VALUED = [each for each in OPTIONS if each.value is not Value.NONE]


def expand(text: str, variables: Mapping[str, str]) -> bytes:
    source = text.encode()
    out = bytearray()
    at = 0
    while at < len(source):
        if source[at : at + 1] != b"$" or at + 1 == len(source):
            out += source[at : at + 1]
            at += 1
            continue
        read, is_name, advance = _read_name(source[at + 1 :])
        out += _value(read, variables) if is_name else read
        at += 1 + advance
    return bytes(out)


def _read_name(rest: bytes) -> tuple[bytes, bool, int]:
    if rest[:1] == b"$":
        return b"$", False, 1
    if rest[:1] != b"(":
        # Go turns the one byte into a character: what is not ASCII comes out otherwise.
        return b"$" + rest[:1].decode("latin-1").encode(), False, 1
    end = rest.find(b")", 1)
    return (b"$(", False, 1) if end < 0 else (rest[1:end], True, end + 1)


def _value(name: bytes, variables: Mapping[str, str]) -> bytes:
    value = variables.get(name.decode(errors="replace"))
    return b"$(" + name + b")" if value is None else value.encode()


def variables(container: Json) -> dict[str, str]:
    """The container's own plain variables, each expanded with those before it."""
    known: dict[str, str] = {}
    for each in container.get("env") or ():
        if "value" in each:
            known[each["name"]] = expand(each["value"], known).decode(errors="replace")
    return known


def started(container: Json, image: ImageConfig) -> list[bytes]:
    """What the runtime starts: the pod's strings expanded, the image's as they are."""
    known = variables(container)
    command = [expand(word, known) for word in container.get("command") or ()]
    args = [expand(word, known) for word in container.get("args") or ()]
    if not command:
        args = args or [word.encode() for word in image.cmd]
        if image.entrypoint != ("",):
            command = [word.encode() for word in image.entrypoint]
    return command + args


def behind_reaper(argv: Sequence[bytes]) -> list[bytes]:
    """What the reaper starts, as its own grammar reads argv: itself, options, `--`, program."""
    words = [word.decode(errors="surrogateescape") for word in argv]
    assert words[0] == INIT
    at = 1
    while words[at] != "--":
        assert words[at].startswith("-")
        at += 2 if _takes_next(words[at]) else 1
    return list(argv[at + 1 :])


def _takes_next(word: str) -> bool:
    """Tell whether the option's value is the next word: `-e 143`, `-ge 143`, `--linger 5`."""
    if word.startswith("--"):
        return word[2:] in {each.name for each in _VALUED}
    short = {each.short for each in _VALUED}
    first = next((at for at, letter in enumerate(word) if f"-{letter}" in short), None)
    return first == len(word) - 1
