"""Which argv a container runs, and the same argv behind the reaper.

Rules: containerd's `WithProcessArgs` (internal/cri/opts/spec_opts.go) and the kubelet. The
kubelet expands `$(VAR)` and turns `$$` into `$` in the pod's strings, never in the image's
(kubernetes third_party/forked/golang/expansion).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from msgspec import Struct

MOUNT = "/.initshim"
INIT = f"{MOUNT}/init"
_FRONT = (INIT, "--")


@dataclass(frozen=True)
class ImageConfig:
    """ENTRYPOINT and CMD of an image, as its configuration has them; () where it has none.

    `stop_signal` is its STOPSIGNAL, "" for none. `init_system` is what in the configuration tells
    that an init system runs, "" for nothing.
    """

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    stop_signal: str = ""
    init_system: str = ""

    @property
    def runs(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is run: all that counts where two configurations are compared."""
        return self.entrypoint, self.cmd

    @cached_property
    def length(self) -> int:
        """Characters of what is run, and one more for each word."""
        return sum(len(word) + 1 for words in self.runs for word in words)


class Argv(Struct, frozen=True):
    """A container's `command` and `args` as the pod has to give them; `args` None: untouched."""

    command: tuple[str, ...]
    args: tuple[str, ...] | None = None


def escape(text: str) -> str:
    """Double every `$`, so that the kubelet's expansion gives the text back."""
    return text.replace("$", "$$")


def effective(
    command: Sequence[str], args: Sequence[str], image: ImageConfig | None
) -> tuple[str, ...]:
    """Give the argv before the kubelet's expansion; () where the container can't start."""
    if command or image is None:
        return (*command, *args)
    entrypoint = () if image.entrypoint == ("",) else image.entrypoint
    return (*entrypoint, *(args or image.cmd))


def wrap(
    command: Sequence[str],
    args: Sequence[str],
    image: ImageConfig | None,
    *,
    options: Sequence[str] = (),
) -> Argv:
    """Put the reaper in front; only what came from the image is added, with `$` doubled.

    `image` is needed only where `command` is empty. A pod's own `args` stay where they are.
    """
    front = (INIT, *map(escape, options), "--") if options else _FRONT
    if command or image is None:
        return Argv((*front, *command))
    entrypoint = () if image.entrypoint == ("",) else image.entrypoint
    cmd = None if args else tuple(map(escape, image.cmd))
    return Argv((*front, *map(escape, entrypoint)), cmd or None)
