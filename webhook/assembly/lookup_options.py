"""What the settings ask for, in the words of those who ask registries.

Checked before anything is opened, and without importing what opens it.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

from webhook.base.environment import environment
from webhook.core.errors import BadSettings
from webhook.oci.addresses import AddressRule, Network
from webhook.oci.options import Options, Times
from webhook.oci.proxies import Proxies
from webhook.oci.registries import Registries, load
from webhook.settings import Settings

_SERVICES_V4 = 16  # bits of the network that is taken for the cluster's services
_SERVICES_V6 = 112
# A lookup goes on after its review gave up: the next pod, or the same one again, finds the answer.
_BEYOND = 2


def lookup_options(settings: Settings) -> Options:
    """Say in the words of oci what the settings ask for. Raises BadSettings."""
    environ = environment()
    folder = settings.docker_config
    ca = settings.extra_ca_file
    return Options(
        registries=load(settings.registries_file) if settings.registries_file else Registries(),
        docker_config=folder / "config.json" if folder else None,
        rule=AddressRule(refused=_refused(settings, environ)),
        proxies=_proxies(environ),
        extra_ca=(_pem(ca),) if ca else (),
        per_host=settings.lookups_per_registry,
        entries=settings.cache_entries,
        fresh=settings.cache_tag_seconds,
        usable=settings.cache_stale_seconds,
        times=Times(
            lookup=settings.lookup_seconds * _BEYOND, failure=settings.cache_failure_seconds
        ),
    )


def _proxies(environ: Mapping[str, str]) -> Proxies:
    """The proxies that every program of the machine uses; lower case is as good (curl, Go)."""

    def variable(name: str) -> str:
        return environ.get(name) or environ.get(name.lower()) or ""

    return Proxies(variable("HTTP_PROXY"), variable("HTTPS_PROXY"), variable("NO_PROXY"))


def _refused(settings: Settings, environ: Mapping[str, str]) -> tuple[Network, ...]:
    """The networks that no pod's author may send us to.

    The API server's own service has the first address of the cluster's service network, whose
    size nobody tells a pod; so the whole network of that size around it is refused.
    """
    networks = [_network(text) for text in settings.refused_networks]
    own = environ.get("KUBERNETES_SERVICE_HOST")
    if own:
        networks.append(_network(f"{own}/{_SERVICES_V6 if ':' in own else _SERVICES_V4}"))
    return tuple(networks)


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise BadSettings(
            f"INITSHIM_REFUSED_NETWORKS: {text!r} is no network, as 10.96.0.0/12 is"
        ) from error


def _pem(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadSettings(f"INITSHIM_EXTRA_CA_FILE: {path} can't be read: {why}") from error
