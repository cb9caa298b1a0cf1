"""What the replicas share: the CA in a Secret. They agree by conflicts on write alone.

plan() says what the Secret should hold; agree() makes it so. A rotation takes two writes: the next
CA is put beside the present one, and takes its place when it was published for long enough.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from webhook.core.errors import InitshimError
from webhook.tls import bundle
from webhook.tls.issue import read_authority
from webhook.tls.pair import BadCertificate, Certificate, Pair

_ATTEMPTS = 5


class Contended(InitshimError):
    """Somebody else wrote first: read again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a Secret holds, and the version that a write has to name."""

    data: Mapping[str, bytes] = field(repr=False)
    version: str


class SecretStore(Protocol):
    """A Secret of its own; other keys, labels and annotations in it are somebody else's."""

    async def read(self) -> Stored | None:
        """Give what it holds, or None where it does not exist."""

    async def write(self, data: Mapping[str, bytes], *, version: str | None) -> None:
        """Set these keys, or raise Contended if it is not as read; None: it did not exist."""


@dataclass(frozen=True, slots=True)
class Vault:
    """The CA that signs, the one that will, and those that still have leaves in use."""

    current: Pair
    following: Pair | None = None
    retired: tuple[Certificate, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, bytes]) -> Self | None:
        """Read a Secret's data; None where the CA can't be used, whatever the rest."""
        current = _pair(data, "ca")
        if current is None:
            return None
        return cls(current, _pair(data, "next-ca"), bundle.parse(data.get("old-ca.crt", b"")))

    def render(self) -> dict[str, bytes]:
        """Give the Secret's data; every key is there, so that a write leaves nothing behind."""
        following = self.following
        return {
            "ca.crt": self.current.chain,
            "ca.key": self.current.key,
            "next-ca.crt": following.chain if following else b"",
            "next-ca.key": following.key if following else b"",
            "old-ca.crt": bundle.render(self.retired),
        }

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """All that has to be published."""
        following = (self.following.certificate,) if self.following else ()
        return (self.current.certificate, *following, *self.retired)


def plan(
    found: Vault | None,
    remembered: Vault | None,
    *,
    now: datetime,
    make: Callable[[], Pair],
    due: Callable[[Certificate], bool],
    settled: Callable[[Certificate], bool],
) -> Vault:
    """Give what the Secret should hold: the next step of a rotation, or what heals it.

    A lost or unusable Secret is restored from what this replica remembers, so that nothing changes
    for anybody; only a replica that remembers nothing makes a new CA. A following CA is promoted
    when it has `settled` in the published bundle.
    """
    current, following = _usable(found, remembered, now)
    if current is None:
        current, following = following or make(), None
    elif following and settled(following.certificate):
        current, following = following, None
    elif following is None and due(current.certificate):
        following = make()
    kept = {current.certificate, *([following.certificate] if following else [])}
    known = [
        one
        for vault in (found, remembered)
        for one in (vault.certificates if vault else ())
        if one not in kept
    ]
    return Vault(current, following, bundle.merge((), known, now=now))


async def agree(store: SecretStore, decide: Callable[[Vault | None], Vault]) -> Vault:
    """Bring the Secret to what `decide` makes of it, and give what it holds then."""
    for _ in range(_ATTEMPTS):
        stored = await store.read()
        found = Vault.read(stored.data) if stored else None
        wanted = decide(found)
        if wanted == found:
            return found
        try:
            await store.write(wanted.render(), version=stored.version if stored else None)
        except Contended:
            continue
        return wanted
    raise Contended(
        f"The certificate Secret changed {_ATTEMPTS} times while it was written",
        next_step="See who else writes it: kubectl get secret -o yaml --show-managed-fields.",
    )


def _usable(
    found: Vault | None, remembered: Vault | None, now: datetime
) -> tuple[Pair | None, Pair | None]:
    """Choose the CA to go on with, and the one to follow it; what is not valid now is no choice."""
    for vault in (found, remembered):
        if vault and vault.current.certificate.valid(now):
            following = vault.following
            usable = following and following.certificate.valid(now)
            return vault.current, following if usable else None
    for vault in (found, remembered):
        if vault and vault.following and vault.following.certificate.valid(now):
            return None, vault.following
    return None, None


def _pair(data: Mapping[str, bytes], name: str) -> Pair | None:
    try:
        return read_authority(data.get(f"{name}.crt", b""), data.get(f"{name}.key", b""))
    except BadCertificate:
        return None
