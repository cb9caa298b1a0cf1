"""The page about a cluster: what was measured, and the same for 5,000 nodes on paper."""

import json
import math
import statistics
from collections.abc import Mapping
from pathlib import Path

import initshim
from tests.benchmarks import start_page
from tests.benchmarks.report import Figures, draw
from tests.benchmarks.reviews import MAIN

# Assumptions, each named on the page.
NODES, PODS, CHURN = 5_000, 150_000, 1_000
CONTAINERS = 1.5
BUSY = 0.5
IMAGES = 2_000
LOOKED_UP = 0.6
TAG_SECONDS = 300
REQUESTS_COLD = 5
DEBIAN_LAYER = 30_000
PAGE = 4_096
TMPFS_INODES = 2_048
STACK = 32_768

_ASSUMED = f"""| assumption | |
|---|---:|
| nodes | {NODES:,} |
| pods, all of them opted in | {PODS:,} |
| containers of a pod | {CONTAINERS} |
| pods created per second | {CHURN:,} |
| how busy a replica's core may be | {BUSY:.0%} |
| different images | {IMAGES:,} |
| containers without a `command`, whose image is looked up | {LOOKED_UP:.0%} |
| seconds that a tag is believed (`INITSHIM_CACHE_TAG_SECONDS`) | {TAG_SECONDS} |
| requests for an unknown image: index, two manifests, two configurations | {REQUESTS_COLD} |
| bytes that an init adds to an image as a layer of its own | {DEBIAN_LAYER:,} |
| kernel memory of a further process (task, stack, page tables), bytes | {STACK:,} |
| kernel memory of a further tmpfs (superblock, two inodes), bytes | {TMPFS_INODES:,} |"""


def write(figures: Figures, out: Path) -> str:
    """Write cluster.md and cluster.svg; gives the tables."""
    webhook = json.loads((out / "webhook.json").read_text())
    tables = "\n\n".join([_measured(figures), _per_container(figures)])
    paper = _paper(figures, webhook)
    steps = _steps(figures)
    draw(
        {
            "time that the init container takes, by step, ms": steps,
            "Rss of an init while it waits, kB": figures["init Rss"],
        },
        [*figures["init Rss"], *steps],
        out / "cluster.svg",
    )
    (out / "cluster.md").write_text(
        f"{_HEAD}\n{tables}\n\n![The same as a picture](cluster.svg)\n\n{_START}\n"
        f"{start_page.part(out)}\n\n{_OF_THE_START}\n"
        f"## 5,000 nodes, on paper\n\n{_ASSUMED}\n\n{paper}\n\n{_COMPARED}"
    )
    return f"{tables}\n\n{paper}"


_HEAD = """# What initshim costs a cluster

`make bench-cluster` writes this page (it needs root, runc, podman, buildah and busybox); medians,
with quartiles in brackets. What is measured and what is worked out are kept apart.

## Measured: one pod
"""
_START = """What an init container costs is a container; the reaper's own part, copy and check, is
the smallest.

## Measured: what a start costs

On the node of `make node` (Kubernetes 1.37, containerd 2.4, runc 1.1; all of the cluster on one
machine of two cores), pods of one container in turns, from before the POST to the program's first
instruction; medians, with quartiles in brackets. `tests/benchmarks/pod_start.py` writes this part.
"""
_OF_THE_START = """\
**An image volume costs nothing that can be seen, the init container what any init container
costs.** What that takes is a container (some 100 ms), and the time until the kubelet has seen its
end: its pod lifecycle event generator looks at all pods once a second, so half a second at the
median. Since Kubernetes 1.36 it also looks at a pod when it has started something in it
(PLEGOnDemandRelist), which is too early for what takes 60 ms to run. An earlier run of this page
had the init container 310 ms above one that ends at once: each pod was made a fixed time after the
one before had started, that is a fixed time after a look, and so one kind waited for the same part
of a second forty times. Now pods are made at moments spread evenly between two looks.

**Changed in one thing**, an init container takes the same time whatever its image, pull policy,
requests and mounts, and whether it prints a version or installs: the copy, the sync and the trial
run are not felt. What is felt is the seccomp profile, 20 to 30 ms for runc to write its filter; Pod
Security `restricted` asks for one, so it stays.

**EventedPLEG**, a feature gate of the kubelet (alpha, off by default), has it look when the runtime
says that a container ended: most of that half second goes.

**Without a token** and other volumes a pod starts 300 ms sooner: the kubelet asks every 300 ms
whether volumes are mounted (`podAttachAndMountRetryInterval`), and nearly every pod has one, its
token. In a pod that has none, the reaper's is the first, and those 300 ms are its price, whichever
the delivery.

The machine did other work meanwhile, of the lowest weight, and the node's programs had the highest.
"""
_COMPARED = """
Against **an init in every image** (`ENTRYPOINT ["tini", "--"]`): the processes are the same in
number, so what is spared is the difference of their memory, and a layer in each image; what it
takes is that every image is rebuilt by its owner.

Against **`shareProcessNamespace`**: no init is needed, for the pause container reaps, so initshim's
memory above is what isolation costs: without it the containers of a pod see and signal each other,
and can read each other's `/proc/PID/environ` and files through `/proc/PID/root`.
"""


