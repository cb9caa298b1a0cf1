"""The applications: reviews behind TLS for the API server; health and metrics on the plain port."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from webhook.admission.admit import Answer, Engine
from webhook.server.health import Health
from webhook.server.logs import ReviewLog
from webhook.server.metrics import Metrics
from webhook.server.mutate import Answers, Limits, Mutate

# FastAPI's own telemetry would give a process's providers the text of exceptions, and with it
# what a pod holds; ours is in tracing.py. `/mutate/` is no path, and no redirect.
_BARE: dict[str, Any] = {
    "docs_url": None,
    "redoc_url": None,
    "openapi_url": None,
    "redirect_slashes": False,
    "telemetry": {"tracing": False, "metrics": False, "logs": False},
}

_STARTUP_SECONDS = 8.0  # a replica is ready once its CA has been published for five
_LOOK_SECONDS = 0.05


class _Straight(FastAPI):
    """FastAPI with one endpoint for all paths: no middlewares, and no routes.

    Middlewares would catch what an endpoint raises, and look for a body's limit: Mutate raises
    nothing, and has limits of its own. And routes are tried one by one, by regular expressions: for
    a single path that is a twentieth of what a review costs.
    """

    def __init__(self, endpoint: ASGIApp) -> None:
        super().__init__(**_BARE)
        self._endpoint = endpoint

    def build_middleware_stack(self) -> ASGIApp:
        """Lead from the server to the endpoint."""
        return self._endpoint


def create_app(
    engine: Engine,
    *,
    health: Health,
    metrics: Metrics,
    log: ReviewLog,
    limits: Limits,
    answered: Callable[[Answer], None] = lambda _: None,
) -> FastAPI:
    """Make the application behind TLS, for the API server.

    `answered` hears of every review; it may neither raise nor block.
    """
    answers = Answers(health)
    mutate = Mutate(
        engine, answers=answers, metrics=metrics, log=log, limits=limits, answered=answered
    )

    async def nowhere(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answers.refuse(send, 404, "there is nothing but POST /mutate")

    def lead(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        found = scope["type"] == "http" and scope["path"] == "/mutate"
        return (mutate if found else nowhere)(scope, receive, send)

    return _Straight(lead)


def create_probes(
    health: Health, metrics: Metrics, *, startup_seconds: float = _STARTUP_SECONDS
) -> FastAPI:
    """Make the application on the plain port: kubelet's probes and Prometheus' scrapes."""
    app = FastAPI(**_BARE)

    @app.get("/healthz")
    async def healthz() -> Response:
        """Alive: the event loop answers."""
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz")
    async def readyz(draining: str = "") -> Response:
        """Ready for reviews, or 503 and why not. With `?draining=ok` a drain is no reason.

        Kubernetes sends nothing to a pod that is being deleted, whatever its probe says, but where
        no other is left: then to one that says it still serves (ProxyTerminatingEndpoints).
        """
        obstacle = health.waiting_for() if draining == "ok" else health.obstacle()
        return Response(f"{obstacle or 'ok'}\n", 503 if obstacle else 200, media_type="text/plain")

    @app.get("/startupz")
    async def startupz() -> Response:
        """Started: answered once ready, or after eight seconds; /readyz then says why not.

        A kubelet that waits for this answer has no failed probe to write an event about.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(startup_seconds):
                while health.obstacle():  # noqa: ASYNC110 - nobody tells it
                    await asyncio.sleep(_LOOK_SECONDS)
        return Response("ok\n", media_type="text/plain")

    @app.get("/metrics")
    async def exposition(request: Request) -> Response:
        """Prometheus' text format, or OpenMetrics."""
        content, kind = metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": kind})

    return app
