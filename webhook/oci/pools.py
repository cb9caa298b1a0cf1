"""Connections to registries: a pool for each way to a host, none where the rules forbid it.

Scheme and address are checked here, below redirects and token requests, so nothing above can
forget them.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import httpcore
import httpx

from webhook.base import tenants
from webhook.base.budget import Budget
from webhook.base.lru import Lru
from webhook.core.errors import Unreachable
from webhook.oci import bodies
from webhook.oci.addresses import EVERYWHERE, AddressRule, is_private
from webhook.oci.connect import Guarded, Resolve, Trust
from webhook.oci.endpoint import Endpoint
from webhook.oci.failures import mapped
from webhook.oci.httpcore_values import as_httpcore, as_proxy
from webhook.oci.proxied import check_proxied
from webhook.oci.proxies import Proxies
from webhook.oci.registries import Registries

_MOST_POOLS = 64
_MOST_NOTED = 4096  # hosts of which is known whether they are at a private address
_MORE = 2  # connections to a host beyond one for each lookup
_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach a host: what tells connection pools apart."""

    scheme: str
    host: str
    port: int
    endpoint: Endpoint | None
    proxy: str | None
    inside: bool


@dataclass(slots=True)
class _Pool:
    http: httpcore.AsyncConnectionPool
    owner: str
    users: int = 0

    def leave(self) -> None:
        """Count a user less."""
        self.users -= 1

    async def close_unused(self) -> None:
        """Close connections that are open and were never used.

        A request that is cancelled just after httpcore has connected for it leaves one, which
        httpcore neither uses nor closes. Should another request be about to use one, httpcore
        takes the next.
        """
        for each in self.http.connections:
            if ", NEW," in each.info():
                await each.aclose()


class Pools(httpx.AsyncBaseTransport):
    """Sends a request the way that its host's configuration and the address rule allow."""

    def __init__(
        self,
        registries: Registries,
        *,
        rule: AddressRule,
        proxies: Proxies,
        resolve: Resolve,
        extra_ca: tuple[str, ...] = (),
        kept: int = 8,
    ) -> None:
        """`kept` connections at most stay open to one host while nobody uses them.

        That is one for each lookup (places.py), and hardly more are open at once: requests of one
        lookup wait for each other where all are busy.
        """
        self._registries = registries
        self._rule = rule
        self._proxies = proxies
        self._resolve = resolve
        self._kept = kept
        self._trust = Trust(extra_ca)
        self._pools: OrderedDict[Way, _Pool] = OrderedDict()
        self._budget = Budget(bodies.IN_FLIGHT)
        self._private: Lru[tuple[str, int], bool] = Lru(_MOST_NOTED)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body keeps the pool open until it is closed."""
        way = self._way(request)
        if way.proxy and way not in self._pools:
            await self._check_proxied(way)
        pool, spare = self._pool(way)
        pool.users += 1
        try:
            for each in spare:
                await each.http.aclose()
            with mapped(way.host):
                answer = await self._send(pool, request)
        except BaseException:
            pool.leave()
            await pool.close_unused()
            raise
        largest = cast("int", request.extensions.get("largest", bodies.LARGEST))
        body = bodies.Body(answer, way.host, largest=largest, budget=self._budget, done=pool.leave)
        return httpx.Response(answer.status, headers=bodies.headers(answer), stream=body)

    async def _send(self, pool: _Pool, request: httpx.Request) -> httpcore.Response:
        try:
            return await pool.http.handle_async_request(as_httpcore(request))
        except (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError):
            # An idle connection that the other side closed just now; asking again is harmless
            # for what only reads.
            if request.method not in ("GET", "HEAD"):
                raise
            return await pool.http.handle_async_request(as_httpcore(request))

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
        proxy = self._proxies.choose(url.scheme, host, port)
        return Way(url.scheme, host, port, known, proxy, self._is_inside(host, port, asked))

    def _is_inside(self, host: str, port: int, asked: Endpoint | None) -> bool:
        """Tell whether a request may go to a private address.

        A registry's own may; where it sends us, only if it is at a private address itself, or if
        the administrator named the host.
        """
        if asked is None or asked.address == (host, port):
            return True
        return self._registries.host(host, port) is not None or bool(
            self._private.get(asked.address)
        )

    def _rule_of(self, way: Way) -> AddressRule:
        rule = self._rule.allowing(way.endpoint.networks if way.endpoint else ())
        return rule if way.inside else rule.outside()

    def _note(self, way: Way, addresses: Sequence[str]) -> None:
        private = any(map(is_private, addresses))
        self._private.put((way.host, way.port), private, owner=tenants.current())

    async def _check_proxied(self, way: Way) -> None:
        addresses = await check_proxied(
            way.host,
            way.port,
            rule=self._rule_of(way),
            resolve=self._resolve,
            configured=self._registries.host(way.host, way.port) is not None,
        )
        self._note(way, addresses)

    def _pool(self, way: Way) -> tuple[_Pool, list[_Pool]]:
        """Give a host's pool, and those to close for it, which nobody can find any more.

        Nothing is awaited in between: another request may want the same places.
        """
        pool = self._pools.get(way)
        if pool is None:
            pool = self._pools[way] = _Pool(self._open(way), tenants.current())
        self._pools.move_to_end(way)
        return pool, self._spare(way)

    def _spare(self, way: Way) -> list[_Pool]:
        """Take out the idle pools that are too many, first those of whoever has most of them."""
        spare: list[_Pool] = []
        while len(self._pools) > _MOST_POOLS:
            idle = [key for key, each in self._pools.items() if not each.users and key != way]
            if not idle:
                break
            many = Counter(self._pools[key].owner for key in idle)
            spare.append(self._pools.pop(max(idle, key=lambda key: many[self._pools[key].owner])))
        return spare

    def _open(self, way: Way) -> httpcore.AsyncConnectionPool:
        endpoint = way.endpoint or Endpoint(f"{way.scheme}://{way.host}")
        tls = self._trust.context(endpoint.ca) if way.scheme == "https" else None
        if way.proxy:
            return httpcore.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=self._kept + _MORE,
                proxy=as_proxy(way.proxy),
                network_backend=Guarded(EVERYWHERE, self._resolve),  # the administrator's choice
                max_keepalive_connections=self._kept,
                keepalive_expiry=_IDLE_SECONDS,
            )
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=self._kept + _MORE,
            network_backend=Guarded(
                self._rule_of(way), self._resolve, noted=partial(self._note, way)
            ),
            max_keepalive_connections=self._kept,
            keepalive_expiry=_IDLE_SECONDS,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, OrderedDict()
        for pool in pools.values():
            await pool.http.aclose()
