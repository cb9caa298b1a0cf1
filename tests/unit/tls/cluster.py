"""Replicas over one Secret and one configuration, under a clock that the test turns.

The replicas are driven by hand, one store operation at a time: so a test decides who is where when
another one writes, dies or sleeps. The API server is a verifier that knows its configuration with a
lag: every bundle that was published within it must verify what a ready replica serves.
"""

import random
import ssl
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from webhook.core.observe import Silent
from webhook.tls.memory import MemoryBundle, MemorySecret
from webhook.tls.publish import Published
from webhook.tls.rotate import Rotation
from webhook.tls.state import Lives, Timing
from webhook.tls.store import Stored

NAME = "initshim.initshim.svc"
# A client that verifies afterwards, by itself, at another time than the present.
BLIND = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
BLIND.check_hostname, BLIND.verify_mode = False, ssl.CERT_NONE
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Time:
    now: datetime = START
    elapsed: float = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds

    def timing(self, chance: random.Random, offset: timedelta = timedelta(0)) -> Timing:
        async def sleep(_seconds: float) -> None:
            raise AssertionError("a replica driven by hand does not sleep")

        return Timing(
            clock=lambda: self.now + offset,
            monotonic=lambda: self.elapsed,
            random=chance.random,
            sleep=sleep,
        )


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[tuple[str, dict[str, object]]] = []

    def note(self, event: str, **fields: object) -> None:
        self.notes.append((event, fields))

    def named(self, event: str) -> list[dict[str, object]]:
        return [fields for one, fields in self.notes if one == event]


class Turn:
    """Awaited before and after every store operation: here the test may do something else."""

    def __await__(self) -> Generator[None, None, None]:
        yield


@dataclass
class Secret:
    """A SecretStore that stops before each operation and after each write."""

    inner: MemorySecret

    async def read(self) -> Stored | None:
        await Turn()
        return await self.inner.read()

    async def write(self, data: Mapping[str, bytes], *, version: str | None) -> None:
        await Turn()
        await self.inner.write(data, version=version)
        await Turn()


@dataclass
class Bundle:
    """A BundlePublisher that stops likewise, and keeps the configuration's history."""

    inner: MemoryBundle
    time: Time
    history: list[tuple[float, bytes]] = field(default_factory=lambda: [(0.0, b"")])

    async def read(self) -> Published:
        await Turn()
        found = await self.inner.read()
        return replace(found, unchanged_for=self.time.elapsed - self.history[-1][0])

    async def write(self, pem: bytes, *, version: str) -> None:
        await Turn()
        await self.inner.write(pem, version=version)
        self.history.append((self.time.elapsed, pem))
        await Turn()

    def within(self, lag: float) -> list[bytes]:
        """Every bundle that an API server with this lag may go by."""
        since = self.time.elapsed - lag
        older = [pem for at, pem in self.history if at <= since]
        return [*older[-1:], *(pem for at, pem in self.history if at > since)]


@dataclass
class Replica:
    rotation: Rotation
    wake: float = 0.0
    step: Coroutine[Any, Any, float] | None = None


class Cluster:
    def __init__(
        self, lives: Lives, *, replicas: int = 2, seed: int = 1, skews: tuple[float, ...] = ()
    ) -> None:
        self.lives = lives
        self.time = Time()
        self.secret = MemorySecret()
        self.bundle = Bundle(MemoryBundle(), self.time)
        self.notes = Notes()
        self.turns = 0
        self.verified = 0
        self._chance = random.Random(seed)
        self._skews = skews or (0.0,) * replicas
        self.replicas = [Replica(self._rotation(i)) for i in range(replicas)]

    def _rotation(self, index: int) -> Rotation:
        offset = timedelta(seconds=self._skews[index])
        return Rotation(
            Secret(self.secret),
            self.bundle,
            names=[NAME],
            observer=self.notes,
            lives=self.lives,
            timing=self.time.timing(self._chance, offset),
        )

    def go(self, index: int) -> bool:
        """Let a replica work up to its next turn; tell whether it ended a step."""
        replica = self.replicas[index]
        replica.step = replica.step or replica.rotation.step()
        self.turns += 1
        try:
            replica.step.send(None)
        except StopIteration as end:
            replica.wake = self.time.elapsed + end.value
            replica.step = None
        return replica.step is None

    def kill(self, index: int) -> None:
        """Kill a replica where it stands, and start another in its place."""
        replica = self.replicas[index]
        if replica.step:
            replica.step.close()
        self.replicas[index] = Replica(self._rotation(index), self.time.elapsed)

    @property
    def busy(self) -> bool:
        return any(replica.step for replica in self.replicas)

    def next(self) -> int:
        """Give the replica that wakes first."""
        return min(range(len(self.replicas)), key=lambda index: self.replicas[index].wake)

    def wake(self) -> int:
        """Let time pass until a replica wakes."""
        index = self.next()
        self.time.pass_by(max(0.0, self.replicas[index].wake - self.time.elapsed))
        return index

    def run(self, span: timedelta) -> None:
        """Let everybody work, one step after the other, and check after each."""
        until = self.time.elapsed + span.total_seconds()
        while self.replicas[self.next()].wake <= until or self.busy:
            index = self.wake()
            while not self.go(index):
                pass
            self.check()
        self.time.pass_by(until - self.time.elapsed)

    def check(self) -> None:
        """Every ready replica's certificate is verified by whatever the API server may go by."""
        bundles = set(self.bundle.within(self.lives.lag.total_seconds()))
        for replica in self.replicas:
            if replica.rotation.state.ready:
                served = handshake(replica.rotation.tls)
                for pem in bundles:
                    verify(served, pem, self.time.now)
                    self.verified += 1


def handshake(server: ssl.SSLContext) -> bytes:
    """Make a TLS handshake in memory; give the certificate served."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [BLIND.wrap_bio(down, up, server_hostname=NAME), server.wrap_bio(up, down, True)]
    for end in (ends * 4)[:7]:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    certificate = ends[0].getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def verify(served: bytes, pem: bytes, now: datetime) -> None:
    """Verify as a client would at that time: OpenSSL in Python knows no time but the present."""
    roots = x509.load_pem_x509_certificates(pem)
    builder = PolicyBuilder().store(Store(roots)).time(now.replace(tzinfo=None))
    builder.build_server_verifier(x509.DNSName(NAME)).verify(
        x509.load_der_x509_certificate(served), []
    )
