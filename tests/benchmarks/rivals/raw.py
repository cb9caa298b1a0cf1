"""The limit of this stack: an ASGI application that reads the body and sends fixed bytes."""

from typing import Any

from tests.benchmarks.rivals.stack import serve

_BODY = (
    b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",'
    b'"response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true}}'
).ljust(900)
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"900")],
}


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Answer whatever comes."""
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    serve(app)
