"""How the rivals in Python are served: uvicorn, uvloop and httptools, and our TLS settings."""

import asyncio
import os
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from webhook.tls.context import server_context


def serve(app: Any) -> None:
    """Serve an application for ever, where the environment says."""
    folder = Path(os.environ["CERTIFICATES"])
    tls = server_context()
    tls.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=120,
        ssl_context_factory=lambda *_: tls,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())
