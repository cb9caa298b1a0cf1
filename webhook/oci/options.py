"""What can be chosen about asking registries, as plain values; nothing here speaks to anybody."""

from dataclasses import dataclass, field
from pathlib import Path

from webhook.oci.addresses import AddressRule
from webhook.oci.proxies import Proxies
from webhook.oci.registries import Registries


@dataclass(frozen=True, slots=True)
class Times:
    """How long things take or last, in seconds."""

    lookup: float = 8.0
    failure: float = 10.0
    patience: float = 1.0  # with an expired answer at hand: how long to wait for a fresh one


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; times in seconds, `entries` for each kind of memory."""

    registries: Registries = field(default_factory=Registries)
    docker_config: Path | None = None
    rule: AddressRule = field(default_factory=AddressRule)
    proxies: Proxies = field(default_factory=Proxies)
    extra_ca: tuple[str, ...] = ()
    per_host: int = 8
    entries: int = 10_000
    fresh: float = 300.0
    usable: float = 86_400.0
    times: Times = field(default_factory=Times)
