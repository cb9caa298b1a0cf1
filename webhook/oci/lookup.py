"""One lookup: mirrors and registry in order, each credential in order, then the image's parts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from webhook.core.argv import ImageConfig
from webhook.core.credentials import ANONYMOUS, Keyring
from webhook.core.errors import (
    BadAnswer,
    LookupFailed,
    NotFound,
    PlatformsDisagree,
    RateLimited,
    TimedOut,
    Unauthorized,
)
from webhook.core.image import Reference
from webhook.oci.cache import Memory
from webhook.oci.client import Access, Client, Image
from webhook.oci.docker_config import DockerConfig
from webhook.oci.endpoint import Endpoint, Registry
from webhook.oci.manifests import Document, Index, configuration, document
from webhook.oci.places import Places
from webhook.oci.platforms import Variant, agree, candidates

EVERYONE = "everyone"  # the reader of what the webhook's own credentials, or none, could read
_MOST_PLATFORMS = 32
_AT_ONCE = 4  # requests of one lookup; with its places they bound a registry's connections


@dataclass(frozen=True, slots=True)
class Found:
    """What an image runs, and how that is known; `credential` is a name, never a value."""

    config: ImageConfig
    digest: str
    endpoint: str
    credential: str
    platforms: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks for what; whoever asks the same shares the answer."""

    reference: Reference
    readers: frozenset[str]
    architectures: frozenset[str]


