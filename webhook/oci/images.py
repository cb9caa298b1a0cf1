"""What an image runs: from memory, or from its registry, asked once however many want to know.

The way of one lookup: memory → a flight shared by all who ask the same → mirrors and registry in
order → each credential in order → index, manifests, configurations → memory.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from webhook.base.flights import Flights
from webhook.core.argv import ImageConfig
from webhook.core.credentials import Keyring
from webhook.core.errors import LookupFailed, LookupOff, TimedOut
from webhook.core.image import Reference
from webhook.core.observe import Observer
from webhook.oci.cache import Memory
from webhook.oci.endpoint import Registry
from webhook.oci.failures import Failure
from webhook.oci.labels import Labels
from webhook.oci.lookup import Found, Lookup, Question, readers
from webhook.oci.platforms import agree, survey
from webhook.oci.registries import Registries

_FAILURES = 4096  # that are remembered


@dataclass(frozen=True, slots=True)
class Times:
    """How long things take or last, in seconds."""

    lookup: float = 8.0
    failure: float = 10.0
    patience: float = 1.0  # with an expired answer at hand: how long to wait for a fresh one


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
        self._flights: Flights[Question, Found | Failure] = Flights(
            clock=clock,
            life=lambda answer: times.failure if isinstance(answer, Failure) else 0.0,
            entries=_FAILURES,
        )
        self._labels = Labels(registries.knows)

    async def config(
        self,
        reference: Reference,
        *,
        keyring: Keyring,
        architectures: frozenset[str] = frozenset(),
        deadline: float,
    ) -> ImageConfig:
        """Give what an image runs; raises LookupFailed, at `deadline` of the clock at the latest.

        `keyring` holds the caller's own credentials, `architectures` what the pod asks for.
        """
        found = await self.find(
            reference, keyring=keyring, architectures=architectures, deadline=deadline
        )
        return found.config

    async def find(
        self,
        reference: Reference,
        *,
        keyring: Keyring,
        architectures: frozenset[str] = frozenset(),
        deadline: float,
    ) -> Found:
        """Give what an image runs and how that is known; see `config`."""
        registry = self._registries.of(reference)
        if not registry.lookup:
            raise LookupOff(f"the registries file says not to ask {reference.registry}")
        question = Question(reference, readers(registry, reference, keyring), architectures)
        known = self._recall(question)
        if known:
            self._observer.cache("hit")
            return known
        old = self._recall(question, stale=True)
        failed = self._flights.recall(question)
        if failed:
            if old is None:
                self._observer.cache("hit")
            return self._settle(failed.value, old, reference)
        wait = deadline - self._clock()
        if old:
            wait = min(wait, self._times.patience)
        task = self._flight(question, registry, keyring)
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

    def _recall(self, question: Question, *, stale: bool = False) -> Found | None:
        reference = question.reference
        now = self._clock()
        digest = self._memory.digest(reference, question.readers, now=now, stale=stale)
        if digest is None:
            return None
        name = reference.name
        top = self._memory.document(name, digest)
        if top is None:
            return None
        try:
            found = survey(top, self._memory.known(name), question.architectures, name)
            if not found.complete:
                return None
            config = agree(found.images, name)
        except LookupFailed:
            if stale:
                return None  # no answer worth giving while the registry is down
            raise
        return Found(config, digest, "memory", "remembered", tuple(found.images))

    def _flight(
        self, question: Question, registry: Registry, keyring: Keyring
    ) -> asyncio.Task[Found | Failure]:
        """Join the lookup that is under way, or start it: it outlives whoever asked first."""
        self._observer.cache("joined" if question in self._flights else "miss")
        return self._flights.join(question, lambda: self._fly(question, registry, keyring))

    async def _fly(
        self, question: Question, registry: Registry, keyring: Keyring
    ) -> Found | Failure:
        start, outcome = self._clock(), "ok"
        facts = {"initshim.image": str(question.reference)}
        with self._observer.span("registry lookup", facts) as span:
            try:
                found = await self._lookup.run(question, registry, keyring)
            except LookupFailed as error:
                outcome = error.key
                span.tell({}, failure=outcome)
                return Failure.of(error)
            else:
                told = {"initshim.endpoint": found.endpoint, "initshim.digest": found.digest}
                span.tell(told)
                return found
            finally:
                label = self._labels.of(question.reference.registry)
                self._observer.lookup(label, outcome, self._clock() - start)

    async def aclose(self) -> None:
        """End what is under way and close every connection."""
        await self._flights.aclose()
        await self._lookup.aclose()
