"""Through which proxy a URL is asked for, if any: HTTP_PROXY, HTTPS_PROXY and NO_PROXY.

Rules: Go's golang.org/x/net/http/httpproxy, so that the webhook goes the way that containerd on
the nodes goes. The values are handed in; nothing here reads the environment.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxy URLs (they may hold a password, so they are never shown) and what goes direct."""

    http: str = field(default="", repr=False)
    https: str = field(default="", repr=False)
    no_proxy: str = ""

    def choose(self, scheme: str, host: str, port: int) -> str | None:
        """Give the proxy's URL for an origin; None: connect directly."""
        proxy = self.https if scheme == "https" else self.http
        if not proxy or self._direct(host.lower().strip("[]").rstrip("."), port):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def _direct(self, host: str, port: int) -> bool:
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        rules = (rule.strip().lower() for rule in self.no_proxy.split(","))
        return any(_covers(rule, host, address, port) for rule in rules if rule)


def _covers(rule: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    """Tell whether one part of NO_PROXY covers a host."""
    if rule == "*":
        return True
    if "/" in rule:
        try:
            return address is not None and address in ip_network(rule, strict=False)
        except ValueError:
            return False
    name, colon, number = rule.rpartition(":")
    if colon and number.isdigit() and _address(rule) is None:
        if int(number) != port:
            return False
        rule = name
    rule = rule.strip("[]").removeprefix("*")
    if address is not None:
        return _address(rule) == address
    # .example.com: below it only; example.com: itself and below.
    return host.endswith(rule) if rule.startswith(".") else _same_or_below(host, rule)


def _same_or_below(host: str, rule: str) -> bool:
    return host == rule or host.endswith(f".{rule}")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
