"""Debian's docker-registry, run as an administrator would: plain, htpasswd, token, TLS."""

import asyncio
import json
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.http import Handler, Host, serve
from tests.leftovers import mark

PASSWORD = "c4n4ry-p4ssw0rd"
# bcrypt of the password, as `htpasswd -B` writes it.
HTPASSWD = "robot:$2y$04$abcdefghijklmnopqrstuuP5qtuv0Y.RCFxh0zonGxv1fI0zw3AOe\n"
_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
_START_SECONDS = 30


@dataclass(slots=True)
class Real:
    """A running registry: its address and what it wrote to its access log."""

    authority: str
    log: Path

    def served(self, method: str, part: str) -> int:
        """Count the requests that it answered."""
        lines = self.log.read_text().splitlines()
        return sum(1 for line in lines if f'"{method} ' in line and part in line)


@contextmanager
def registry(
    folder: Path, storage: Path, *, auth: Mapping[str, Any] | None = None, tls: Any = None
) -> Iterator[Real]:
    """Run docker-registry on a free port over a storage that several may share."""
    folder.mkdir(parents=True, exist_ok=True)
    http: dict[str, Any] = {"addr": "127.0.0.1:0", "secret": "x"}
    if tls:
        http["tls"] = tls
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": False}, "level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(storage)}},
        "http": http,
    }
    if auth:
        config["auth"] = auth
    file, log = folder / "config.json", folder / "log"
    file.write_text(json.dumps(config))  # JSON is YAML
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(file)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**mark(), "OTEL_TRACES_EXPORTER": "none", "PATH": "/usr/bin:/bin"},
        )
        try:
            yield Real(_address(process, log), log)
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Read from its log which port it got."""
    waited = threading.Event()
    for _ in range(_START_SECONDS * 20):
        found = _LISTENING.search(log.read_text())
        if found:
            return found[1]
        if process.poll() is not None:
            break
        waited.wait(0.05)
    raise AssertionError(f"docker-registry did not start:\n{log.read_text()}")


@contextmanager
def in_thread(handler: Handler) -> Iterator[Host]:
    """Serve from a thread, for as long as several tests with loops of their own need it."""
    started: queue.SimpleQueue[tuple[Host, Callable[[], object]]] = queue.SimpleQueue()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with serve(handler) as host:
            started.put((host, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    host, stop_it = started.get(timeout=_START_SECONDS)
    try:
        yield host
    finally:
        stop_it()
        thread.join()
