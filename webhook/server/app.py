"""The routes: `POST /mutate` for the API server; health and metrics for everybody else."""

import asyncio
import re
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from structlog.typing import FilteringBoundLogger

from webhook.admission.admit import Answer, Engine, admit
from webhook.core.errors import BadReview
from webhook.server.health import CloseWhileDraining, Health
from webhook.server.metrics import CONTENT_TYPE, Metrics

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_USABLE = 0.7


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one review: bytes of its body, seconds that it may take."""

    body: int
    seconds: float


def create_app(
    engine: Engine, *, health: Health, metrics: Metrics, log: FilteringBoundLogger, limits: Limits
) -> FastAPI:
    """Make the application behind TLS: the API server's door."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(CloseWhileDraining, health=health)

    @app.post("/mutate")
    async def mutate(request: Request) -> Response:
        """Answer one admission review."""
        with metrics.in_flight.track_inprogress():
            try:
                body = await _body(request, limits.body)
            except ClientDisconnect:
                return Response(status_code=400)
            if isinstance(body, Response):
                metrics.reviewed("refused", 0.0)
                return body
            return await _answer(request, body)

    async def _answer(request: Request, body: bytes) -> Response:
        clock = asyncio.get_running_loop().time
        start = clock()
        budget = usable_seconds(request.query_params.get("timeout", ""), limits.seconds)
        try:
            answer = await admit(body, engine, deadline=start + budget)
        except BadReview as error:
            metrics.reviewed("refused", clock() - start)
            return _refusal(400, str(error))
        seconds = clock() - start
        metrics.reviewed(answer.result, seconds)
        _write_down(log, answer, seconds)
        return Response(answer.body, media_type="application/json")

    return app


def create_probes(health: Health, metrics: Metrics) -> FastAPI:
    """Make the application on the plain port: kubelet's probes and Prometheus' scrapes."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

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
    async def exposition() -> Response:
        """Prometheus' text format."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return app


def usable_seconds(timeout: str, most: float) -> float:
    """Give how long a review may take, from the API server's `?timeout=10s`.

    The API server counts from before it connects, so a good part of its time is left to it.
    A timeout that is no Go duration counts as none.
    """
    parts = _DURATION.findall(timeout) if len(timeout) <= 32 else []
    if not parts or "".join(number + unit for number, unit in parts) != timeout:
        return most
    told = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return min(most, told * _USABLE)


async def _body(request: Request, most: int) -> bytes | Response:
    """Read the body, or refuse what can't be a review before it costs memory."""
    if request.headers.get("content-encoding", "identity") != "identity":
        return _refusal(400, "the body must not be compressed")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return _refusal(400, "the content type must be application/json")
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > most:
            return _refusal(413, f"the body is larger than {most} bytes")
    return bytes(received)


def _refusal(status: int, sentence: str) -> Response:
    """Say no, and close: what is left of the body is not read."""
    headers = {"connection": "close"} if status == 413 else None
    return Response(f"{sentence}\n", status, headers, media_type="text/plain")


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
