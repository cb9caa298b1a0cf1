"""The load generator: Go, built once, for only Go's client is the API server's."""

import shutil
import subprocess
from pathlib import Path

from tests.integration.controlplane.assets import Missing

SOURCE = Path(__file__).with_name("programs")
BUILT = Path(__file__).resolve().parents[3] / ".cache" / "faults"


def build() -> Path:
    """Build it and give its path; Go rebuilds only what changed. Raises Missing."""
    go = shutil.which("go")
    if go is None:
        raise Missing("needs Go: apt-get install golang-go, or https://go.dev/dl")
    BUILT.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [go, "build", "-buildvcs=false", "-o", f"{BUILT}/", "./..."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise Missing(f"Go can't build {SOURCE}: {done.stderr.strip()}")
    return BUILT / "generator"
