"""What can go wrong, each as a function that does it to a stage and undoes it.

A function returns when the fault is over; the load goes on. Where a sentence is worth telling that
the figures do not hold, it is returned.
"""

import resource
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.fakes.replicas import await_change
from tests.integration.faults.memory import killed_at_limit
from tests.integration.faults.stage import Stage

_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
_HALF_OPEN = 10_000
_SLOW = 200
_GONE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its name, what is done, the seconds of load around it, and what it needs."""

    name: str
    does: str
    inflict: Callable[[Stage], str | None]
    seconds: float
    root: bool = False
    needs: Path | None = None
    fresh: str = ""  # "image" or "registry": what each pod has that nobody has asked for before
    environment: dict[str, str] = field(default_factory=dict)
    engine: str = "webhook"  # the chart's value


def end_a_replica(stage: Stage) -> None:
    """Delete one pod: the Deployment makes another."""
    old = stage.fleet.replicas[0]
    stage.fleet.start_one(wait=False)
    stage.fleet.delete(old)
    stage.fleet.await_ready()


def kill_a_replica(stage: Stage) -> None:
    """Kill one: its container is started again."""
    killed = stage.fleet.replicas[0]
    killed.kill()
    await_change("the kubelet saw it", lambda: killed.restarts > 0)
    stage.fleet.await_ready()


def lose_every_replica(stage: Stage) -> None:
    """Have none for a while, as after an upgrade that went wrong."""
    count = len(stage.fleet.replicas)
    stage.fleet.force_delete(*stage.fleet.replicas)
    time.sleep(_GONE_SECONDS)
    stage.fleet.start(count)


def replace_all(stage: Stage) -> None:
    """Roll out a new version."""
    stage.fleet.roll()


def rotate_certificates(stage: Stage) -> str:
    """Wait while CA and leaves are renewed."""
    seen: set[bytes] = set()
    end = time.monotonic() + 42
    while time.monotonic() < end:
        seen.add(stage.bundle())
        time.sleep(0.5)
    leaves = stage.fleet.logged("certificate-loaded")
    authorities = stage.fleet.logged("certificate-authority-loaded")
    return f"{authorities} CAs taken up, {leaves} leaves loaded, {len(seen)} bundles published"


def publish_a_wrong_bundle(stage: Stage) -> None:
    """Put a stranger's CA into the configuration, as a restored backup or a bad sync does."""
    foreign = trustme.CA().cert_pem.bytes()
    stage.publish(foreign)
    await_change("the bundle is right again", lambda: stage.bundle() != foreign)


def restart_the_api_server(stage: Stage) -> None:
    """Restart it; clients try again."""
    stage.plane.apiserver.restart()


def pause_etcd(stage: Stage) -> None:
    """Stop etcd for 5 s."""
    stage.plane.etcd.pause()
    time.sleep(5)
    stage.plane.etcd.resume()


def lose_the_registry(stage: Stage) -> None:
    """Let the registry drop every connection for 15 s."""
    from tests.fakes.http import Answer

    stage.registry.down = Answer(raw=b"")
    time.sleep(15)
    stage.registry.down = None


def silence_the_name_server(stage: Stage) -> None:
    """Let no name be resolved for 15 s: no answer, as with a lost CoreDNS."""
    assert stage.names
    stage.names.silent = True
    time.sleep(15)
    stage.names.silent = False


def jump_the_clock(stage: Stage) -> str:
    """Put the replicas' wall clocks 30 days forward, then a day back, then right, 8 s each."""
    clock = stage.folder / "disk" / "clock"
    refused = []
    for jump in ("+30d", "-1d", "+0"):
        clock.write_text(jump)
        time.sleep(4)
        with stage.reviewing(seconds=4, rate=5, renew=True) as new:
            figures = new.wait(4)
        refused.append(f"{sum(figures.failed.values())} of {len(figures.sent)} at {jump}")
    return f"new connections refused: {', '.join(refused)}"


def fill_the_disk(stage: Stage) -> str:
    """Leave no byte on the disk of the replicas' logs and temporary files for 10 s."""
    ballast = stage.folder / "disk" / "ballast"
    with suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()
    time.sleep(10)
    ballast.unlink()
    return "log lines are lost while it lasts"