def _steps(figures: Figures) -> dict[str, list[float]]:
    runc = figures["runc"]
    return (
        {f"{name}, without a container": values for name, values in figures["alone"].items()}
        | {f"runc {name}": values for name, values in runc.items()}
        | {f"podman {name}": values for name, values in figures["podman"].items()}
    )


def _measured(figures: Figures) -> str:
    lines = ["| step of the init container | ms |", "|---|---:|"]
    lines += [f"| {name} | {_cell(values)} |" for name, values in _steps(figures).items()]
    lines.append(f"| bytes pulled, once per node | {figures['image']['bytes'][0]:,.0f} |")
    return "\n".join(lines)


def _per_container(figures: Figures) -> str:
    names = list(figures["init Rss"])
    lines = [f"| memory of an init that waits, kB | {' | '.join(names)} |"]
    lines.append(f"|---|{'---:|' * len(names)}")
    for field in ("Rss", "Pss", "dirty"):
        cells = (f"{figures[f'init {field}'][name][0]:,.0f}" for name in names)
        lines.append(f"| {field} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _paper(figures: Figures, webhook: Mapping[str, float]) -> str:
    commands, warm = (webhook[f"cpu, {kind}, {MAIN[0]}"] for kind in ("commands", "warm cache"))
    cpu = commands * (1 - LOOKED_UP) + warm * LOOKED_UP
    cores = CHURN * cpu / 1e6
    replicas = max(2, math.ceil(cores / BUSY))
    calls = replicas * IMAGES / TAG_SECONDS
    cold = replicas * IMAGES * REQUESTS_COLD
    dirty = {name: values[0] * 1024 for name, values in figures["init dirty"].items()}
    wrapped = PODS * CONTAINERS
    volume = math.ceil(initshim.path().stat().st_size / PAGE) * PAGE + TMPFS_INODES
    ours = wrapped * (dirty["initshim"] + STACK) + PODS * volume
    tini = wrapped * (dirty.get("tini", 0.0) + STACK)
    image = figures["image"]["bytes"][0]
    rows = {
        "CPU for a review (9 KB, 3 containers), µs": f"{cpu:,.0f}",
        "CPU of all replicas, cores": f"{cores:.2f}",
        "replicas (two at least)": f"{replicas}",
        "memory of all replicas, MB": f"{replicas * webhook['Rss']:,.0f}",
        "registry requests per second: HEAD, for tags that are asked again": f"{calls:,.1f}",
        "registry requests when all caches are empty, once": f"{cold:,}",
        "pulled by all nodes for the reaper's image, MB": f"{NODES * image / 1e6:,.0f}",
        "memory of reapers and volumes, all nodes, GB": f"{ours / 1e9:,.1f}",
        "the same for tini in every image, GB": f"{tini / 1e9:,.1f}",
        "the same for shareProcessNamespace, GB": "0",
        "memory per node, initshim, MB": f"{ours / NODES / 1e6:,.1f}",
        "bytes that images grow by with an init in each, all nodes pull all, GB": (
            f"{NODES * IMAGES * DEBIAN_LAYER / 1e9:,.0f} at most"
        ),
    }
    lines = ["| worked out | |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())])


def _cell(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:,.2f} [{low:,.2f} to {high:,.2f}]"
