"""Built-in certificates: a CA that the replicas share, a short leaf of each one's own.

A step looks at the Secret, then at the published bundle, then at the leaf; each part is safe to
repeat and safe to be killed before or after. The order that keeps every handshake good:

1. the next CA is written to the Secret, at 2/3 of the present one's life;
2. old and new are published in `caBundle`;
3. when a replica has seen the new one there for `grace`, it makes it the present CA;
4. a replica serves a leaf of it when it has itself seen it published for `lag`;
5. the old one leaves the bundle when it has expired.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webhook.core.errors import InitshimError
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.tls import context, issue
from webhook.tls.pair import Certificate, Pair
from webhook.tls.publish import BundlePublisher, ObservedBundle
from webhook.tls.state import Lives, State, Timing
from webhook.tls.store import SecretStore, Vault, agree, plan

_SOON = 1.0  # seconds: the shortest pause between two steps
_DOUBT = 5.0  # seconds: the shortest pause that a client can cause


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is served, the CA that signed it, and when to renew it."""

    pair: Pair
    signer: Pair
    renew_at: datetime


class Rotation:
    """One replica's certificates; `tls` is the context it serves with, `state` what it tells."""

    def __init__(
        self,
        store: SecretStore,
        publisher: BundlePublisher,
        *,
        names: Sequence[str],
        observer: Observer,
        lives: Lives | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.tls = context.server_context()
        self.state = State()
        self._store = store
        self._names = tuple(names)
        self._observer = observer
        self._lives = lives or Lives()
        self._timing = timing or Timing()
        self._bundle = ObservedBundle(publisher, self._timing)
        self._jitter = self._timing.random()  # of the CA's renewal: each replica has its own
        self._vault: Vault | None = None
        self._leaf: Leaf | None = None
        self._failures = 0
        self._doubted = asyncio.Event()
        self._stepped = -math.inf

    async def run(self) -> None:
        """Look after the certificates for ever."""
        while True:
            pause = await self.step()
            self._stepped = self._timing.monotonic()
            self._doubted.clear()
            await self._rest(pause)

    def doubt(self) -> None:
        """Hear that a client does not trust the certificate: somebody may have changed the bundle.

        Any client can say so, and so it hastens the next step no more than every few seconds.
        """
        if not self._doubted.is_set() and self._timing.monotonic() - self._stepped >= _DOUBT:
            self._doubted.set()
            self._observer.note(
                LogEvent.CERTIFICATE_DOUBTED, error="A client does not trust the certificate."
            )

    async def step(self) -> float:
        """Bring Secret, bundle and leaf one step on; give the seconds until the next step.

        Without the API server the leaf is renewed all the same, from the CA in memory; and a slow
        one keeps nobody from being ready.
        """
        self._become_ready()
        trouble = ""
        try:
            vault = await agree(self._store, self._decide)
            self._remember(vault)
            await self._publish(vault)
            self._failures = 0
        except InitshimError as error:
            trouble = self._failed(error)
        try:
            if self._vault:
                self._serve(self._vault)
        except InitshimError as error:
            trouble = self._failed(error)
        self._update_state(trouble)
        return self._pause()

    async def _rest(self, seconds: float) -> None:
        """Sleep until the next step is due, or until somebody doubts."""
        rest = asyncio.ensure_future(self._timing.sleep(seconds))
        doubt = asyncio.ensure_future(self._doubted.wait())
        try:
            await asyncio.wait({rest, doubt}, return_when=asyncio.FIRST_COMPLETED)
            if rest.done():
                rest.result()
        finally:
            rest.cancel()
            doubt.cancel()

    def _failed(self, error: InitshimError) -> str:
        self._failures += 1
        trouble = f"{error}. {error.next_step}".strip()
        self._observer.note(LogEvent.CERTIFICATE_FAILED, error=trouble, failures=self._failures)
        return trouble

    def _decide(self, found: Vault | None) -> Vault:
        now = self._timing.clock()
        return plan(
            found,
            self._vault,
            now=now,
            make=lambda: issue.authority(now=now, life=self._lives.authority),
            due=lambda one: now >= one.renew_at(self._jitter),
            settled=lambda one: self._settled(one, self._lives.grace),
        )

    def _remember(self, vault: Vault) -> None:
        if self._vault is None or self._vault.current != vault.current:
            ends = vault.current.certificate.not_after.isoformat()
            self._observer.note(
                LogEvent.CERTIFICATE_AUTHORITY_LOADED,
                fingerprint=_short(vault.current),
                expires=ends,
            )
        self._vault = vault

    async def _publish(self, vault: Vault) -> None:
        now = self._timing.clock()
        self.state.bundle = await self._bundle.publish(vault.certificates, now=now)

    def _serve(self, vault: Vault) -> None:
        """Load a leaf if there is none, if it is due, or if its CA was followed by another."""
        now, leaf = self._timing.clock(), self._leaf
        signer = vault.current
        if leaf and leaf.pair.certificate.valid(now):
            if not self._settled(signer.certificate, self._lives.lag):
                signer = leaf.signer
            ends = min(now + self._lives.leaf, signer.certificate.not_after)
            gains = ends - leaf.pair.certificate.not_after >= timedelta(seconds=_SOON)
            if signer == leaf.signer and not (now >= leaf.renew_at and gains):
                return
        if not signer.certificate.valid(now):
            return  # the Secret could not be renewed in all the time that it had
        pair = issue.leaf(signer, names=self._names, now=now, life=self._lives.leaf)
        context.load(self.tls, pair)
        if leaf is None or signer != leaf.signer:
            self.state.ready = False  # said again below, if the CA has been seen for long enough
        self._leaf = Leaf(pair, signer, pair.certificate.renew_at(self._timing.random()))
        self._observer.note(
            LogEvent.CERTIFICATE_LOADED, expires=pair.certificate.not_after.isoformat()
        )

    def _update_state(self, trouble: str) -> None:
        """Say what is so; once ready, only an expired leaf takes it back."""
        state, leaf = self.state, self._leaf
        if self._vault:
            state.authority_expires_at = self._vault.current.certificate.not_after
        if leaf is None or not leaf.pair.certificate.valid(self._timing.clock()):
            state.ready, state.reason = False, trouble or "No valid certificate is loaded."
            state.expires_at = leaf.pair.certificate.not_after if leaf else None
            return
        state.expires_at = leaf.pair.certificate.not_after
        self._become_ready()
        state.reason = trouble or ("" if state.ready else "The CA was published just now.")

    def _become_ready(self) -> None:
        """Be ready once a valid leaf is loaded whose CA has been seen published for `lag`."""
        leaf = self._leaf
        if leaf and leaf.pair.certificate.valid(self._timing.clock()):
            self.state.ready |= self._settled(leaf.signer.certificate, self._lives.lag)

    def _pause(self) -> float:
        """Give the time until something is due; after a failure, twice as long each time."""
        longest = self._lives.every.total_seconds()
        if self._failures:
            backoff = min(longest, 2.0 ** min(self._failures, 30))
            return backoff * (1 + self._timing.random()) / 2
        waits = [longest]
        if self._vault and self._leaf:
            renewal = (self._leaf.renew_at - self._timing.clock()).total_seconds()
            waits += [renewal] if renewal > 0 else []
            waits.append(self._unsettled(self._vault.current, self._lives.lag))
            if self._vault.following:
                waits.append(self._unsettled(self._vault.following, self._lives.grace))
        return max(_SOON, min(waits))

    def _settled(self, certificate: Certificate, wait: timedelta) -> bool:
        return self._bundle.remaining(certificate, wait) <= 0

    def _unsettled(self, pair: Pair, wait: timedelta) -> float:
        return self._bundle.remaining(pair.certificate, wait) or self._lives.every.total_seconds()


def _short(pair: Pair) -> str:
    return pair.certificate.fingerprint[:16]
