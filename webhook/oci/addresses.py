"""To which addresses the webhook connects on behalf of a pod's author, and to which it does not.

The author of a pod names the host. So addresses that mean something only from where the webhook
stands are refused: its own, its link's, the cloud's metadata services, the cluster's services.
Private networks are allowed: most registries of companies live there.
"""

from dataclasses import dataclass, replace
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "an unspecified address"),
    ("127.0.0.0/8", "a loopback address"),
    ("169.254.0.0/16", "a link-local address, where clouds keep metadata"),
    ("100.100.100.200/32", "a metadata address (Alibaba Cloud)"),
    ("100.96.0.96/32", "a metadata address (Volcengine)"),
    ("168.63.129.16/32", "a metadata address (Azure)"),
    ("192.0.0.0/24", "a metadata address (Oracle Cloud)"),
    ("224.0.0.0/4", "a multicast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("::/128", "an unspecified address"),
    ("::1/128", "a loopback address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a site-local address"),
    ("ff00::/8", "a multicast address"),
    ("fd00:ec2::/32", "a metadata address (AWS)"),
    ("fd20:ce::/32", "a metadata address (Google Cloud)"),
    ("fd00:42::42/128", "a metadata address (Scaleway)"),
    ("fd00:a9fe:a9fe::/48", "a metadata address (Linode)"),
    ("::ffff:0:0:0/96", "an IPv4 address that is translated on the way"),
    ("192.88.99.0/24", "a relay from IPv6 to IPv4"),
)
_BUILT_IN = tuple((ip_network(network), what) for network, what in _REFUSED)
_EMBEDDING = ip_network("::/96"), ip_network("64:ff9b::/96"), ip_network("::ffff:0:0:0/96")
_ISATAP = 0x5EFE  # RFC 5214 §6.1: the interface identifier is [02]00:5efe and an IPv4 address
_PRIVATE = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    )
)
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")


@dataclass(frozen=True, slots=True)
class AddressRule:
    """The administrator's networks on top of the built-in ones; `allowed` beats all others."""

    refused: tuple[Network, ...] = ()
    allowed: tuple[Network, ...] = ()
    public_only: bool = False

    def refusal(self, address: str) -> str | None:
        """Say why not to connect to an address as the resolver gave it; None: go ahead.

        An IPv4 address inside an IPv6 one is judged as itself too.
        """
        try:
            outer = ip_address(address)
        except ValueError:
            return "no address"
        ways = (outer, *_inner(outer))
        if any(_in(way, self.allowed) for way in ways):
            return None
        for way in ways:
            for network, what in _BUILT_IN:
                if way in network:
                    return what
            if _in(way, self.refused):
                return "an address of a network that is configured as refused"
        if self.public_only and is_private(address):
            return "a private address, and the registry that leads there is at a public one"
        return None

    def allowing(self, networks: tuple[Network, ...]) -> "AddressRule":
        """Give the rule for a host that the administrator put on these networks."""
        return replace(self, allowed=self.allowed + networks) if networks else self

    def outside(self) -> "AddressRule":
        """Give the rule for a host that a registry at a public address leads to."""
        return replace(self, public_only=True)


EVERYWHERE = AddressRule(allowed=(ip_network("0.0.0.0/0"), ip_network("::/0")))


def is_private(address: str) -> bool:
    """Tell whether an address, or the IPv4 address inside it, is of a private network."""
    try:
        outer = ip_address(address)
    except ValueError:
        return False
    return any(_in(way, _PRIVATE) for way in (outer, *_inner(outer)))


def _in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _inner(address: Address) -> list[IPv4Address]:
    """Give the IPv4 addresses to which a translator on the way may turn an IPv6 address.

    A zone (fe80::1%eth0) is no part of the number, and no network minds it.
    """
    if isinstance(address, IPv4Address):
        return []
    found: list[IPv4Address] = []
    bits = int(address)
    if address.ipv4_mapped:
        found.append(address.ipv4_mapped)
    if address.sixtofour:
        found.append(address.sixtofour)
    if address.teredo:
        found.extend(address.teredo)
    if any(address in network for network in _EMBEDDING) and bits > 1:
        found.append(IPv4Address(bits & 0xFFFFFFFF))
    if bits >> 32 & 0xFDFFFFFF == _ISATAP:
        found.append(IPv4Address(bits & 0xFFFFFFFF))
    if address in _LOCAL_NAT64:  # RFC 6052 §2.2: bits 48-63 and 72-87 of a /48 prefix
        found.append(IPv4Address((bits >> 64 & 0xFFFF) << 16 | bits >> 40 & 0xFFFF))
        found.append(IPv4Address(bits & 0xFFFFFFFF))  # or a /96 of the operator's choice
    return found
