"""`initshim serve`: the webhook."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import click

import initshim
from webhook.cli.parameters import FILE, WholeNumber
from webhook.core.errors import BadSettings, InitshimError
from webhook.server.allocator import give_back_memory
from webhook.server.log_lines import Log
from webhook.server.logs import adopt
from webhook.server.run import Running
from webhook.server.run import serve as run
from webhook.settings import Settings, load

_NEW_OBJECTS = 5_000  # between two looks for cycles; a review of 40 KB makes some 3,000

_DEV = "Make a certificate for this run only, log for people, and need no cluster."
_PORT = "Port of POST /mutate (TLS); 0 picks a free one."
_CA_OUT = "With --dev: write the CA that a client has to trust to this file (PEM)."
_HTTP_PORT = "Port of /healthz, /readyz and /metrics; 0 picks a free one."


@click.command()
@click.option("--dev", is_flag=True, help=_DEV)
@click.option("--port", type=WholeNumber(0, 65535), metavar="PORT", help=_PORT)
@click.option("--http-port", type=WholeNumber(0, 65535), metavar="PORT", help=_HTTP_PORT)
@click.option("--ca-out", type=FILE, metavar="FILE", help=_CA_OUT)
def serve(
    *,
    dev: bool,
    port: int | None,
    http_port: int | None,
    ca_out: Path | None,
) -> None:
    """Run the webhook. Its settings are INITSHIM_… in the environment."""
    give_back_memory()
    given: dict[str, object] = {"port": port, "http_port": http_port}
    if dev:
        given |= {"tls": "dev", "host": "localhost", "log_format": "text", "drain_seconds": 0}
    try:
        settings = load(**given)
        with asyncio.Runner(loop_factory=_event_loop()) as runner:
            announce = partial(_print_addresses, ca_out=ca_out) if dev else _spare
            runner.run(_until_signalled(settings, announce))
    except* InitshimError as group:
        for error in group.exceptions:
            next_step = getattr(error, "next_step", "")
            click.echo(f"initshim serve: {error}. {next_step}".rstrip(), err=True)
        sys.exit(1)


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Give uvloop's, where it is installed: the image has it, a laptop needs no 14 MB more."""
    try:
        return import_module("uvloop").new_event_loop  # type: ignore[no-any-return]
    except ImportError:
        return asyncio.new_event_loop


async def _until_signalled(settings: Settings, announce: Callable[[Running], None]) -> None:
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
    )


def _spare(_running: Running) -> None:
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
