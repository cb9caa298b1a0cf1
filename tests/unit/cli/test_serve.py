"""The probes' port is open before what takes time is imported."""

import os
import socket
import subprocess
import sys

import pytest

from webhook.cli.serve import HTTP_PORT
from webhook.settings import Settings

HEAVY = ("asyncio", "fastapi", "pydantic", "ssl", "uvicorn", "uvloop", "webhook.server.run")
PROGRAM = f"""
import socket, sys, types

def run_webhook(given, *, dev, ca_out, probes):
    print(sorted(set({HEAVY!r}) & set(sys.modules)))
    port = probes.getsockname()[1]
    socket.create_connection(("localhost", port)).close()
    print(port)

stub = types.ModuleType("webhook.cli.run_webhook")
stub.run_webhook = run_webhook
sys.modules["webhook.cli.run_webhook"] = stub
from webhook.cli.main import app
app(["serve", *sys.argv[1:]])
"""


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command with the rest of the webhook cut off: a stub asks the port."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def free() -> int:
    with socket.create_server(("", 0)) as found:
        port: int = found.getsockname()[1]
    return port


@pytest.mark.parametrize("by", ["environment", "option"])
def test_the_port_answers_before_anything_heavy_is_imported(by: str) -> None:
    port = free()
    words = ["--http-port", str(port)] if by == "option" else []
    environ = {"INITSHIM_HTTP_PORT": str(port)} if by == "environment" else {}
    assert run(*words, **environ).stdout.splitlines() == ["[]", str(port)]


def test_a_port_that_is_taken_is_said_at_once() -> None:
    with socket.create_server(("", 0)) as taken:
        done = run(INITSHIM_HTTP_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert done.stderr.startswith("initshim serve: can't listen on any address, port ")


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:80", "70000", "-1"])
def test_what_is_no_port_is_left_to_the_settings(text: str) -> None:
    done = run(INITSHIM_HTTP_PORT=text)
    assert "'NoneType' object has no attribute 'getsockname'" in done.stderr


def test_the_default_is_the_settings() -> None:
    assert Settings().http_port == HTTP_PORT
