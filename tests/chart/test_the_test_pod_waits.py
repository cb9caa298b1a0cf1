"""`helm test` right after `helm install`: its program waits for the webhook, and not for ever."""

import runpy
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.chart.render import CHART


@pytest.fixture
def program() -> dict[str, Any]:
    return runpy.run_path(str(CHART / "files" / "review.py"))


def test_it_waits_until_the_webhook_is_ready(program: dict[str, Any]) -> None:
    answers = iter([503, 503, 200])
    pauses: list[float] = []
    program["ready"].__globals__["sleep"] = pauses.append

    class Webhook(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(answers))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        program["ready"]("127.0.0.1", server.server_port)
        server.shutdown()
        thread.join()
    assert next(answers, None) is None
    assert pauses == [program["PAUSE"]] * 2


def test_it_gives_up_with_what_it_was_told(program: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match=r"not ready after 0 s: .*refused"):
        program["ready"]("127.0.0.1", 1, patience=0)
