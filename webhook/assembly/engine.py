"""The engine that the settings ask for: the same for the API server's reviews and for manifests."""

from collections.abc import Callable

from webhook.admission.admit import Engine, Resolver
from webhook.admission.in_time import InTime
from webhook.assembly.default_engine import REAPER
from webhook.core.mutation import Delivery
from webhook.core.observe import Observer
from webhook.core.pod import Pod
from webhook.settings import Settings


def make_engine(
    settings: Settings,
    *,
    version: str,
    resolver: Resolver,
    observer: Observer,
    as_volume: Callable[[Pod], bool] | None = None,
) -> Engine:
    """Put the engine together. Raises BadSettings for an images file that can't be used.

    Without `as_volume`, which tells it by the nodes, `delivery: auto` is the init container.
    """
    return Engine(
        rules=settings.rules(),
        delivery=Delivery(
            image=settings.reaper_image or f"{REAPER}:{version}",
            version=version,
            pull_policy=settings.reaper_pull_policy,
            as_volume=settings.delivery == "imageVolume",
        ),
        resolver=InTime(resolver, observer),
        observer=observer,
        as_volume=as_volume,
        deny_unresolved=settings.on_unresolved == "deny",
    )
