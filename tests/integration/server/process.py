"""The webhook as a process: `initshim serve`, as a container starts it."""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import trustme

from tests.leftovers import mark

COMMAND = [sys.executable, "-c", "from webhook.cli import start; start()", "serve"]
PATIENCE = 60.0


def environment(**settings: object) -> Mapping[str, str]:
    """Give an environment with these settings, and none of the machine's own."""
    variables = {f"INITSHIM_{name.upper()}": str(value) for name, value in settings.items()}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, **mark(), "PYTHONPATH": str(Path(__file__).parents[3]), **variables}


class Running:
    """A webhook that runs."""

    port = 0
    http_port = 0

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self.popen = popen

    @property
    def written(self) -> list[str]:
        """What it wrote, line by line."""
        raise NotImplementedError

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log."""
        return [json.loads(line) for line in self.written]

    def await_line(self, event: str) -> dict[str, Any]:
        """Wait for an event in the log."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for line in self.lines:
                if line["event"] == event:
                    return line
            assert self.popen.poll() is None, self.written
            time.sleep(0.02)
        raise AssertionError(self.written)

    def get(self, path: str) -> tuple[int, str]:
        """Ask the plain port."""
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def terminate(self) -> None:
        """Ask it to end, as the kubelet does."""
        self.popen.send_signal(signal.SIGTERM)


class Process(Running):
    """A webhook whose log is read while it writes it."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        super().__init__(popen)
        self._written: list[str] = []

    @property
    def written(self) -> list[str]:
        """What it has written by now, line by line."""
        return self._written

    def follow(self) -> None:
        """Read what it writes until it ends."""
        assert self.popen.stderr
        for line in self.popen.stderr:
            self._written.append(line)


@contextmanager
def process(**settings: object) -> Iterator[Process]:
    """Start the webhook on free ports of loopback, wait until it serves, and end it."""
    with started(COMMAND, settings) as running:
        yield running


@contextmanager
def started(command: Sequence[str], settings: Mapping[str, object]) -> Iterator[Process]:
    """The same with a command that starts it in its own way."""
    chosen = {"host": "127.0.0.1", "port": 0, "http_port": 0, "drain_seconds": 0, **settings}
    popen = subprocess.Popen(
        command,
        env=environment(**chosen),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Process(popen)
    follower = threading.Thread(target=running.follow)
    follower.start()
    try:
        serving = running.await_line("serving")
        running.port, running.http_port = serving["port"], serving["http_port"]
        yield running
    finally:
        if popen.poll() is None:
            running.terminate()
        try:
            popen.wait(PATIENCE)
        finally:
            popen.kill()
            follower.join(PATIENCE)
            assert popen.stderr
            popen.stderr.close()


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Start a webhook that is expected to end by itself."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@dataclass
class Files:
    """A certificate in files, and a client that trusts it."""

    settings: Mapping[str, object]
    client: ssl.SSLContext


def certificate(folder: Path, *, ca: Path | None = None) -> Files:
    """Make a certificate for 127.0.0.1, as cert-manager would mount it; its CA goes to `ca`."""
    authority = trustme.CA()
    if ca:
        authority.cert_pem.write_to_path(str(ca))
    issued = authority.issue_cert("127.0.0.1")
    chain, key = folder / "tls.crt", folder / "tls.key"
    chain.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    return Files({"tls": "files", "tls_cert_file": chain, "tls_key_file": key}, client)
