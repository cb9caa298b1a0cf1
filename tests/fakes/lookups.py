"""Images as the webhook opens them, with a clock, an observer and a resolver that tests hold."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from webhook.core import image
from webhook.core.argv import ImageConfig
from webhook.core.credentials import Keyring
from webhook.core.docker_auths import from_auths
from webhook.core.observe import Attributes, CacheEvent, Silent
from webhook.oci.addresses import AddressRule
from webhook.oci.images import Images
from webhook.oci.open import open_images
from webhook.oci.options import Options, Times
from webhook.oci.proxies import Proxies
from webhook.oci.question import Found
from webhook.oci.registries import Registries


@dataclass(slots=True)
class RecordedSpan:
    """A span and all that was said of it."""

    name: str
    facts: Attributes
    outside: bool = False
    failure: str = ""

    def record(self, attributes: Attributes, *, failure: str = "") -> None:
        self.facts = {**self.facts, **attributes}
        self.failure = failure


@dataclass(slots=True)
class RecordingObserver(Silent):
    """The observer that remembers."""

    cached: Counter[CacheEvent] = field(default_factory=Counter)
    lookups: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    spans: list[RecordedSpan] = field(default_factory=list)

    @contextmanager
    def span(
        self, name: str, attributes: Attributes, *, outside: bool = False
    ) -> Iterator[RecordedSpan]:
        self.spans.append(RecordedSpan(name, attributes, outside))
        yield self.spans[-1]

    def lookup(self, registry: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.lookups.append((registry, outcome))

    def cache(self, event: CacheEvent) -> None:
        self.cached[event] += 1

    def note(self, event: str, **fields: object) -> None:
        self.notes.append(f"{event} {fields}")


@dataclass(slots=True)
class Clock:
    """The event loop's time plus what a test lets pass."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


async def by_number(host: str, _port: int) -> Sequence[str]:
    """Resolve nothing but addresses and one name for this machine."""
    return ("127.0.0.1",) if host.endswith(".example.com") else (host,)


def plain(*authorities: str) -> dict[str, Any]:
    """Say in the registries file that these hosts speak plain HTTP on this machine."""
    return {each: {"plainHTTP": True, "addresses": "127.0.0.0/8"} for each in authorities}


@dataclass(slots=True)
class Asker:
    """Asks as the resolver does."""

    images: Images
    observer: RecordingObserver
    clock: Clock

    async def find(self, reference: str, **asked: Any) -> Found:
        return await self.images.find(image.parse(reference), **self._how(**asked))

    async def config(self, reference: str, **asked: Any) -> ImageConfig:
        return await self.images.config(image.parse(reference), **self._how(**asked))

    def _how(
        self,
        *,
        keyring: Keyring | None = None,
        architectures: Sequence[str] = (),
        seconds: float = 5.0,
        tenant: str = "",
    ) -> dict[str, Any]:
        return {
            "keyring": keyring or Keyring(),
            "architectures": frozenset(architectures),
            "deadline": self.clock() + seconds,
            "tenant": tenant,
        }


def ring(location: str, *users: str, source: str = "secret a/b") -> Keyring:
    """Give a keyring with `user:password` pairs for one location."""
    rings = []
    for user in users:
        name, _, password = user.partition(":")
        auths = {location: {"username": name, "password": password}}
        rings.append(from_auths(auths, source=source))
    return sum(rings, Keyring())


@asynccontextmanager
async def asking(
    entries: Mapping[str, Any] | None = None,
    /,
    *,
    resolve: Any = by_number,
    **options: Any,
) -> AsyncIterator[Asker]:
    """Open images for a registries file's content."""
    observer, clock = RecordingObserver(), Clock()
    chosen = replace(
        Options(
            registries=Registries(entries),
            docker_config=None,
            rule=AddressRule(),
            proxies=Proxies(),
            extra_ca=(),
            per_host=8,
            entries=10_000,
            fresh=300.0,
            usable=86_400.0,
            times=Times(lookup=5.0, patience=0.3),
        ),
        **options,
    )
    images = open_images(chosen, resolve=resolve, clock=clock, observer=observer)
    try:
        yield Asker(images, observer, clock)
    finally:
        await images.aclose()
