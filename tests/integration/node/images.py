"""Images on the node: initshim's own, by its Dockerfile, and those that tests run.

They are built once into OCI archives, again when what they are made of has changed, and pushed to
the node's registries.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.integration.images import base
from tests.integration.images.store import Store
from tests.integration.node.layout import (
    NODE_IP,
    OPEN_REGISTRY,
    PASSWORD,
    PRIVATE_REGISTRY,
    ROOT,
    USER,
    Layout,
    here,
)

Say = Callable[[str], None]
PROGRAMS = Path(__file__).parent / "programs"
_SOURCES = ("Dockerfile", "pyproject.toml", "hatch_build.py", "README.md")
_LOCKS = ("requirements.lock", "requirements-build.lock")
_PRODUCT = ("reaper", "webhook")
# The webhook's image with the whole command line: what `pip install 'initshim[cli]'` adds.
_CLI = """\
FROM localhost/webhook
USER 0
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem \
  PIP_CONFIG_FILE=/run/secrets/pip.conf /usr/local/bin/python3 -m pip --python /opt/venv \
  install --no-cache-dir -q kubernetes websockets
USER 65532:65532
"""
_BOX = "FROM scratch\nCOPY . /\nENV PATH=/bin\n"
# Made of box: what an image may say that it runs.
_VARIANTS = {
    "entry": 'ENTRYPOINT ["/bin/leaker"]\nCMD ["from-cmd"]\n',
    "cmd-only": 'CMD ["/bin/idle"]\n',
    "shell-form": "ENTRYPOINT exec leaker shell-form\n",
    "non-root": 'USER 1000:1000\nENTRYPOINT ["/bin/leaker"]\n',
}
_SCRATCH = 'FROM scratch\nCOPY leaker /leaker\nENTRYPOINT ["/leaker"]\nCMD ["from-scratch"]\n'
FOREIGN = "another-machines"
_ANOTHER_MACHINES = "FROM scratch\nCOPY init /init\nUSER 65532:65532\n"
# An ELF header of 64 bits and no more; e_machine is 243, RISC-V: nobody's here.
_FOREIGN = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x02\0\xf3\0\x01\0\0\0" + bytes(40)
_PAUSE = 'FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n'
_PRIVATE = "entry"


def version() -> str:
    """Give the chart's appVersion, the tag of its images."""
    text = (ROOT / "charts/initshim/Chart.yaml").read_text()
    found = re.search(r'^appVersion: *"?([^"\n]+)"?$', text, re.MULTILINE)
    assert found
    return found[1]


def values_file(layout: Layout) -> Path:
    """Give the chart's values for the node: whence the images come."""
    return layout.config / "values.json"


def values() -> dict[str, object]:
    """Say what an administrator of such a cluster has to say: two registries without TLS."""
    return {
        "image": {"registry": OPEN_REGISTRY},
        "reaperImage": {"registry": OPEN_REGISTRY},
        "registries": {host: {"plainHTTP": True} for host in (OPEN_REGISTRY, PRIVATE_REGISTRY)},
    }


def build(say: Say, layout: Layout | None = None) -> None:
    """Build the archives that are not there, or whose sources have changed."""
    folder = (layout or here()).folder / "images"
    folder.mkdir(parents=True, exist_ok=True)
    kinds: tuple[tuple[str, str, tuple[str, ...], Callable[[Store, Say], None]], ...] = (
        ("product", _digest(_product_sources()), (*_PRODUCT, "cli"), _build_product),
        ("tests", _digest(_test_sources()), _test_names(), _build_tests),
    )
    for kind, digest, names, make in kinds:
        stamp = folder / f"{kind}.sha256"
        if stamp.exists() and stamp.read_text() == digest:
            continue
        say(f"images of the {kind}: some minutes the first time")
        stamp.unlink(missing_ok=True)
        scratch = folder / "store"
        store = Store(scratch)
        scratch.mkdir(exist_ok=True)
        try:
            make(store, say)
            for name in names:
                archive = folder / f"{name}.tar"
                archive.unlink(missing_ok=True)
                store.run("buildah", "push", f"localhost/{name}", f"oci-archive:{archive}")
                say(f"image {name}: {archive.stat().st_size >> 10:,} KiB")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        stamp.write_text(digest)


