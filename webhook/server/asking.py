"""Who asks: the peer that sent a request, and the namespace that it names."""

from functools import lru_cache

from starlette.types import Scope

from webhook.base import tenants
from webhook.server.eviction import source_of

# The API server writes a review's namespace before its object, and quotes within strings as \\".
_NAMESPACE = b'"namespace":'
_WITHIN = 8 << 10  # bytes of a body
_LONGEST = 63  # characters of a namespace's name
_source = lru_cache(maxsize=1024)(source_of)


def peer_of(scope: Scope) -> str:
    """Give the peer that sent a request."""
    peer = scope.get("client")
    return (_source(peer[0]) if peer else "") or "unknown"


def asking(peer: str, body: bytes) -> str:
    """Give for whom a request asks, by its peer and the begin of its body."""
    at = body.find(_NAMESPACE, 0, _WITHIN) + len(_NAMESPACE)
    if at < len(_NAMESPACE):
        return tenants.named(peer, "")
    return _tenant(peer, body[at : at + _LONGEST + 3])


@lru_cache(maxsize=1024)
def _tenant(peer: str, namespace: bytes) -> str:
    quoted = namespace.split(b'"', 2)
    named = len(quoted) == 3 and len(quoted[1]) <= _LONGEST
    return tenants.named(peer, quoted[1].decode("latin-1") if named else "")
