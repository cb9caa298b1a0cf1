"""An image's configuration, whoever gives it: a registry, a file, the list of images."""

from collections.abc import Mapping

from webhook.core.argv import ImageConfig
from webhook.core.errors import BadInput

# Linux takes no argument over 128 KiB (MAX_ARG_STRLEN) and containers with more than a few KiB
# of image-given argv do not occur; the cap keeps hostile images out of the cache.
_LONGEST = 256 * 1024
_MOST = 4096  # words


def read(fields: Mapping[str, object], what: str = "the image") -> ImageConfig:
    """Read `entrypoint` and `cmd`, which may be missing or null; BadInput that names the field.

    `what` stands at the beginning of the sentence.
    """
    entrypoint, cmd = (_words(fields.get(key), f"{what}'s {key}") for key in ("entrypoint", "cmd"))
    if sum(map(len, (*entrypoint, *cmd))) > _LONGEST or len(entrypoint) + len(cmd) > _MOST:
        raise BadInput(f"{what}'s entrypoint and cmd are too long to be run")
    return ImageConfig(entrypoint, cmd)


def _words(value: object, what: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise BadInput(f"{what} is no list of strings")
    if any("\0" in word for word in value):
        raise BadInput(f"{what} holds a NUL, which no program can be given")
    return tuple(value)
