"""The process of `initshim serve`: settings, event loop, signals. To import it takes a second."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

import click

import initshim
from webhook.core.errors import BadSettings
from webhook.server.allocator import give_back_memory
from webhook.server.log_lines import Log
from webhook.server.logs import adopt
from webhook.server.run import Running
from webhook.server.run import serve as run
from webhook.settings import Settings, load

_NEW_OBJECTS = 5_000  # between two looks for cycles; a review of 40 KB makes some 3,000


def run_webhook(
    given: Mapping[str, object], *, dev: bool, ca_out: Path | None, probes: socket.socket | None
) -> None:
    """Serve until it is told to end. Raises InitshimError, or a group of them."""
    give_back_memory()
    settings = load(**given)
    if probes and settings.http_port not in {0, probes.getsockname()[1]}:
        probes.close()
        probes = None
    with asyncio.Runner(loop_factory=_event_loop()) as runner:
        announce = partial(_print_addresses, ca_out=ca_out) if dev else _spare
        runner.run(_until_signalled(settings, announce, probes))


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Give uvloop's, where it is installed: the image has it, a laptop needs no 14 MB more."""
    try:
        return import_module("uvloop").new_event_loop  # type: ignore[no-any-return]
    except ImportError:
        return asyncio.new_event_loop


async def _until_signalled(
    settings: Settings, announce: Callable[[Running], None], probes: socket.socket | None
) -> None:
    """Serve until SIGTERM or Ctrl-C; a second one ends the drain."""
    log = Log(settings.log_level, settings.log_format)
    adopt(log)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await run(
        settings,
        version=initshim.__version__,
        log=log,
        stop=stop,
        announce=announce,
        probes=probes,
    )


def _spare(_running: Running) -> None:
    spare_collector()


def spare_collector() -> None:
    """Spare the garbage collector what is here for good, and reviews its pauses.

    A review leaves no cycles: what it allocated is freed when it was answered. To look for cycles
    among the modules' objects every few reviews would take 10 ms and more, and find none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _print_addresses(running: Running, *, ca_out: Path | None) -> None:
    """Say where it listens and how to call it."""
    if ca_out:
        try:
            ca_out.write_bytes(running.certificates.state.bundle)
        except OSError as error:
            raise BadSettings(f"--ca-out {ca_out} can't be written: {error.strerror}") from error
        click.echo(f"CA   {ca_out}")
    click.echo(f"POST https://localhost:{running.port}/mutate")
    click.echo(f"GET  http://localhost:{running.http_port}/healthz /readyz /metrics")
