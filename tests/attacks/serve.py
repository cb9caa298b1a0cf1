"""`initshim serve` in a world where some names are never answered, and one API server is a fake.

Usage: python -m tests.attacks.serve API_SERVER_URL serve. The URL may be "" for none.
"""

import os
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from tests.attacks.wire import SILENT
from webhook.cli import start
from webhook.kube import connect
from webhook.kube.connect import Connection

PROGRAMS = Path(__file__).parent / "programs"
_RESOLVE = socket.getaddrinfo


def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
    """Resolve as libc does where a name's own server says nothing: 20 s, then no address."""
    if isinstance(host, str) and host.endswith(SILENT):
        time.sleep(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _RESOLVE(host, *rest, **more)


async def no_token() -> None:
    """Show nothing: the fake lets everybody in."""


if __name__ == "__main__":
    os.environ["PATH"] = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    url = sys.argv.pop(1)
    socket.getaddrinfo = getaddrinfo
    if url:
        connection = Connection(url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), no_token)
        vars(connect)["in_cluster"] = lambda _: connection
    start()