def hit_the_memory_limit(stage: Stage) -> str:
    """Lower one replica's memory limit to what it uses: the kernel kills it."""
    victim = stage.fleet.replicas[0]
    before = victim.restarts
    with killed_at_limit(victim.pid), stage.reviewing(seconds=3, workers=64):
        await_change("the kernel killed it", lambda: victim.restarts > before)
    stage.fleet.await_ready()
    return "killed by the kernel, started again by the kubelet"


def send_slowly(stage: Stage) -> str:
    """Send 200 requests byte by byte, for longer than `receive_seconds`."""
    context = ssl.create_default_context(cadata=stage.bundle().decode())
    head = b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    cut = 0
    with ExitStack() as stack:
        clients = [stack.enter_context(_connect(stage, context, index)) for index in range(_SLOW)]
        for client in clients:
            client.sendall(head + b"Content-Length: 1000\r\n\r\n")
        for _ in range(13):
            time.sleep(1)
            for client in clients:
                with suppress(OSError):
                    client.sendall(b" ")
        cut = sum(map(_is_cut, clients))
    return f"{cut} of {_SLOW} cut off after 10 s"


def hold_half_open(stage: Stage) -> str:
    """Open 10,000 connections that never begin their handshake, and hold them for 12 s."""
    with ExitStack() as stack:
        _allow_descriptors(_HALF_OPEN + 1000)
        held = []
        for index in range(_HALF_OPEN):
            port = stage.fleet.replicas[index % len(stage.fleet.replicas)].port
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            held.append(stack.enter_context(connection))
        memory = stage.fleet.usage()[1]
        time.sleep(12)
        cut = sum(map(_is_cut, held))
    return f"{cut:,} cut off by the replicas, which held {memory >> 20} MiB in all"


def _connect(stage: Stage, context: ssl.SSLContext, index: int) -> ssl.SSLSocket:
    port = stage.fleet.replicas[index % len(stage.fleet.replicas)].port
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    return context.wrap_socket(raw, server_hostname="initshim.initshim.svc")


def _is_cut(connection: socket.socket) -> bool:
    """Tell whether the other side has ended it, without waiting."""
    connection.settimeout(0)
    try:
        return connection.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))


_NONE = f"all are gone for {_GONE_SECONDS:g} s"
FAULTS = (
    Fault("SIGTERM of a replica", "its pod is deleted", end_a_replica, 20),
    Fault("SIGKILL of a replica", "its process is killed", kill_a_replica, 18),
    Fault("no replica", _NONE, lose_every_replica, 25),
    Fault("no replica, `engine: both`", _NONE, lose_every_replica, 25, engine="both"),
    Fault("rolling restart", "every replica is replaced, one by one", replace_all, 46),
    Fault(
        "certificate rotation",
        "CAs that last 45 s and leaves that last 12 s",
        rotate_certificates,
        46,
        environment={"LIVES": "quick"},
    ),
    Fault("wrong caBundle", "a stranger's CA is published", publish_a_wrong_bundle, 20),
    Fault("API server restart", "SIGTERM, and started again", restart_the_api_server, 25),
    Fault("etcd pause", "SIGSTOP for 5 s", pause_etcd, 15),
    Fault("registry death", "connections dropped for 15 s", lose_the_registry, 25, fresh="image"),
    Fault(
        "DNS failure",
        "no answer from the name server for 15 s",
        silence_the_name_server,
        28,
        root=True,
        fresh="registry",
    ),
    Fault(
        "clock jump",
        "all replicas' clocks +30 days, then -1 day",
        jump_the_clock,
        35,
        needs=Path(_FAKETIME),
        environment={
            "LIVES": "watchful",
            "LD_PRELOAD": _FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": "clock",
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
    ),
    Fault("full disk", "no space for logs for 10 s", fill_the_disk, 15, root=True),
    Fault("memory limit", "a replica is at its limit", hit_the_memory_limit, 22, root=True),
    Fault("slow clients", f"{_SLOW} requests, a byte a second", send_slowly, 20),
    Fault("half-open connections", f"{_HALF_OPEN:,} without a handshake", hold_half_open, 25),
)
