"""The resolver that the settings ask for: what finds out what an image runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from webhook.admission.admit import Resolver
from webhook.admission.resolver import ImageResolver
from webhook.assembly.lookup_options import lookup_options
from webhook.assembly.no_lookups import NoLookups
from webhook.core.observe import Observer
from webhook.kube.client import KubeClient
from webhook.kube.pullsecrets import ClusterSecrets, PullSecrets
from webhook.oci.connect import NameResolver
from webhook.oci.images import Images
from webhook.oci.open import open_images
from webhook.oci.options import Options
from webhook.settings import Settings


@asynccontextmanager
async def images(
    settings: Settings, observer: Observer, options: Options | None = None
) -> AsyncIterator[Images]:
    """Give what asks registries, and close it. Raises BadSettings for files that can't be used.

    `options` where they were made of the settings before.
    """
    clock = asyncio.get_running_loop().time
    names = NameResolver()
    options = options or lookup_options(settings)
    opened = open_images(options, resolve=names, clock=clock, observer=observer)
    try:
        yield opened
    finally:
        await opened.aclose()
        names.close()


@asynccontextmanager
async def open_resolver(
    settings: Settings,
    client: KubeClient | None,
    observer: Observer,
    options: Options | None = None,
) -> AsyncIterator[Resolver]:
    """Give the resolver that the settings ask for, and close it."""
    if not settings.lookups:
        yield NoLookups()
        return
    clock = asyncio.get_running_loop().time
    secrets = None
    if client is not None and settings.pull_secrets:
        secrets = PullSecrets(ClusterSecrets(client), clock=clock, observer=observer)
    async with images(settings, observer, options) as asked:
        yield ImageResolver(
            asked,
            secrets=secrets,
            clock=clock,
            observer=observer,
            architectures=frozenset(settings.architectures),
        )
