"""Sockets to listen on; nothing is imported for them that takes time."""

import socket

from webhook.core.errors import BadSettings

_BACKLOG = 2048
# Bytes of the kernel's buffers for a connection, each way. It would let them grow to megabytes,
# which count as the container's memory; and uvloop and OpenSSL keep, until the connection ends,
# buffers for as much as has come at once: 512 KiB each.
_BUFFERED = 64 << 10


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; for no host on every address, IPv6 and IPv4.

    Raises BadSettings that names the address where it can't be had.
    """
    try:
        return _narrowed(_listening(host, port))
    except OSError as error:
        # socket.create_server repeats the address in its own words.
        why = (error.strerror or str(error)).partition(" (while attempting")[0]
        raise BadSettings(
            f"can't listen on {host or 'any address'}, port {port}: {why}",
            next_step="Choose another host or port, or stop whoever has this one.",
        ) from error


def _listening(host: str, port: int) -> socket.socket:
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _narrowed(listener: socket.socket) -> socket.socket:
    """Cap the buffers of the connections that it accepts, and send at once: they take after it.

    uvloop sends at once by itself; asyncio does not where it is given a socket.
    """
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, option, _BUFFERED)
    return listener