def push(say: Say, layout: Layout | None = None) -> None:
    """Push every archive to the node's registries; what is there already is not sent again."""
    layout = layout or here()
    folder = layout.folder / "images"
    names = {f"initshim/{name}:{version()}": name for name in _PRODUCT}
    names |= {f"{name}:1": name for name in ("cli", *_test_names())}
    names[f"{FOREIGN}:{version()}"] = FOREIGN  # in place of the reaper's image, of its version
    for target, name in names.items():
        _copy(folder / f"{name}.tar", f"{NODE_IP}:5000/{target}")
    _copy(folder / f"{_PRIVATE}.tar", f"{NODE_IP}:5001/{_PRIVATE}:1", f"{USER}:{PASSWORD}")
    values_file(layout).write_text(json.dumps(values(), indent=2))
    say(f"{len(names) + 1} images are in the registries")


def _copy(archive: Path, target: str, credentials: str = "") -> None:
    more = [f"--dest-creds={credentials}"] if credentials else []
    command = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", *more]
    done = subprocess.run(
        [*command, f"oci-archive:{archive}", f"docker://{target}"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{target}: {done.stderr}"


def _test_names() -> tuple[str, ...]:
    return ("pause", "scratch", "box", FOREIGN, *_VARIANTS)


def _product_sources() -> Iterator[Path]:
    for name in (*_SOURCES, *_LOCKS):
        yield ROOT / name
    for folder in ("initshim", "webhook"):
        yield from sorted(path for path in (ROOT / folder).rglob("*.p*") if "bin" not in path.parts)
        yield from sorted((ROOT / folder).rglob("*.ld"))


def _test_sources() -> Iterator[Path]:
    yield Path(__file__)
    yield from sorted(PROGRAMS.iterdir())


def _digest(paths: Iterator[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        if path.is_file() and path.suffix != ".pyc":
            total.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()


def _build_product(store: Store, say: Say) -> None:
    context = store.folder / "base"
    base.make(context / "root")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY root /\n")
    store.run("buildah", "build", "--tag", "localhost/python", str(context))
    shutil.rmtree(context)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    for target in _PRODUCT:
        say(f"the Dockerfile's target {target}")
        store.build(
            target, "--platform", f"linux/{machine}", "--build-arg", "PYTHON_IMAGE=localhost/python"
        )
    _from_text(store, "cli", _CLI, store.folder / "empty", store.pip_secrets())


def _build_tests(store: Store, say: Say) -> None:
    say("programs and images that the tests run")
    programs = store.folder / "programs"
    programs.mkdir()
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{os.uname().machine}-linux-musl"]
    for source in PROGRAMS.glob("*.c"):
        command = [*zig, "-O2", "-static", "-w", "-o", str(programs / source.stem), str(source)]
        subprocess.run(command, check=True)
    _from_text(store, "pause", _PAUSE, programs)
    _from_text(store, "scratch", _SCRATCH, programs)
    foreign = store.folder / "foreign"
    foreign.mkdir()
    (foreign / "init").write_bytes(_FOREIGN)
    (foreign / "init").chmod(0o755)
    _from_text(store, FOREIGN, _ANOTHER_MACHINES, foreign)
    _from_text(store, "box", _BOX, _box(store.folder / "box", programs))
    for name, more in _VARIANTS.items():
        _from_text(store, name, f"FROM localhost/box\n{more}", store.folder / "empty")


def _box(root: Path, programs: Path) -> Path:
    """Fill a folder with busybox under all its names, the tests' programs, and two users."""
    busybox = shutil.which("busybox")
    assert busybox, "needs busybox-static: apt-get install busybox-static"
    binaries = root / "bin"
    binaries.mkdir(parents=True)
    shutil.copy(busybox, binaries / "busybox")
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout
    for name in set(listed.split()) - {"busybox"}:
        (binaries / name).symlink_to("busybox")
    for program in programs.iterdir():
        shutil.copy(program, binaries / program.name)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    )
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    return root


def _from_text(
    store: Store, name: str, text: str, context: Path, options: list[str] | None = None
) -> None:
    context.mkdir(exist_ok=True)
    file = store.folder / f"{name}.Dockerfile"
    file.write_text(text)
    store.run(
        "buildah", "build", "--format", "docker", "--network", "host", "--layers=false",
        *(options or []), "--tag", f"localhost/{name}", "--file", str(file), str(context),
    )  # fmt: skip
