"""Connections that go only where they may: resolve, check each address, connect to exactly that.

The check and the connection use one and the same resolution, so a name server that gives another
answer a moment later (DNS rebinding) gains nothing. TLS and the Host header keep the name.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import certifi
import httpcore

from webhook.base import tenants
from webhook.base.shares import Shares
from webhook.core.errors import Unreachable
from webhook.oci.addresses import AddressRule

_INFORMATIONAL = re.compile(rb"\r?\n?HTTP/1\.[01] 1\d\d")
_END = re.compile(rb"\n\r?\n")  # of a head, as httpcore's parser takes it
_MOST_INFORMATIONAL = 16  # in one response; most send none, some a 103
_LARGEST_HEAD = 32 << 10  # bytes; a store of blobs redirects to URLs of some 2 KiB
_MOST_LINES = 256  # of a head
_MOST_READ = 16 << 10  # bytes at once: what is parsed before anybody else has a turn
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_THREADS = 32


class NameResolver:
    """The system's resolver, in threads of its own: one that hangs must not stop anything else."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="resolve")
        self._shares = Shares(threads)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Give a name's addresses, in the order in which to try them."""
        loop = asyncio.get_running_loop()
        tenant = tenants.current()
        await self._shares.take(tenant)
        asked = loop.run_in_executor(
            self._pool, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )

        def ended(asked: "asyncio.Future[Any]") -> None:
            self._shares.give_back(tenant)
            if not asked.cancelled():
                asked.exception()  # asyncio warns of one that nobody has read

        # The thread goes on when nobody waits any more: the place is its own until it ends.
        asked.add_done_callback(ended)
        found = await asyncio.shield(asked)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        """Take no more names; those being asked for end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Guarded(httpcore.AsyncNetworkBackend):
    """httpcore's network, with the address rule between the resolver and the socket."""

    def __init__(
        self,
        rule: AddressRule,
        resolve: Resolve,
        *,
        noted: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        """`noted` is told the addresses that are connected to."""
        self._rule = rule
        self._resolve = resolve
        self._noted = noted
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers; all have to be allowed."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._addresses(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from error
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            # An even share: an unreachable IPv6 address must not use up the time of IPv4.
            share = None if timeout is None else timeout / len(addresses)
            try:
                return _Stream(
                    await self._inner.connect_tcp(
                        address, port, share, local_address, socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(
                f"{host} can't be resolved",
                next_step="Check the name, and that the webhook's pod can resolve it.",
            ) from error
        for address in addresses:
            refuse(host, self._rule.refusal(address), address)
        self._noted(addresses)
        return addresses

    async def sleep(self, seconds: float) -> None:
        """Httpcore waits between its own retries, which are switched off here."""
        await asyncio.sleep(seconds)


class Head:
    """The head of a response, weighed before anybody parses it.

    httpcore's parser would read informational responses for ever, and makes some 50 bytes of each
    byte where all lines are short.
    """

    def __init__(self) -> None:
        self._seen: bytearray | None = bytearray()
        self._informational = 0

    def feed(self, content: bytes) -> None:
        """Weigh some more bytes; those behind the head count no more.

        Raises httpcore.RemoteProtocolError for a head that is too large, or one too many.
        """
        while self._seen is not None and content:
            self._seen += content
            end = _END.search(self._seen)
            head = self._seen[: end.end()] if end else self._seen
            if len(head) > _LARGEST_HEAD or head.count(b"\n") > _MOST_LINES:
                raise httpcore.RemoteProtocolError("the head of its answer is too large")
            if not end:
                return
            content = bytes(self._seen[end.end() :])
            self._seen = bytearray() if _INFORMATIONAL.match(head) else None
            self._informational += 1
            if self._informational > _MOST_INFORMATIONAL:
                raise httpcore.RemoteProtocolError("informational responses without end")


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is given up.

    httpcore closes it after an error, but not when the handshake is cancelled: a server that
    accepts and then says nothing would cost a socket each time.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._head = Head()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """See httpcore."""
        content = await self._inner.read(min(max_bytes, _MOST_READ), timeout)
        self._head.feed(content)
        return content

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """See httpcore."""
        self._head = Head()
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """See httpcore."""
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> object:
        """See httpcore."""
        return self._inner.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        """Speak TLS from here on, or close."""
        try:
            return _Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self._inner.aclose()
            raise


def refuse(host: str, why: str | None, address: str) -> None:
    """Raise Unreachable where there is a reason not to connect."""
    if why:
        shown = host if address == host else f"{host} ({address})"
        raise Unreachable(
            f"{shown} is {why}: not asked",
            next_step="If this registry is meant, list its network under `addresses` "
            "in the registries file.",
        )


class Trust:
    """Whom to believe: the system's and certifi's authorities, and those that are configured."""

    def __init__(self, extra_ca: tuple[str, ...] = ()) -> None:
        self._extra = extra_ca
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}

    def context(self, ca: tuple[str, ...]) -> ssl.SSLContext:
        """Give the context that trusts these PEM texts besides; made once, it costs 3 MiB."""
        context = self._contexts.get(ca)
        if context is None:
            context = ssl.create_default_context(cafile=certifi.where())
            context.load_default_certs()
            for pem in (*self._extra, *ca):
                context.load_verify_locations(cadata=pem)
            self._contexts[ca] = context
        return context
