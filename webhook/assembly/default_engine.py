"""The engine where nothing is set: that of `make_engine` for all defaults, without the settings.

To read settings takes longer than to rewrite a manifest.
"""

from webhook.admission.admit import Engine, Resolver
from webhook.core.mutation import Delivery
from webhook.core.observe import Observer
from webhook.core.policy import RUNTIME_CLASSES, ClusterRules

REAPER = "ghcr.io/initshim/reaper"


def default_engine(resolver: Resolver, *, version: str, observer: Observer) -> Engine:
    """Put it together."""
    return Engine(
        rules=ClusterRules(runtime_classes=RUNTIME_CLASSES, lookups=False),
        delivery=Delivery(image=f"{REAPER}:{version}", version=version),
        resolver=resolver,
        observer=observer,
    )
