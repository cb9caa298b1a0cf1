"""What the rest of the server may know of the certificates, how long things last, the clocks."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class State:
    """Read by readiness and by metrics; written by whoever looks after the certificates."""

    ready: bool = False
    reason: str = "No certificate is loaded yet."  # why not ready, or what is wrong all the same
    expires_at: datetime | None = None  # of the certificate that is served
    authority_expires_at: datetime | None = None
    bundle: bytes = b""  # the CAs that verify it, in PEM


@dataclass(frozen=True, slots=True)
class Lives:
    """How long things last."""

    authority: timedelta = timedelta(days=730)
    leaf: timedelta = timedelta(days=7)
    # How long the API server may take to follow a change of its own configuration.
    lag: timedelta = timedelta(seconds=5)
    # How long a new CA is published before it signs: there is no hurry.
    grace: timedelta = timedelta(minutes=10)
    # How often the Secret and the bundle are looked at.
    every: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks, the randomness and the sleep."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
