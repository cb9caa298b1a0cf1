"""What a review can't be cheaper than: applications that do one part of the way, and no more."""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_ANSWER = b'{"kind":"AdmissionReview"}'.rjust(900)


async def raw(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and send fixed bytes."""
    await _read(receive)
    await _send(send)


async def parsing(_scope: Scope, receive: Receive, send: Send) -> None:
    """The same, and parse the body in between."""
    msgspec.json.decode(await _read(receive))
    await _send(send)


def fastapi() -> FastAPI:
    """The same as `raw`, by FastAPI with Starlette's route."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )

    async def mutate(request: Request) -> Response:
        await request.body()
        return Response(_ANSWER, media_type="application/json")

    app.add_route("/mutate", mutate, methods=["POST"])
    return app


FLOORS: dict[str, Callable[[], ASGIApp]] = {
    "raw ASGI": lambda: raw,
    "raw ASGI, parsed": lambda: parsing,
    "FastAPI": fastapi,
}


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message.get("more_body", False)
    return body


async def _send(send: Send) -> None:
    headers: Any = [(b"content-type", b"application/json"), (b"content-length", b"900")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})
