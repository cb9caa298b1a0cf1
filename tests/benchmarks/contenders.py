"""The processes that are measured: started on one core, asked, and what they cost."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = "initshim"
LIMIT = "raw ASGI"
NAIVE = "FastAPI + pydantic"
PEER = "controller-runtime"
PATIENCE = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every contender needs: certificate files, what images run, a registry, two cores."""

    folder: Path
    registry: str
    server_core: int
    client_core: int

    @property
    def ca(self) -> Path:
        """What a client has to trust."""
        return self.folder / "ca.crt"


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that serves reviews, and the environment that it needs beside PORT."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str]


def contenders(around: Surroundings, go: Mapping[str, Path]) -> list[Contender]:
    """Give everybody; the peers in Go as far as they could be built."""
    certificates = {
        "CERTIFICATES": str(around.folder),
        "IMAGES": str(around.folder / "images.json"),
    }
    ours = {
        "INITSHIM_TLS": "files",
        "INITSHIM_TLS_CERT_FILE": str(around.folder / "tls.crt"),
        "INITSHIM_TLS_KEY_FILE": str(around.folder / "tls.key"),
        "INITSHIM_HOST": "127.0.0.1",
        "INITSHIM_HTTP_PORT": "0",
        "INITSHIM_REGISTRIES_FILE": str(around.folder / "registries.yaml"),
        "INITSHIM_CACHE_TAG_SECONDS": "86400",
    }
    start = "from webhook.cli import start; start()"
    found = [
        Contender(OURS, (sys.executable, "-c", start, "serve"), ours),
        Contender(LIMIT, (sys.executable, "-m", "tests.benchmarks.rivals.raw"), certificates),
        Contender(NAIVE, (sys.executable, "-m", "tests.benchmarks.rivals.naive"), certificates),
    ]
    if "peer" in go:
        found.append(Contender(PEER, (str(go["peer"]),), certificates))
    return found


@dataclass
class Process:
    """A contender that runs."""

    name: str
    pid: int
    port: int
    ready: float  # seconds from its start until it answered its first review

    def cpu(self) -> float:
        """Seconds that all of its threads have been on a CPU."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in tasks) / 1e9

    def rss(self) -> float:
        """Resident memory, MB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def running(contender: Contender, around: Surroundings, first: bytes) -> Iterator[Process]:
    """Run a contender on its core until the block ends; it is ready when it answers `first`."""
    port = _free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    given = {"PORT": str(port), "INITSHIM_PORT": str(port), **contender.settings}
    pin = ["taskset", "-c", str(around.server_core)]
    start = time.monotonic()
    popen = subprocess.Popen(
        [*pin, *contender.command],
        cwd=ROOT,
        env={**kept, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_answer(around, port, first, popen)
        yield Process(contender.name, popen.pid, port, time.monotonic() - start)
    finally:
        popen.send_signal(signal.SIGKILL)
        popen.wait(PATIENCE)


def build(cache: Path) -> dict[str, Path]:
    """Build what is written in Go; empty where there is no Go."""
    go = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    if go is None:
        return {}
    out = cache / "go" / "bin"
    out.mkdir(parents=True, exist_ok=True)
    kept = {"GOMODCACHE": str(cache / "go" / "mod"), "GOCACHE": str(cache / "go" / "build")}
    environment = {**kept, "GOFLAGS": "-modcacherw", **os.environ}
    source = ROOT / "tests" / "benchmarks" / "go"
    command = [go, "build", "-o", f"{out}/", "./..."]
    subprocess.run(command, cwd=source, env=environment, check=True)
    return {each.name: each for each in out.iterdir()}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client saw: answers, seconds, and quantiles of the latency in milliseconds."""

    reviews: int
    seconds: float
    p50: float
    p99: float
    p999: float


def load(
    client: Path,
    around: Surroundings,
    port: int,
    body: Path,
    *,
    seconds: float,
    rate: float = 0,
    most: int = 0,
) -> Seen:
    """Send a review over and over; with a `rate` so many a second, whatever the answers take."""
    options = {
        "address": f"127.0.0.1:{port}",
        "body": body,
        "ca": around.ca,
        "duration": f"{seconds}s",
        "rate": rate,
        "most": most,
    }
    flags = [f"-{name}={value}" for name, value in options.items()]
    command = ["taskset", "-c", str(around.client_core), str(client), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the client failed: {done.stderr.strip()}")
    return Seen(**json.loads(done.stdout))


def ask(around: Surroundings, port: int, body: bytes) -> bytes:
    """Send one review on a connection of its own; OSError where nobody answers it."""
    client = ssl.create_default_context(cafile=str(around.ca))
    connection = HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=client)
    try:
        connection.request("POST", "/mutate", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"answered {response.status}: {answer[:500]!r}")
        return answer
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _await_answer(
    around: Surroundings, port: int, first: bytes, popen: subprocess.Popen[bytes]
) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError):  # not there yet, or without a certificate
            ask(around, port, first)
            return
        if popen.poll() is not None:
            raise RuntimeError(f"{popen.args!r} ended with {popen.returncode}")
        time.sleep(0.005)
    raise TimeoutError(f"{popen.args!r} does not answer")
