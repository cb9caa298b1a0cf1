"""An image's configuration, whoever gives it: a registry, a file, the list of images."""

from collections.abc import Mapping

from webhook.core import inits
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadInput

# Linux takes no argument over 128 KiB (MAX_ARG_STRLEN) and containers with more than a few KiB
# of image-given argv do not occur; the cap keeps hostile images out of the cache.
LONGEST = 128 << 10
MOST_WORDS = 512
_LONGEST_SIGNAL = 16
_LONGEST_HINT = 100


def read(fields: Mapping[str, object], what: str = "the image") -> ImageConfig:
    """Read `entrypoint` and `cmd`, which may be missing or null; BadInput that names the field.

    `stopsignal`, `env` and `labels` only hint at an init system: what is not of its type is
    passed over. `what` stands at the beginning of the sentence.
    """
    entrypoint, cmd = (_words(fields.get(key), f"{what}'s {key}") for key in ("entrypoint", "cmd"))
    if sum(map(len, (*entrypoint, *cmd))) > LONGEST or len(entrypoint) + len(cmd) > MOST_WORDS:
        raise BadInput(f"{what}'s entrypoint and cmd are too long to be run")
    stop_signal = fields.get("stopsignal")
    stop_signal = stop_signal if isinstance(stop_signal, str) else ""
    found = inits.init_system_of(stop_signal, _texts(fields.get("env")), _labels(fields))
    return ImageConfig(entrypoint, cmd, stop_signal[:_LONGEST_SIGNAL], found[:_LONGEST_HINT])


def _words(value: object, what: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and len(value) > MOST_WORDS:
        raise BadInput(f"{what} has more than {MOST_WORDS} words")
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise BadInput(f"{what} is no list of strings")
    if any("\0" in word for word in value):
        raise BadInput(f"{what} holds a NUL, which no program can be given")
    return tuple(value)


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _labels(fields: Mapping[str, object]) -> dict[str, str]:
    value = fields.get("labels")
    pairs = value.items() if isinstance(value, dict) else ()
    return {name: text for name, text in pairs if isinstance(text, str)}
