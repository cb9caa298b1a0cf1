"""What a proxy is asked for: nothing that would not have been connected to without it.

The proxy resolves names itself, and by other rules: the system's resolver of most makes 127.0.0.1
of `2130706433`, `0x7f000001` and `127.1`. What can be checked here is checked here; a name whose
name server answers the proxy otherwise is the proxy's own business.
"""

import asyncio
import re
from collections.abc import Sequence
from ipaddress import ip_address

from webhook.core.errors import Unreachable
from webhook.oci.addresses import AddressRule
from webhook.oci.connect import Resolve, refuse

_SECONDS = 2.0
# A name whose last part is a number is an address to many a resolver (WHATWG URL, "ends in a
# number"); no top-level domain is one.
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")
_LOCAL = ("localhost", "local", "internal", "svc", "lan", "arpa", "intranet", "private", "corp")


async def check_proxied(
    host: str, port: int, *, rule: AddressRule, resolve: Resolve, configured: bool
) -> Sequence[str]:
    """Give the addresses that a host has from here, () for none; Unreachable where it may not be.

    `configured` hosts are the administrator's: they need not be known to our own name server.
    """
    bare = host.strip("[]").rstrip(".").lower()
    if _is_address(bare):
        refuse(host, rule.refusal(bare), host)
        return (bare,)
    last = bare.rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        refuse(host, "no host name, and an address that is not written as one", host)
    try:
        async with asyncio.timeout(_SECONDS):
            addresses = await resolve(bare, port)
    except (OSError, UnicodeError, Unreachable):  # a TimeoutError among them
        addresses = ()
    for address in addresses:
        refuse(host, rule.refusal(address), address)
    if not addresses and not configured and (bare == last or last in _LOCAL):
        refuse(host, "a name that is not public, and none that can be resolved here", host)
    return addresses


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