class Lookup:
    """Asks registries; what it reads it leaves in the memory."""

    def __init__(
        self,
        client: Client,
        *,
        own: DockerConfig,
        memory: Memory,
        clock: Callable[[], float],
        places: Places,
        seconds: float,
    ) -> None:
        """`seconds` is the longest that one lookup takes."""
        self._client = client
        self._own = own
        self._memory = memory
        self._clock = clock
        self._places = places
        self._seconds = seconds

    async def run(self, question: Question, registry: Registry, keyring: Keyring) -> Found:
        """Ask mirrors and registry in order; the last one's failure is the answer's."""
        until = self._clock() + self._seconds
        asked = [each for each in registry.endpoints if each.resolves or question.reference.digest]
        failure: LookupFailed = NotFound(f"nobody is configured for {question.reference}")
        for left, endpoint in zip(range(len(asked), 0, -1), asked, strict=True):
            # An even share of what is left: a dead mirror must not use up the registry's time.
            share = (until - self._clock()) / left
            try:
                # A lookup keeps its place until it is done: with places per request instead, a
                # thousand lookups would all get half of their answers, and none in time.
                async with asyncio.timeout(share), self._places.at(endpoint.authority):
                    return await self._ask(endpoint, question, keyring)
            except TimeoutError:
                failure = TimedOut(f"{endpoint.authority} did not answer in {share:.1f} s")
            except PlatformsDisagree:
                raise
            except LookupFailed as error:
                failure = error
        raise failure

    async def _ask(self, endpoint: Endpoint, question: Question, keyring: Keyring) -> Found:
        """Ask one endpoint with every credential before giving up."""
        refusals: list[LookupFailed] = []
        tried: list[str] = []
        async for access in self._accesses(endpoint, question.reference, keyring):
            tried.append(access.credential.source)
            try:
                return await self._read(access, question)
            except (Unauthorized, NotFound, RateLimited) as error:
                refusals.append(error)
        # A limit passes and says nothing of the image; what is not there is not there.
        for kind in (RateLimited, NotFound):
            for refusal in refusals:
                if isinstance(refusal, kind):
                    raise refusal
        raise Unauthorized(
            f"{endpoint.authority} refused {question.reference} to: {', '.join(tried)}",
            next_step="Check the pod's imagePullSecrets: is one for this registry and path?",
        )

    async def _accesses(
        self, endpoint: Endpoint, reference: Reference, keyring: Keyring
    ) -> AsyncIterator[Access]:
        """Give the caller's credentials, then the webhook's own, then none."""
        name = _name(endpoint, reference)
        for credential in keyring.matching(name):
            yield Access(endpoint, credential, credential.identity)
        for credential in await self._own.matching(name, endpoint.login):
            yield Access(endpoint, credential, EVERYONE)
        yield Access(endpoint, ANONYMOUS, EVERYONE)

    async def _read(self, access: Access, question: Question) -> Found:
        reference, name = question.reference, question.reference.name
        digest = await self._show(access, reference)
        top = await self._document(access, reference, digest)
        variants: tuple[Variant, ...] = ()
        if isinstance(top, Index):
            variants = candidates(top.variants, question.architectures)
        if len(variants) > _MOST_PLATFORMS:
            raise BadAnswer(f"{name} is for more than {_MOST_PLATFORMS} platforms")
        wanted = [each.digest for each in variants] or [digest]
        few = asyncio.Semaphore(_AT_ONCE)
        reads = [self._config(access, reference, each, few) for each in wanted]
        configs = await _together(reads)
        self._memory.show(reference, digest, access.reader, now=self._clock())
        config = agree(dict(zip(variants, configs, strict=True)), name) if variants else configs[0]
        source = access.credential.source
        return Found(config, digest, access.endpoint.authority, source, variants)

    async def _show(self, access: Access, reference: Reference) -> str:
        """Have the registry show this caller the image; give its digest.

        HEAD where the rest may be known already: Docker Hub counts GETs only.
        """
        image = Image(reference.registry, reference.repository, reference.version)
        name = reference.name
        if self._memory.likely(reference):
            digest = await self._client.digest(access, image)
            if digest and reference.digest in (None, digest):
                if self._memory.document(name, digest):
                    return digest
                image = replace(image, version=digest)
        digest, content = await self._client.manifest(access, image)
        self._memory.keep_document(name, digest, document(content))
        return digest

    async def _document(self, access: Access, reference: Reference, digest: str) -> Document:
        known = self._memory.document(reference.name, digest)
        if known:
            return known
        image = Image(reference.registry, reference.repository, digest)
        _, content = await self._client.manifest(access, image)
        read = document(content)
        self._memory.keep_document(reference.name, digest, read)
        return read

    async def _config(
        self, access: Access, reference: Reference, digest: str, few: asyncio.Semaphore
    ) -> ImageConfig:
        """Give the configuration that a manifest names, once it is its turn."""
        async with few:
            return await self._read_config(access, reference, digest)

    async def _read_config(self, access: Access, reference: Reference, digest: str) -> ImageConfig:
        manifest = await self._document(access, reference, digest)
        if isinstance(manifest, Index):
            raise BadAnswer(f"{reference.name} has an index inside an index")
        known = self._memory.config(reference.name, manifest.config)
        if known:
            return known
        image = Image(reference.registry, reference.repository, manifest.config)
        config = configuration(await self._client.blob(access, image, size=manifest.size))
        self._memory.keep_config(reference.name, manifest.config, config)
        return config

    async def aclose(self) -> None:
        """Close every connection, end every credential program."""
        await self._own.aclose()
        await self._client.aclose()


def readers(registry: Registry, reference: Reference, keyring: Keyring) -> frozenset[str]:
    """Give as whom a caller may read what is remembered."""
    own = {
        credential.identity
        for endpoint in registry.endpoints
        for credential in keyring.matching(_name(endpoint, reference))
    }
    return frozenset(own | {EVERYONE})


def _name(endpoint: Endpoint, reference: Reference) -> str:
    """Give the name that credentials must match: a mirror is never shown the registry's own."""
    registry = endpoint.authority if endpoint.mirror else reference.registry
    return f"{registry}/{reference.repository}"


async def _together(reads: Sequence[Coroutine[Any, Any, ImageConfig]]) -> list[ImageConfig]:
    """Do all side by side; the first failure ends the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read) for read in reads]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
