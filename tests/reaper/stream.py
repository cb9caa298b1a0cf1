"""A child's output read with a deadline, from a pipe or a terminal's master side alike."""

from __future__ import annotations

import errno
import os
import select
import time

from tests.reaper.kernel import DEADLINE


class Stream:
    """Lines from a descriptor; carriage returns are dropped, a terminal's hang-up is the end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.seen = ""
        self._rest = b""
        self._ended = False

    def _fill(self, deadline: float) -> bool:
        if self._ended:
            return False
        ready, _, _ = select.select(
            [self.descriptor], [], [], max(0.0, deadline - time.monotonic())
        )
        assert ready, f"nothing more came; so far: {self.seen!r} {self._rest!r}"
        try:
            data = os.read(self.descriptor, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        self._ended = not data
        self._rest += data.replace(b"\r", b"")
        return bool(data)

    def line(self) -> str:
        """The next line without its end; "" at the end of the output."""
        deadline = time.monotonic() + DEADLINE
        while b"\n" not in self._rest and self._fill(deadline):
            pass
        raw, _, self._rest = self._rest.partition(b"\n")
        text = raw.decode(errors="surrogateescape")
        self.seen += text + "\n"
        return text

    def expect(self, text: str) -> str:
        """Read on until the text appears; returns all that came up to its end."""
        deadline = time.monotonic() + DEADLINE
        wanted = text.encode()
        while wanted not in self._rest:
            assert self._fill(deadline), f"{text!r} never came: {self.seen + self._rest.decode()!r}"
        before, _, self._rest = self._rest.partition(wanted)
        found = (before + wanted).decode(errors="surrogateescape")
        self.seen += found
        return found

    def rest(self) -> str:
        """Everything up to the end."""
        deadline = time.monotonic() + DEADLINE
        while self._fill(deadline):
            pass
        text, self._rest = self._rest.decode(errors="surrogateescape"), b""
        self.seen += text
        return text
