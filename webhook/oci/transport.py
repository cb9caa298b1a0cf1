"""Every byte to and from registries: one pool per host, every answer capped, every error mapped.

Scheme, address, size and concurrency are judged here, below redirects and token requests, so
nothing above can forget them. httpcore's errors become LookupFailed here and nowhere else.
"""

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from webhook.core.errors import BadAnswer, LookupFailed, TimedOut, Unreachable
from webhook.oci.addresses import EVERYWHERE, AddressRule
from webhook.oci.connect import Guarded, Resolve, Trust, refuse
from webhook.oci.endpoint import Endpoint
from webhook.oci.manifests import LARGEST
from webhook.oci.proxies import Proxies
from webhook.oci.registries import Registries

_MOST_POOLS = 64
_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach a host: what tells connection pools apart."""

    scheme: str
    host: str
    port: int
    endpoint: Endpoint | None
    proxy: str | None


@dataclass(slots=True)
class _Pool:
    http: httpcore.AsyncConnectionPool
    slots: asyncio.Semaphore
    users: int = 0


class _Place:
    """A request's place at a host; given back once, however often that is asked."""

    def __init__(self, pool: _Pool) -> None:
        self._pool: _Pool | None = pool
        self._taken = False
        pool.users += 1

    async def take(self) -> None:
        """Wait for a free place, first come, first served."""
        if self._pool is not None:
            await self._pool.slots.acquire()
            self._taken = True

    def give_back(self) -> None:
        """Let the next request have it."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.users -= 1
            if self._taken:
                pool.slots.release()


class Transport(httpx.AsyncBaseTransport):
    """Sends a request the way that its host's configuration and the address rule allow."""

    def __init__(
        self,
        registries: Registries,
        *,
        rule: AddressRule,
        proxies: Proxies,
        resolve: Resolve,
        extra_ca: tuple[str, ...] = (),
        per_host: int = 8,
    ) -> None:
        """`per_host` requests at most are under way to one host at once."""
        self._registries = registries
        self._rule = rule
        self._proxies = proxies
        self._resolve = resolve
        self._per_host = per_host
        self._trust = Trust(extra_ca)
        self._pools: OrderedDict[Way, _Pool] = OrderedDict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body holds a place at the host until it is closed."""
        way = self._way(request)
        pool, spare = self._pool(way)
        place = _Place(pool)
        try:
            await place.take()
            for each in spare:
                await each.http.aclose()
            with _mapped(way.host):
                answer = await self._send(pool, request)
        except BaseException:
            place.give_back()
            raise
        body = _Body(answer, way.host, place)
        headers = [(k, v) for k, v in answer.headers if k.lower() not in _DECODED]
        return httpx.Response(answer.status, headers=headers, stream=body)

    async def _send(self, pool: _Pool, request: httpx.Request) -> httpcore.Response:
        try:
            return await pool.http.handle_async_request(_core(request))
        except (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError):
            # An idle connection that the other side closed just now; asking again is harmless
            # for what only reads.
            if request.method not in ("GET", "HEAD"):
                raise
            return await pool.http.handle_async_request(_core(request))

    def _way(self, request: httpx.Request) -> Way:
        url = request.url
        host, port = url.host.lower(), url.port or (80 if url.scheme == "http" else 443)
        known = self._registries.host(host, port)
        if url.scheme != "https" and (known is None or known.scheme != "http"):
            raise Unreachable(
                f"{host} is not asked over plain {url.scheme}",
                next_step=f"If that is meant, set plainHTTP for {host} in the registries file.",
            )
        asked = cast("Endpoint | None", request.extensions.get("endpoint"))
        if known is None and asked is not None:
            # A token server or a store of blobs behind the registry: its CA holds there too,
            # its permission to use refused addresses does not.
            known = Endpoint(f"{url.scheme}://{host}", ca=asked.ca)
        return Way(url.scheme, host, port, known, self._proxies.choose(url.scheme, host, port))

    def _pool(self, way: Way) -> tuple[_Pool, list[_Pool]]:
        """Give a host's pool, and those to close for it, which nobody can find any more.

        Nothing is awaited in between: another request may want the same places.
        """
        pool = self._pools.get(way)
        if pool is None:
            pool = _Pool(self._open(way), asyncio.Semaphore(self._per_host))
            self._pools[way] = pool
        self._pools.move_to_end(way)
        idle = [key for key, each in self._pools.items() if not each.users and key != way]
        many = max(0, len(self._pools) - _MOST_POOLS)
        return pool, [self._pools.pop(key) for key in idle[:many]]

    def _open(self, way: Way) -> httpcore.AsyncConnectionPool:
        endpoint = way.endpoint or Endpoint(f"{way.scheme}://{way.host}")
        tls = self._trust.context(endpoint.ca) if way.scheme == "https" else None
        rule = self._rule.allowing(endpoint.networks)
        # A host name starts the resolver, an address does not: the proxy would get it as it is.
        if way.proxy:
            refuse(way.host, _literal(rule, way.host), way.host)
            return httpcore.AsyncConnectionPool(
                ssl_context=tls,
                proxy=_proxy(way.proxy),
                network_backend=Guarded(EVERYWHERE, self._resolve),  # the administrator's choice
                max_connections=self._per_host,
                keepalive_expiry=_IDLE_SECONDS,
            )
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=Guarded(rule, self._resolve),
            max_connections=self._per_host,
            keepalive_expiry=_IDLE_SECONDS,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, OrderedDict()
        for pool in pools.values():
            await pool.http.aclose()


_DECODED = (b"content-encoding", b"content-length", b"transfer-encoding")


class _Body(httpx.AsyncByteStream):
    """A response's body, decoded here so that the cap holds for what comes out."""

    def __init__(self, answer: httpcore.Response, host: str, place: _Place) -> None:
        self._answer = answer
        self._host = host
        self._place = place

    async def __aiter__(self) -> AsyncIterator[bytes]:
        decode = _decoder(self._answer, self._host)
        size = 0
        with _mapped(self._host):
            async for chunk in self._answer.aiter_stream():
                plain = decode(chunk, LARGEST - size + 1)
                size += len(plain)
                if size > LARGEST:
                    raise BadAnswer(f"{self._host} sent more than {LARGEST >> 20} MiB")
                yield plain

    async def aclose(self) -> None:
        try:
            await self._answer.aclose()
        finally:
            self._place.give_back()


