"""Failures of a lookup: what httpcore's errors mean, and a value that can be remembered.

A remembered failure has no traceback, no cause and no body behind it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import httpcore

from webhook.core.errors import BadAnswer, LookupFailed, RateLimited, TimedOut, Unreachable

_LONGEST = 2000  # characters of a message; a registry's name and an image's are in it
_PASSING = (Unreachable, TimedOut, RateLimited, BadAnswer)


@dataclass(frozen=True, slots=True)
class Failure:
    """What kind of error a lookup ended in, and what it says."""

    kind: type[LookupFailed]
    text: str
    next_step: str = ""

    @classmethod
    def of(cls, error: LookupFailed) -> Self:
        """Take from an error what is worth keeping."""
        return cls(type(error), str(error)[:_LONGEST], error.next_step[:_LONGEST])

    @property
    def passing(self) -> bool:
        """Tell whether it says more of the registry's state than of the image."""
        return issubclass(self.kind, _PASSING)

    def error(self) -> LookupFailed:
        """Give a new error: one that is raised to many callers would collect their tracebacks."""
        return self.kind(self.text, next_step=self.next_step)


@contextmanager
def mapped(host: str) -> Iterator[None]:
    """Turn httpcore's errors into ours; what they say holds no secrets."""
    try:
        yield
    except LookupFailed:
        raise
    except httpcore.TimeoutException as error:
        raise TimedOut(f"{host} did not answer in time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError) as error:
        raise _unreachable(host, error) from error


def _unreachable(host: str, error: Exception) -> Unreachable:
    why = str(error).rstrip(".") or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in why:
        return Unreachable(
            f"{host} shows a certificate that is not trusted",
            next_step="Give its authority as `ca` in the registries file.",
        )
    if "SSL" in why:
        return Unreachable(
            f"{host} does not speak TLS as expected: {why}",
            next_step="If it speaks plain HTTP, set plainHTTP in the registries file.",
        )
    return Unreachable(f"{host} can't be reached: {why}")
