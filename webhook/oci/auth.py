"""Authentication as registries do it: a challenge, perhaps a token, the request again.

Protocol: distribution docs, spec/auth (token, oauth). An `httpx.Auth` that never sends: it
yields requests and reads answers, so it can be driven by hand in tests.
"""

import base64
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from webhook.base import tenants
from webhook.base.lru import Lru
from webhook.core.credentials import Credential
from webhook.core.errors import BadAnswer, LookupFailed, RateLimited, Unauthorized
from webhook.oci.bodies import let_go
from webhook.oci.challenge import Challenge, parse
from webhook.oci.failures import server_error

Clock = Callable[[], float]
_DEFAULT_LIFE = 60.0  # seconds; the token spec's default where expires_in is missing
_LONGEST_LIFE = 3600.0
_EARLY = 10.0  # renew a little before the registry's clock says so
_CLIENT = "initshim"
_HEAVIEST = 8 << 20  # bytes of all tokens that are kept
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,65536}")  # what may stand in a header's value


class Tokens:
    """Tokens by host, scope and caller until they expire; bounded."""

    def __init__(self, clock: Clock, *, entries: int = 4096) -> None:
        self._clock = clock
        self._known: Lru[tuple[str, str, str], tuple[str, float]] = Lru(entries, weight=_HEAVIEST)

    def get(self, key: tuple[str, str, str]) -> str | None:
        """Give an Authorization value that is still good."""
        known = self._known.get(key)
        return known[0] if known and self._clock() < known[1] else None

    def put(self, key: tuple[str, str, str], value: str, *, life: float) -> None:
        """Keep an Authorization value for so many seconds."""
        kept = value, self._clock() + life
        weight = len(value) + sum(map(len, key))
        self._known.put(key, kept, weight=weight, owner=tenants.current())

    def drop(self, key: tuple[str, str, str]) -> None:
        """Forget a value that was refused."""
        self._known.drop(key)


class RegistryAuth(httpx.Auth):
    """Answers a registry's challenge with one credential for one scope."""

    def __init__(self, credential: Credential, scope: str, tokens: Tokens) -> None:
        self._credential = credential
        self._scope = scope
        self._tokens = tokens

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with what is known; on 401 get what the challenge asks for and send again."""
        key = (request.url.netloc.decode("ascii"), self._scope, self._credential.identity)
        known = self._tokens.get(key)
        if known:
            request.headers["Authorization"] = known
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        await response.aread()  # capped below; frees the connection for the token
        let_go(response)
        self._tokens.drop(key)
        challenge = _choose(parse(response.headers.get_list("www-authenticate")))
        if challenge is None:
            return
        if challenge.scheme == "basic":
            if self._credential.anonymous:
                return
            value, life = self._basic(), _LONGEST_LIFE
        else:
            answer = yield self._token_request(request, challenge)
            await answer.aread()
            let_go(answer)
            value, life = _token(answer)
        request.headers["Authorization"] = value
        response = yield request
        if response.status_code not in (401, 403):
            self._tokens.put(key, value, life=life)

    def _basic(self) -> str:
        pair = f"{self._credential.username}:{self._credential.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _token_request(self, asked: httpx.Request, challenge: Challenge) -> httpx.Request:
        realm = _realm(challenge.parameters.get("realm", ""), asked.url.host)
        fields = {"scope": challenge.parameters.get("scope") or self._scope}
        if challenge.parameters.get("service"):
            fields["service"] = challenge.parameters["service"]
        headers = {"Accept-Encoding": "identity", "User-Agent": asked.headers["User-Agent"]}
        kept = dict(asked.extensions)
        if self._credential.identity_token:
            fields |= {"grant_type": "refresh_token", "client_id": _CLIENT}
            fields["refresh_token"] = self._credential.identity_token
            return httpx.Request("POST", realm, data=fields, headers=headers, extensions=kept)
        if not self._credential.anonymous:
            headers["Authorization"] = self._basic()
            fields["account"] = self._credential.username
        url = realm.copy_merge_params(fields)
        return httpx.Request("GET", url, headers=headers, extensions=kept)


def _choose(challenges: Sequence[Challenge]) -> Challenge | None:
    """Prefer a token to a password on the wire."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme:
                return challenge
    return None


def _realm(text: str, host: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise BadAnswer(f"{host} names a token server that is no URL") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise BadAnswer(f"{host} names a token server that is no http(s) URL")
    return url


def _token(answer: httpx.Response) -> tuple[str, float]:
    host, status = answer.request.url.host, answer.status_code
    if status != httpx.codes.OK:
        raise _refused(host, status)
    try:
        body = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, RecursionError):
        raise BadAnswer(f"the token server {host} did not answer in JSON") from None
    fields: Mapping[str, Any] = body if isinstance(body, dict) else {}
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or not _PRINTABLE.fullmatch(token):
        raise BadAnswer(f"the token server {host} gave no token")
    life = fields.get("expires_in")
    seconds = life if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE
    # A whole number may have thousands of digits here: it is capped before it is made a float.
    return f"Bearer {token}", max(1.0, float(min(seconds, _LONGEST_LIFE)) - _EARLY)


def _refused(host: str, status: int) -> LookupFailed:
    said = f"the token server {host} answered {status}"
    if status in (400, 401, 403, 404):
        return Unauthorized(said)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimited(said)
    return server_error(f"the token server {host}", status) if status >= 500 else BadAnswer(said)
