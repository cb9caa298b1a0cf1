"""What initshim costs a cluster: `python tests/benchmarks/cluster.py`, as root.

Measures the init container under runc and podman, and the bytes that a node pulls; reads the
webhook's own figures from docs/benchmarks/webhook.json; writes docs/benchmarks/cluster.md.
"""

import argparse
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import initshim
from tests.benchmarks import measure
from tests.benchmarks.inits import Init, found
from tests.benchmarks.paper import write
from tests.benchmarks.report import Figures
from tests.integration.images.store import Store
from tests.integration.pods.runtime import REAPER, Node
from tests.reaper.container import Runc

OUT = Path(__file__).parents[2] / "docs" / "benchmarks"
INSTALL = ["/init", "--install", "/.initshim/init"]


def main() -> None:
    """Measure all, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="init containers under runc")
    parser.add_argument("--under-podman", type=int, default=7, help="init containers under podman")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    missing = [name for name in ("runc", "podman", "buildah", "busybox") if not shutil.which(name)]
    if os.geteuid() or missing:
        print(f"left out: the cost to a cluster needs root, and {' '.join(missing) or 'no more'}")
        return
    figures: Figures = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        folder = Path(name)
        alone(figures, folder, given.rounds)
        under_runc(figures, folder / "runc", given.rounds)
        Node(folder, shutil.which("busybox") or "")  # makes the images
        under_podman(figures, Store(folder), given.under_podman)
        sizes(figures, Store(folder), folder / "image")
    memory(figures, found())
    print(write(figures, given.out))


def alone(figures: Figures, folder: Path, rounds: int) -> None:
    """Time the reaper's own part without a container: copy and check, and the check alone."""
    init = str(initshim.path())
    for _ in range(rounds):
        check = _spawned([init, "--version"])
        both = _spawned([init, "--install", str(folder / "copy")])
        figures["alone"]["copy"].append((both - check) * 1e3)
        figures["alone"]["exec check"].append(check * 1e3)


def _spawned(command: list[str]) -> float:
    """Seconds from the spawn of a quiet command to its end."""
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=silent)
    os.waitpid(pid, 0)
    return time.perf_counter() - start


def under_runc(figures: Figures, folder: Path, rounds: int) -> None:
    """Time each step of the init container, from `runc create` to `runc delete`."""
    bundle = Runc(folder, folder / "state")
    (folder / "rootfs" / ".initshim").mkdir(parents=True)
    (folder / "rootfs" / ".initshim").chmod(0o777)  # runc gives the tmpfs its folder's mode
    shutil.copy(initshim.path(), folder / "rootfs" / "init")
    bundle.write(INSTALL)
    config = json.loads((folder / "config.json").read_text())
    memory_volume = {"type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=0777"]}
    config["mounts"].append({"destination": "/.initshim", **memory_volume})
    (folder / "config.json").write_text(json.dumps(config))
    pid_file = folder / "pid"
    for number in range(rounds):
        name = f"initshim-{os.getpid()}-{number}"
        create = bundle.command(
            "create", "--bundle", str(folder), "--pid-file", str(pid_file), name
        )
        try:
            figures["runc"]["create"].append(_timed(create))
            ended = os.pidfd_open(int(pid_file.read_text()))
            begun = time.perf_counter()
            figures["runc"]["start"].append(_timed(bundle.command("start", name)))
            select.select([ended], [], [], 10)
            whole = (time.perf_counter() - begun) * 1e3
            os.close(ended)
            after = max(0.0, whole - figures["runc"]["start"][-1])
            figures["runc"]["run to its end, after start"].append(after)
        finally:
            figures["runc"]["delete"].append(_timed(bundle.command("delete", "--force", name)))


def _timed(command: list[str]) -> float:
    """Run a command; gives milliseconds."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1e3


def under_podman(figures: Figures, store: Store, pods: int) -> None:
    """Time the same container under podman, from `podman create` to `podman rm`."""
    store.run("podman", "volume", "create", "initshim")
    for number in range(pods):
        name = f"initshim-{number}"
        options = ["--name", name, "--network", "none", "--volume", "initshim:/.initshim:U"]
        steps = {
            "create": ["create", *options, REAPER, *INSTALL[1:]],
            "start, run to its end": ["start", "--attach", name],
            "rm": ["rm", name],
        }
        for step, words in steps.items():
            begun = time.perf_counter()
            store.run("podman", *words)
            figures["podman"][step].append((time.perf_counter() - begun) * 1e3)


def sizes(figures: Figures, store: Store, folder: Path) -> None:
    """Count the bytes that a node pulls for the reaper's image."""
    store.run("buildah", "push", REAPER, f"oci:{folder}:1")
    blobs = list((folder / "blobs" / "sha256").iterdir())
    figures["image"]["bytes"].append(sum(each.stat().st_size for each in blobs))


def memory(figures: Figures, inits: list[Init]) -> None:
    """Read what each init holds while it waits, kB."""
    for init in inits:
        for field, kilobytes in measure.memory(init).items():
            figures[f"init {field}"][init.name].append(kilobytes)


if __name__ == "__main__":
    main()
