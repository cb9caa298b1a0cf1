"""How long a replica rests between two steps: until something is due, longer after each failure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.unit.tls.cluster import NAME, Notes, Time
from webhook.core.errors import InitshimError
from webhook.core.observe import Silent
from webhook.tls.memory import MemoryBundle, MemorySecret
from webhook.tls.publish import Published
from webhook.tls.rotate import Rotation
from webhook.tls.state import Lives, Timing
from webhook.tls.store import Contended, SecretStore, Stored


class Broken:
    """A SecretStore that nobody reaches."""

    async def read(self) -> Stored | None:
        raise InitshimError("no")

    async def write(self, data: Mapping[str, bytes], *, version: str | None) -> None:  # noqa: ARG002
        raise AssertionError


@dataclass(slots=True)
class Slow(MemoryBundle):
    """A configuration that takes seconds to be read."""

    time: Time = field(default_factory=Time)

    async def read(self) -> Published:
        self.time.pass_by(10)
        return self.published


class Contested(MemoryBundle):
    """A configuration that somebody else writes each time."""

    async def write(self, pem: bytes, *, version: str) -> None:  # noqa: ARG002
        raise Contended("The configuration changed")


def rotation(
    store: SecretStore,
    time: Time,
    *,
    chance: float = 0.0,
    bundle: MemoryBundle | None = None,
    observer: Silent | None = None,
) -> Rotation:
    timing = Timing(clock=lambda: time.now, monotonic=lambda: time.elapsed, random=lambda: chance)
    return Rotation(
        store,
        bundle or MemoryBundle(),
        names=[NAME],
        observer=observer or Silent(),
        lives=Lives(),
        timing=timing,
    )


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
async def test_after_a_failure_it_rests_twice_as_long_each_time_and_a_minute_at_most(
    chance: float,
) -> None:
    """Between half of that and all of it, by chance: replicas don't come back all at once."""
    replica = rotation(Broken(), Time(), chance=chance)
    pauses = [await replica.step() for _ in range(8)]
    assert pauses == [each * (1 + chance) / 2 for each in (2, 4, 8, 16, 32, 60, 60, 60)]


async def test_each_failure_is_told_with_how_many_there_were() -> None:
    notes = Notes()
    replica = rotation(Broken(), Time(), observer=notes)
    for _ in range(2):
        await replica.step()
    assert notes.named("certificate-failed") == [
        {"error": "no.", "failures": 1},
        {"error": "no.", "failures": 2},
    ]


async def test_it_rests_until_something_is_due() -> None:
    time = Time()
    replica = rotation(MemorySecret(), time)
    assert await replica.step() == 5  # until the CA has been published for as long as the lag
    time.pass_by(3)
    assert await replica.step() == 2
    assert not replica.state.ready
    time.pass_by(2)
    assert await replica.step() == 60
    assert replica.state.ready
    served = replica.state.expires_at
    assert served
    # A leaf lasts seven days and an hour, and is renewed at two thirds of that.
    renewal = timedelta(days=7, hours=1) * 2 / 3 - timedelta(hours=1)
    for before, pause in ((30.0, 30.0), (1.5, 1.5), (0.5, 1.0)):
        time.pass_by(renewal.total_seconds() - before - time.elapsed)
        assert await replica.step() == pytest.approx(pause)
        assert replica.state.expires_at == served
    time.pass_by(0.5)
    assert await replica.step() == 60
    assert replica.state.expires_at > served


async def test_one_that_starts_while_the_ca_expires_rests_and_goes_on_with_the_next() -> None:
    time, secret = Time(), MemorySecret()
    await rotation(secret, time).step()
    time.pass_by(Lives().authority.total_seconds() - 5)
    late = rotation(secret, time, bundle=Slow(time=time))
    assert await late.step() == 60  # it expired while it was published, before it signed a leaf
    assert not late.state.ready
    assert late.state.expires_at is None
    await late.step()
    assert late.state.ready
    assert late.state.expires_at is not None
    assert late.state.expires_at > time.now


async def test_one_whose_bundle_somebody_else_writes_each_time_says_so_and_is_not_ready() -> None:
    replica = rotation(MemorySecret(), Time(), bundle=Contested())
    assert [await replica.step() for _ in range(3)] == [1, 2, 4]
    assert not replica.state.ready
    assert replica.state.reason.startswith("The webhook configuration changed 5 times")
    assert "See who else writes caBundle" in replica.state.reason
