"""A span around each request to a registry, or to whom it sends us."""

import httpx

from webhook.core.observe import Attributes, Tracer


class TracedTransport(httpx.AsyncBaseTransport):
    """Tells of each request where it goes and what came back.

    Names after OpenTelemetry's conventions for HTTP clients. The query is left out: a token's
    request names an account in it, and a store's URL may be a signed one. The trace's id is not
    handed on: registries are other people's.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, tracer: Tracer) -> None:
        self._transport = transport
        self._tracer = tracer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on."""
        url = request.url
        attributes: Attributes = {
            "http.request.method": request.method,
            "server.address": url.host,
            "server.port": url.port or (443 if url.scheme == "https" else 80),
            "url.full": f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}",
        }
        with self._tracer.span(request.method, attributes, outside=True) as span:
            response = await self._transport.handle_async_request(request)
            status = response.status_code
            # A 401 is how a registry asks for a token.
            failed = status >= 400 and status != httpx.codes.UNAUTHORIZED
            answered = {"http.response.status_code": status}
            span.record(answered, failure=str(status) if failed else "")
            return response

    async def aclose(self) -> None:
        """Close what it stands before."""
        await self._transport.aclose()
