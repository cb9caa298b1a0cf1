"""`initshim serve`: the webhook. First of all the port of its probes is opened.

A kubelet asks a second after the start. What the webhook is made of takes longer to import where
CPUs are busy: a connection waits for it then, where a refused one would be an `Unhealthy` event.
"""

import gc
import socket
import sys
from pathlib import Path

import click

from webhook.base.environment import environment
from webhook.cli.parameters import FILE, WholeNumber
from webhook.core.errors import InitshimError
from webhook.server.sockets import listen

HTTP_PORT = 8080
"""The plain port where nothing else is said, as `Settings` has it."""
_LAST = 65535

_DEV = "Make a certificate for this run only, log for people, and need no cluster."
_PORT = "Port of POST /mutate (TLS); 0 picks a free one."
_CA_OUT = "With --dev: write the CA that a client has to trust to this file (PEM)."
_HTTP_PORT = "Port of /healthz, /readyz and /metrics; 0 picks a free one."


@click.command()
@click.option("--dev", is_flag=True, help=_DEV)
@click.option("--port", type=WholeNumber(0, _LAST), metavar="PORT", help=_PORT)
@click.option("--http-port", type=WholeNumber(0, _LAST), metavar="PORT", help=_HTTP_PORT)
@click.option("--ca-out", type=FILE, metavar="FILE", help=_CA_OUT)
def serve(
    *,
    dev: bool,
    port: int | None,
    http_port: int | None,
    ca_out: Path | None,
) -> None:
    """Run the webhook. Its settings are INITSHIM_… in the environment."""
    if ca_out and not dev:
        raise click.UsageError("--ca-out goes with --dev", click.get_current_context())
    given: dict[str, object] = {"port": port, "http_port": http_port}
    if dev:
        given |= {"tls": "dev", "host": "localhost", "log_format": "text", "drain_seconds": 0}
    failed: tuple[BaseException, ...] = ()
    try:
        probes = _open_probes(dev=dev, port=http_port)
        gc.disable()  # as while a command is imported
        try:
            from webhook.cli.run_webhook import run_webhook  # noqa: PLC0415 - the port is open now
        finally:
            gc.enable()
        run_webhook(given, dev=dev, ca_out=ca_out, probes=probes)
    except* InitshimError as group:
        failed = tuple(group.exceptions)
    # Not from within except*: Python 3.11.2, Debian's, would raise the exit as a group.
    for error in failed:
        next_step = getattr(error, "next_step", "")
        click.echo(f"initshim serve: {error}. {next_step}".rstrip(), err=True)
    if failed:
        sys.exit(1)


def _open_probes(*, dev: bool, port: int | None) -> socket.socket | None:
    """Open the plain port as the settings will want it; None where they have to be read first."""
    if dev:
        return None  # nobody probes it, and 0 or the default may be meant
    said = environment()
    text = said.get("INITSHIM_HTTP_PORT") or str(HTTP_PORT)
    if port is None and not (text.isdecimal() and int(text) <= _LAST):
        return None
    return listen(said.get("INITSHIM_HOST", ""), int(text) if port is None else port)
