"""The routes: `POST /mutate` for the API server; health and metrics for everybody else."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from structlog.typing import FilteringBoundLogger

from webhook.admission.admit import Answer, Engine, admit
from webhook.core.errors import BadReview
from webhook.server.bodies import Bodies, refusal
from webhook.server.health import CloseWhileDraining, Health
from webhook.server.metrics import Metrics

# Go's time.ParseDuration, without a sign: https://pkg.go.dev/time#ParseDuration
_DURATION = re.compile(r"([0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9})(h|ms|m|s|us|µs|μs|ns)")
_SECONDS = {
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5, micro sign
    "μs": 1e-6,  # U+03BC, Greek mu: Go reads both
    "ns": 1e-9,
}
_USABLE = 0.7


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one review: bytes of its body (see Bodies for all of them), seconds it may take."""

    body: int
    seconds: float


def create_app(
    engine: Engine,
    *,
    health: Health,
    metrics: Metrics,
    log: FilteringBoundLogger,
    limits: Limits,
    answered: Callable[[Answer], None] = lambda _: None,
) -> FastAPI:
    """Make the application behind TLS, for the API server.

    `answered` hears of every review; it may neither raise nor block.
    """
    app = _bare()
    app.add_middleware(CloseWhileDraining, health=health)
    bodies = Bodies(limits.body)

    async def mutate(request: Request) -> Response:
        """Answer one admission review."""
        arrived = asyncio.get_running_loop().time()
        with metrics.in_flight.track_inprogress(), bodies.one() as one:
            try:
                body = await one.read(request)
            except ClientDisconnect:
                return Response(status_code=400)
            if isinstance(body, Response):
                metrics.reviewed("refused", None)
                return body
            told = _timeout(request.scope["query_string"])
            return await _answer(body, arrived + usable_seconds(told, limits.seconds))

    async def _answer(body: bytes, deadline: float) -> Response:
        clock = asyncio.get_running_loop().time
        start = clock()
        try:
            answer = await admit(body, engine, deadline=deadline)
        except BadReview as error:
            metrics.reviewed("refused", None)
            return refusal(400, str(error))
        seconds = clock() - start
        metrics.reviewed(answer.result, seconds)
        _write_down(log, answer, seconds)
        answered(answer)
        return Response(answer.body, media_type="application/json")

    # Starlette's route: FastAPI's own would look for parameters to validate, and there are none.
    app.add_route("/mutate", mutate, methods=["POST"])
    return app


def create_probes(health: Health, metrics: Metrics) -> FastAPI:
    """Make the application on the plain port: kubelet's probes and Prometheus' scrapes."""
    app = _bare()

    @app.get("/healthz")
    async def healthz() -> Response:
        """Alive: the event loop answers."""
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz")
    async def readyz() -> Response:
        """Ready for reviews, or 503 and why not."""
        obstacle = health.obstacle()
        return Response(f"{obstacle or 'ok'}\n", 503 if obstacle else 200, media_type="text/plain")

    @app.get("/metrics")
    async def exposition(request: Request) -> Response:
        """Prometheus' text format, or OpenMetrics."""
        content, kind = metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": kind})

    return app


@lru_cache(maxsize=64)
def _timeout(query: bytes) -> str:
    """Give the query's timeout; the API server sends the same one every time."""
    return dict(parse_qsl(query.decode("latin-1"))).get("timeout", "")


@lru_cache(maxsize=64)
def usable_seconds(timeout: str, most: float) -> float:
    """Give how long a review may take, from the API server's `?timeout=10s`.

    The API server counts from before it connects, so a good part of its time is left to it.
    A timeout of zero, or one that is no Go duration, counts as none.
    """
    parts = _DURATION.findall(timeout) if len(timeout) <= 32 else []
    if not parts or "".join(number + unit for number, unit in parts) != timeout:
        return most
    told = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return min(most, told * _USABLE) if told > 0 else most


def _bare() -> FastAPI:
    """Make an application of nothing but its routes: `/mutate/` is no path, and no redirect.

    FastAPI's own telemetry would give a process's providers the text of exceptions, and with it
    what a pod holds; ours is in tracing.py.
    """
    return FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )


def _write_down(log: FilteringBoundLogger, answer: Answer, seconds: float) -> None:
    """One line a review; a pod that asked for nothing is worth one only to who debugs."""
    write = log.debug if answer.result in ("ignored", "unchanged") else log.info
    write(
        "reviewed",
        result=answer.result,
        uid=answer.review.uid,
        namespace=answer.review.namespace,
        pod=answer.review.name,
        owner=answer.owner,
        dry_run=answer.review.dry_run,
        containers=dict(answer.containers or {}),
        milliseconds=round(seconds * 1000, 1),
    )