def _decoder(answer: httpcore.Response, host: str) -> Callable[[bytes, int], bytes]:
    """Give what decodes a chunk to at most so many bytes; identity was asked for."""
    named = [v.lower().strip() for k, v in answer.headers if k.lower() == b"content-encoding"]
    coding = b",".join(named)
    if coding in (b"", b"identity"):
        return lambda chunk, _room: chunk
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        raise BadAnswer(f"{host} sent an encoding that was not asked for")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def decode(chunk: bytes, room: int) -> bytes:
        try:
            return inflate.decompress(chunk, room)
        except zlib.error as error:
            raise BadAnswer(f"{host} sent compressed data that can't be read") from error

    return decode


@contextmanager
def _mapped(host: str) -> Iterator[None]:
    """Turn httpcore's errors into ours; what they say holds no secrets."""
    try:
        yield
    except LookupFailed:
        raise
    except httpcore.TimeoutException as error:
        raise TimedOut(f"{host} did not answer in time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError) as error:
        raise _unreachable(host, error) from error


def _unreachable(host: str, error: Exception) -> Unreachable:
    why = str(error).rstrip(".") or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in why:
        return Unreachable(
            f"{host} shows a certificate that is not trusted",
            next_step="Give its authority as `ca` in the registries file.",
        )
    if "SSL" in why:
        return Unreachable(
            f"{host} does not speak TLS as expected: {why}",
            next_step="If it speaks plain HTTP, set plainHTTP in the registries file.",
        )
    return Unreachable(f"{host} can't be reached: {why}")


def _core(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.content,
        extensions={"timeout": request.extensions.get("timeout", {})},
    )


def _literal(rule: AddressRule, host: str) -> str | None:
    if host == "localhost" or host.endswith(".localhost"):
        return "a loopback name"
    why = rule.refusal(host)
    return None if why == "no address" else why


def _proxy(url: str) -> httpcore.Proxy:
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return httpcore.Proxy(bare)
    return httpcore.Proxy(bare, auth=(unquote(parts.username), unquote(parts.password or "")))
