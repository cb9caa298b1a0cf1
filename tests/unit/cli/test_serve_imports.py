"""What serving does not need is not imported: each start, and each replica, would pay for it."""

import os
import subprocess
import sys

LATER = {"httpx", "httpcore", "cryptography", "opentelemetry.sdk", "kubernetes", "websockets"}
NEVER = {"rich", "pygments", "orjson", "structlog", "typer", "pydantic_settings"}


def imported_by(script: str) -> set[str]:
    """Every module that a process imported, and the packages that they are in."""
    clean = {key: os.environ[key] for key in os.environ if not key.startswith("INITSHIM_")}
    shown = "print(*(name for name, module in sys.modules.items() if module))"
    code = f"{script}\nimport sys; {shown}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, done.stderr
    names = done.stdout.split("\n")[-2].split()
    return {name for each in names for name in (each, each.partition(".")[0])}


START = (
    "import sys; from webhook.cli import start; sys.argv = ['initshim', 'serve', '--help']\n"
    "try: start()\nexcept SystemExit: pass\n"
    "import webhook.cli.run_webhook"
)


def test_a_start_imports_neither_what_asks_registries_nor_what_makes_certificates() -> None:
    imported = imported_by(START)
    assert {"fastapi", "webhook.server.run"} <= imported
    assert not (LATER | NEVER) & imported


def test_what_asks_registries_brings_no_command_line_along() -> None:
    imported = imported_by(f"{START}\nimport webhook.assembly.resolver")
    assert "httpx" in imported
    assert not NEVER & imported
