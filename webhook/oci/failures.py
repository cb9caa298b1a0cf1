"""Failures of a lookup: what httpcore's errors mean, and a value that can be remembered.

A remembered failure has no traceback, no cause and no body behind it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import httpcore

from webhook.core.errors import (
    BadAnswer,
    LookupFailed,
    NotFound,
    RateLimited,
    TimedOut,
    Unauthorized,
    Unreachable,
    clause,
)


class ServerError(Unreachable):
    """The registry answered that it failed."""


class Outage(ServerError):
    """The registry's front answered that what is behind it is down."""


_LONGEST = 2000  # characters of a message; a registry's name and an image's are in it
_SHOWN = 40  # credentials or hosts that a message names
_CHECK_SECRETS = "Check the pod's imagePullSecrets: is one for this registry and path?"
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


def bare(error: LookupFailed) -> LookupFailed:
    """Give an error without its traceback, which holds the frames that hold the answer's body.

    Kept in a list of the frame that caught it, it would be a cycle until the next collection.
    """
    return Failure.of(error).error()


def worst_of(refusals: Sequence[tuple[str, LookupFailed]], refused: str) -> LookupFailed:
    """Give the one error of several credentials' failures; it names each and what it got.

    A limit or an outage passes and says nothing of the image; what is not there is not there.
    """
    listed = ", ".join(f"{source} ({error.key})" for source, error in refusals[:_SHOWN])
    for kind in (RateLimited, NotFound, Outage, Unauthorized, ServerError, BadAnswer):
        for _, error in refusals:
            if not isinstance(error, kind):
                continue
            if kind is Unauthorized:
                return Unauthorized(f"{refused}; tried: {listed}", next_step=_CHECK_SECRETS)
            text = str(error) if len(refusals) == 1 else f"{error}; tried: {listed}"
            return type(error)(text, next_step=error.next_step)
    return Unauthorized(refused)


def last_of(failed: Sequence[tuple[str, LookupFailed]], reference: object) -> LookupFailed:
    """Give the failure of the last host that was asked; it names those before it."""
    if not failed:
        return NotFound(f"nobody is configured for {reference}")
    *before, (_, last) = failed
    if not before:
        return last
    listed = ", ".join(f"{host} ({error.key})" for host, error in before[:_SHOWN])
    return type(last)(f"{last}; before it: {listed}", next_step=last.next_step)


def server_error(host: str, status: int) -> ServerError:
    """Give the error that a status of 5xx, or 408, stands for."""
    kind = ServerError if status in (500, 501) else Outage
    return kind(f"{host} answered {status}")


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
    why = clause(error)
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
