"""From httpx to httpcore: a request, a proxy."""

from urllib.parse import unquote, urlsplit

import httpcore
import httpx


def as_httpcore(request: httpx.Request) -> httpcore.Request:
    """Give a request of httpx as httpcore sends it."""
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.content,
        extensions={"timeout": request.extensions.get("timeout", {})},
    )


def as_proxy(url: str) -> httpcore.Proxy:
    """Give a proxy's URL as httpcore takes it: a user and a password apart."""
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return httpcore.Proxy(bare)
    return httpcore.Proxy(bare, auth=(unquote(parts.username), unquote(parts.password or "")))
