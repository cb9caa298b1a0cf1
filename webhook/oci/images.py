"""What an image runs: from memory, or from its registry, asked once however many want to know.

The way of one lookup: memory → a flight shared by all who ask the same → mirrors and registry in
order → each credential in order → index, manifests, configurations → memory.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from webhook.base import tenants
from webhook.base.flights import Flights
from webhook.base.tenants import Held
from webhook.core.argv import ImageConfig
from webhook.core.credentials import Keyring
from webhook.core.errors import LookupFailed, LookupOff, TimedOut
from webhook.core.image import Reference
from webhook.core.observe import Observer
from webhook.oci.cache import Memory
from webhook.oci.endpoint import Registry
from webhook.oci.failures import Failure
from webhook.oci.labels import Labels
from webhook.oci.lookup import Lookup, readers
from webhook.oci.options import Times
from webhook.oci.question import Found, Question
from webhook.oci.registries import Registries

_FAILURES = 4096  # that are remembered
_UNDER_WAY = 2048  # lookups of all tenants, most of which wait for a place; each takes some 15 KB


class Images:
    """Everything about asking registries, remembered."""

    def __init__(
        self,
        lookup: Lookup,
        *,
        registries: Registries,
        memory: Memory,
        clock: Callable[[], float],
        observer: Observer,
        times: Times,
    ) -> None:
        self._lookup = lookup
        self._registries = registries
        self._memory = memory
        self._clock = clock
        self._observer = observer
        self._times = times
        self._flights: Flights[tuple[str, Question], Found | Failure] = Flights(
            clock=clock,
            life=lambda answer: times.failure if isinstance(answer, Failure) else 0.0,
            entries=_FAILURES,
        )
        self._held = Held(_UNDER_WAY)
        self._labels = Labels(registries.knows)

    async def config(
        self,
        reference: Reference,
        *,
        keyring: Keyring,
        architectures: frozenset[str] = frozenset(),
        deadline: float,
        tenant: str = "",
    ) -> ImageConfig:
        """Give what an image runs; raises LookupFailed, at `deadline` of the clock at the latest.

        `keyring` holds the caller's own credentials, `architectures` what the pod asks for;
        `tenant` is the namespace, by which all that is shared here is shared.
        """
        found = await self.find(
            reference,
            keyring=keyring,
            architectures=architectures,
            deadline=deadline,
            tenant=tenant,
        )
        return found.config

    def remembered(
        self, reference: Reference, *, keyring: Keyring, architectures: frozenset[str]
    ) -> ImageConfig | None:
        """Give what is in the memory whole, at once, and None for the rest; see `config`."""
        registry = self._registries.of(reference)
        if not registry.lookup:
            return None
        question = Question(reference, readers(registry, reference, keyring), architectures)
        known = question.remembered(self._memory, now=self._clock())
        if known is None:
            return None
        self._observer.cache("hit")
        return known.config

    async def find(
        self,
        reference: Reference,
        *,
        keyring: Keyring,
        architectures: frozenset[str] = frozenset(),
        deadline: float,
        tenant: str = "",
    ) -> Found:
        """Give what an image runs and how that is known; see `config`."""
        with tenants.working_for(tenant):
            return await self._find(reference, keyring, architectures, deadline)

    async def _find(
        self,
        reference: Reference,
        keyring: Keyring,
        architectures: frozenset[str],
        deadline: float,
    ) -> Found:
        registry = self._registries.of(reference)
        if not registry.lookup:
            raise LookupOff(f"the registries file says not to ask {reference.registry}")
        question = Question(reference, readers(registry, reference, keyring), architectures)
        now = self._clock()
        known = question.remembered(self._memory, now=now)
        if known:
            self._observer.cache("hit")
            return known
        old = question.remembered(self._memory, now=now, stale=True)
        failed = self._flights.recall((tenants.current(), question))
        if failed:
            if old is None:
                self._observer.cache("hit")
            return self._settle(failed.value, old, reference)
        wait = deadline - self._clock()
        if old:
            wait = min(wait, self._times.patience)
        task = self._flight(question, registry, keyring)
        if task is None:
            if old:
                return self._settle(None, old, reference)
            raise TimedOut("its namespace has too many lookups under way")
        await asyncio.wait({task}, timeout=max(0.0, wait))
        answer = task.result() if task.done() and not task.cancelled() else None
        return self._settle(answer, old, reference)

    def _settle(
        self, answer: Found | Failure | None, old: Found | None, reference: Reference
    ) -> Found:
        """Choose between a fresh answer, an expired one and an error."""
        if isinstance(answer, Found):
            return answer
        if old and (answer is None or answer.passing):
            self._observer.cache("stale")
            return old
        if answer is None:
            raise TimedOut(f"{reference.registry} did not answer in time")
        raise answer.error()

    def _flight(
        self, question: Question, registry: Registry, keyring: Keyring
    ) -> asyncio.Task[Found | Failure] | None:
        """Join the lookup that is under way, or start it: it outlives whoever asked first.

        None where the tenant has as many as it may have.
        """
        tenant = tenants.current()
        key = tenant, question
        known = key in self._flights
        self._observer.cache("joined" if known else "miss")
        if not known and not self._held.allows(tenant):
            return None
        task = self._flights.join(
            key, partial(self._fly, question, registry, keyring), owner=tenant
        )
        if not known:
            self._held.take(tenant)
            task.add_done_callback(lambda _: self._held.take(tenant, -1))
        return task

    async def _fly(
        self, question: Question, registry: Registry, keyring: Keyring
    ) -> Found | Failure:
        start, outcome = self._clock(), "ok"
        asked = {"initshim.image": str(question.reference)}
        with self._observer.span("registry lookup", asked) as span:
            try:
                found = await self._lookup.run(question, registry, keyring)
            except LookupFailed as error:
                outcome = error.key
                span.record({}, failure=outcome)
                return Failure.of(error)
            else:
                answered = {"initshim.endpoint": found.endpoint, "initshim.digest": found.digest}
                span.record(answered)
                return found
            finally:
                label = self._labels.of(question.reference.registry)
                self._observer.lookup(label, outcome, self._clock() - start)

    async def aclose(self) -> None:
        """End what is under way and close every connection."""
        await self._flights.aclose()
        await self._lookup.aclose()
