"""Put together from plain values what asks registries."""

import logging
from collections.abc import Callable

from webhook.core.observe import Observer
from webhook.oci.cache import Memory
from webhook.oci.client import Client
from webhook.oci.connect import Resolve
from webhook.oci.docker_config import DockerConfig
from webhook.oci.images import Images
from webhook.oci.lookup import Lookup
from webhook.oci.options import Options
from webhook.oci.places import Places
from webhook.oci.pools import Pools
from webhook.oci.traced import TracedTransport


def open_images(
    options: Options, *, resolve: Resolve, clock: Callable[[], float], observer: Observer
) -> Images:
    """Give what answers for images; the caller closes it, and the resolver after it."""
    # httpx logs every URL at INFO, httpcore headers at DEBUG: a store's URL may be a signed one.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    pools = Pools(
        options.registries,
        rule=options.rule,
        proxies=options.proxies,
        resolve=resolve,
        extra_ca=options.extra_ca,
        kept=options.per_host,
    )
    memory = Memory(entries=options.entries, fresh=options.fresh, usable=options.usable)
    lookup = Lookup(
        Client(TracedTransport(pools, observer), clock=clock),
        own=DockerConfig(options.docker_config, clock=clock, observer=observer),
        memory=memory,
        clock=clock,
        places=Places(options.per_host),
        seconds=options.times.lookup,
    )
    return Images(
        lookup,
        registries=options.registries,
        memory=memory,
        clock=clock,
        observer=observer,
        times=options.times,
    )
