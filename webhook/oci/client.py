"""The distribution API, as far as it is needed: a manifest, its digest, a blob.

httpx stays behind this module and the transport. Redirects are followed by hand: few, and
without credentials as soon as another host is meant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from webhook.base import tenants
from webhook.base.lru import Lru
from webhook.core.credentials import ANONYMOUS, Credential
from webhook.core.errors import (
    BadAnswer,
    NotFound,
    RateLimited,
    Unreachable,
)
from webhook.oci.auth import RegistryAuth, Tokens
from webhook.oci.bodies import LARGEST, LARGEST_CONFIGURATION, let_go
from webhook.oci.digests import digest_of, is_digest, verify
from webhook.oci.endpoint import Endpoint, address_of
from webhook.oci.manifests import ACCEPT
from webhook.oci.statuses import check_status, limited, retry_after

_REQUESTS = 10  # for one question, redirects and all: as containerd (`request.do`)
_ONCE_MORE = frozenset({500, 503, 504})  # containerd: `retryRequest`, for the last host
_HOLD_OFF = 30.0  # seconds, where a registry says 429 but not until when
_LONGEST_HOLD_OFF = 300.0
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)  # the last resort; the caller's deadline is shorter


@dataclass(frozen=True, slots=True)
class Image:
    """What is asked for: a tag or a digest in a repository of a registry."""

    registry: str
    repository: str
    version: str


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks whom: an endpoint, a credential, and the reader as which the answer is kept."""

    endpoint: Endpoint
    credential: Credential
    reader: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question to a registry: the method, where, for which scope, and the longest answer."""

    method: str
    url: httpx.URL
    scope: str
    largest: int


class Client:
    """Reads from registries; every failure is a LookupFailed."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens = Tokens(clock)
        self._closed_until: Lru[tuple[str, str, str], float] = Lru(1024)
        # With a transport of its own httpx reads nothing of the environment: no proxy, no ~/.netrc.
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=_TIMEOUT,
            follow_redirects=False,
            headers={"User-Agent": "initshim", "Accept-Encoding": "identity"},
            # Registries need no cookies, and kept ones would tie callers together.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def manifest(self, access: Access, image: Image) -> tuple[str, bytes]:
        """Give a manifest or an index and its digest, which it was checked against."""
        by_digest = ":" in image.version
        try:
            answer = await self._ask("GET", access, image, f"manifests/{image.version}")
        except NotFound:
            if not by_digest:
                raise
            # Registries of old keep manifests there; containerd: `Resolve`.
            answer = await self._ask("GET", access, image, f"blobs/{image.version}")
        said = answer.headers.get("docker-content-digest", "")
        digest = image.version if by_digest else said
        if digest:
            verify(answer.content, digest)
        return digest or digest_of(answer.content), answer.content

    async def digest(self, access: Access, image: Image) -> str | None:
        """Ask (HEAD) for a manifest's digest only; None where the registry does not tell."""
        try:
            answer = await self._ask("HEAD", access, image, f"manifests/{image.version}")
        except BadAnswer:  # some serve GET only
            return None
        said = answer.headers.get("docker-content-digest", "")
        return said if is_digest(said) else None

    async def blob(self, access: Access, image: Image, *, size: int) -> bytes:
        """Give a blob, checked against its digest and its size."""
        if size > LARGEST_CONFIGURATION:
            most = LARGEST_CONFIGURATION >> 20
            raise BadAnswer(f"the image's configuration is larger than {most} MiB")
        try:
            answer = await self._ask("GET", access, image, f"blobs/{image.version}", size + 1)
        except NotFound as error:
            raise BadAnswer(f"{error}, which is a part of the image") from error
        verify(answer.content, image.version)
        return answer.content

    async def _ask(
        self, method: str, access: Access, image: Image, path: str, largest: int = LARGEST
    ) -> httpx.Response:
        endpoint = access.endpoint
        # One namespace's image that is limited, or says so, does not hold off the others'.
        held = endpoint.authority, access.credential.identity, tenants.current()
        if self._clock() < (self._closed_until.get(held) or 0.0):
            raise limited(endpoint.authority)
        try:
            url = httpx.URL(f"{endpoint.root}/{image.repository}/{path}")
        except httpx.InvalidURL as error:  # registry:99999/app is a reference, but no URL
            raise Unreachable(f"{endpoint.authority} is no host and port") from error
        if endpoint.mirror:  # as containerd: a mirror of several registries needs to know which
            url = url.copy_merge_params({"ns": image.registry})
        request = _Asked(method, url, f"repository:{image.repository}:pull", largest)
        try:
            answer = await self._follow(request, access)
            if answer.status_code in _ONCE_MORE and not retry_after(answer.headers):
                answer = await self._follow(request, access)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BadAnswer(f"{endpoint.authority} gave an answer that can't be used") from error
        except RateLimited:  # the token server
            self._hold_off(held, _HOLD_OFF)
            raise
        if answer.status_code in (429, 503):
            wait = retry_after(answer.headers)
            if wait or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                self._hold_off(held, wait or _HOLD_OFF)
        check_status(
            answer.status_code, endpoint.authority, f"{image.repository} ({image.version})"
        )
        return answer

    def _hold_off(self, held: tuple[str, str, str], seconds: float) -> None:
        until = self._clock() + min(seconds, _LONGEST_HOLD_OFF)
        self._closed_until.put(held, until, owner=tenants.current())

    async def _follow(self, asked: _Asked, access: Access) -> httpx.Response:
        """Send, and go where the registry sends us, a few times at most; elsewhere as nobody."""
        url, credential = asked.url, access.credential
        for _ in range(_REQUESTS):
            request = self._http.build_request(
                asked.method,
                url,
                headers={"Accept": ACCEPT},
                extensions={"endpoint": access.endpoint, "largest": asked.largest},
            )
            auth = RegistryAuth(credential, asked.scope, self._tokens)
            answer = await self._http.send(request, auth=auth, stream=True)
            try:
                await answer.aread()
            finally:
                await answer.aclose()
                let_go(answer)
            if answer.status_code not in (301, 302, 303, 307, 308):
                return answer
            url = _target(url, answer.headers.get("location", ""))
            if address_of(str(url)) != access.endpoint.address or url.scheme != asked.url.scheme:
                credential = ANONYMOUS
        raise BadAnswer(f"{access.endpoint.authority} redirects without end")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()


def _target(base: httpx.URL, location: str) -> httpx.URL:
    try:
        url = base.join(location) if location else None
    except httpx.InvalidURL as error:
        raise BadAnswer(f"{base.host} redirects to what is no URL") from error
    if url is None or url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise BadAnswer(f"{base.host} redirects to what is no http(s) URL")
    return url
