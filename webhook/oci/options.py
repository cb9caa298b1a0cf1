"""What can be chosen about asking registries, as plain values; nothing here speaks to anybody."""

from dataclasses import dataclass
from pathlib import Path

from webhook.oci.addresses import AddressRule
from webhook.oci.proxies import Proxies
from webhook.oci.registries import Registries


@dataclass(frozen=True, slots=True)
class Times:
    """How long things take or last, in seconds."""

    lookup: float
    failure: float = 10.0
    patience: float = 1.0  # with an expired answer at hand: how long to wait for a fresh one


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be chosen; times in seconds, `entries` for each kind of memory."""

    registries: Registries
    docker_config: Path | None
    rule: AddressRule
    proxies: Proxies
    extra_ca: tuple[str, ...]
    per_host: int
    entries: int
    fresh: float
    usable: float
    times: Times
