"""One lookup: mirrors and registry in order, each credential in order, then the image's parts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from webhook.core.credentials import ANONYMOUS, Keyring
from webhook.core.errors import (
    BadAnswer,
    LookupFailed,
    NotFound,
    PlatformsDisagree,
    RateLimited,
    TimedOut,
    Unauthorized,
    WindowsOnly,
)
from webhook.core.image import Reference
from webhook.oci.cache import Memory
from webhook.oci.client import Access, Client, Image
from webhook.oci.docker_config import DockerConfig
from webhook.oci.endpoint import Endpoint, Registry
from webhook.oci.failures import ServerError, bare, last_of, worst_of
from webhook.oci.manifests import Document, configuration, document
from webhook.oci.parts import Parts
from webhook.oci.places import Places
from webhook.oci.platforms import Survey, agree, survey
from webhook.oci.question import Found, Question

EVERYONE = "everyone"  # the reader of what the webhook's own credentials, or none, could read
_NOBODY_ELSE = frozenset({EVERYONE})
_AT_ONCE = 4  # requests of one lookup; with its places they bound a registry's connections


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
        failed: list[tuple[str, LookupFailed]] = []
        for left, endpoint in zip(range(len(asked), 0, -1), asked, strict=True):
            # An even share of what is left: a dead mirror must not use up the registry's time.
            share = (until - self._clock()) / left
            try:
                # A lookup keeps its place until it is done: with places per request instead, a
                # thousand lookups would all get half of their answers, and none in time.
                async with asyncio.timeout(share), self._places.at(endpoint.authority):
                    # Another namespace may have found it while this one waited for its place.
                    known = question.remembered(self._memory, now=self._clock())
                    return known or await self._ask(endpoint, question, keyring)
            except TimeoutError:
                late = TimedOut(f"{endpoint.authority} did not answer in {share:.1f} s")
                failed.append((endpoint.authority, late))
            except (PlatformsDisagree, WindowsOnly):
                raise
            except LookupFailed as error:
                failed.append((endpoint.authority, bare(error)))
        raise last_of(failed, question.reference)

    async def _ask(self, endpoint: Endpoint, question: Question, keyring: Keyring) -> Found:
        """Ask one endpoint with every credential before giving up, as the kubelet does.

        What says nothing of the credential, such as a host that can't be reached, ends it.
        """
        refusals: list[tuple[str, LookupFailed]] = []
        async for access in self._accesses(endpoint, question.reference, keyring):
            try:
                return await self._read(access, question)
            except (Unauthorized, NotFound, RateLimited, BadAnswer, ServerError) as error:
                refusals.append((access.credential.source, bare(error)))
        raise worst_of(refusals, f"{endpoint.authority} refused {question.reference}")

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
        parts = Parts(self._memory, name)
        top = parts.document(digest) or await self._document(access, reference, digest, parts)
        found = survey(top, parts.known, question.architectures, name)
        while not found.complete:  # ends: each round goes one level down, and depth is bounded
            await self._fetch(access, reference, found, parts)
            found = survey(top, parts.known, question.architectures, name)
        self._memory.note_shown(reference, digest, access.reader, now=self._clock())
        config = agree(found.images, name)
        source = access.credential.source
        return Found(config, digest, access.endpoint.authority, source, tuple(found.images))

    async def _fetch(
        self, access: Access, reference: Reference, found: Survey, parts: Parts
    ) -> None:
        """Read what is missing, a few at once."""
        few = asyncio.Semaphore(_AT_ONCE)

        async def in_turn(read: Coroutine[Any, Any, object]) -> None:
            async with few:
                await read

        reads = [self._document(access, reference, each, parts) for each in found.documents]
        wanted = found.configurations.items()
        more = [self._config(access, reference, *each, parts=parts) for each in wanted]
        await _together([in_turn(each) for each in (*reads, *more)])

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

    async def _document(
        self, access: Access, reference: Reference, digest: str, parts: Parts
    ) -> Document:
        """Read a part of the image by its digest."""
        image = Image(reference.registry, reference.repository, digest)
        try:
            _, content = await self._client.manifest(access, image)
        except NotFound as error:
            raise BadAnswer(f"{error}, which is a part of the image") from error
        return parts.keep_document(digest, document(content))

    async def _config(
        self, access: Access, reference: Reference, digest: str, size: int, *, parts: Parts
    ) -> None:
        image = Image(reference.registry, reference.repository, digest)
        content = await self._client.blob(access, image, size=size)
        parts.keep_configuration(digest, configuration(content))

    async def aclose(self) -> None:
        """Close every connection, end every credential program."""
        await self._own.aclose()
        await self._client.aclose()


def readers(registry: Registry, reference: Reference, keyring: Keyring) -> frozenset[str]:
    """Give as whom a caller may read what is remembered."""
    if not keyring.entries:
        return _NOBODY_ELSE
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


async def _together(reads: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all side by side; the first failure ends the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for read in reads:
                group.create_task(read)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
