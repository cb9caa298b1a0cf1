"""How long `initshim inject` takes beside libyaml's own load of the same text, in one run.

And what it takes to start, beside `import yaml` in the same Python.

Run `python -m tests.benchmarks.manifests`; CPU seconds, medians of several rounds, and spread.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.kubectl.compare import ENGINE
from webhook.cli.manifest import files
from webhook.cli.rewrite import rewrite

ROUNDS = 5
MOST = 3.0  # times libyaml's own load
STARTS = 15
MOST_TO_START = 0.3  # CPU seconds

_POD: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "containers": [
            {
                "name": "app",
                "image": "registry.example/web:1",
                "command": ["sleep", "100"],
                "ports": [{"containerPort": 80, "name": "http"}],
                "env": [{"name": f"V{n}", "value": f"{n}"} for n in range(20)],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
            }
        ]
    },
}
_FIELD = {
    "type": "object",
    "description": "What this field is for, in a sentence or two.",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer", "minimum": 0}},
}


def bundle() -> str:
    """Write what a release of an operator ships: definitions with long schemas, a few workloads."""
    schema = {"type": "object", "properties": {f"field{n}": _FIELD for n in range(200)}}
    definition = {"kind": "CustomResourceDefinition", "spec": {"schema": schema}}
    objects = [*[definition] * 40, *[_deployment(n) for n in range(20)]]
    return "---\n".join(map(_written, objects))


def deployments(count: int) -> str:
    """Write a List of Deployments, each of which is changed."""
    return _written({"kind": "List", "items": [_deployment(n) for n in range(count)]})


def _deployment(number: int) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"name": f"web{number}"}, "spec": {"template": _POD}}


def _written(value: Any) -> str:
    unshared = json.loads(json.dumps(value))  # without anchors
    return str(yaml.dump(unshared, Dumper=yaml.CSafeDumper, sort_keys=False))


def load(text: str) -> None:
    """Load as libyaml's binding does."""
    list(yaml.load_all(text, Loader=yaml.CSafeLoader))  # it is a safe one


def inject(file: Path) -> None:
    """Read, rewrite and check a file as the command does."""
    asyncio.run(rewrite(files.read(str(file)), ENGINE, deadline=lambda: 0.0))


def _cpu(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _cpu_of(*command: str) -> float:
    """Run a program to its end and give its CPU seconds, the kernel's for it included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _start(file: Path) -> None:
    """Print what the command takes for one small manifest, and what `import yaml` does."""
    file.write_text(_written(_deployment(0)))
    own = ("-c", "from webhook.cli import start; start()", "inject", "-f", str(file))
    runs = [(_cpu_of(*own), _cpu_of("-c", "import yaml")) for _ in range(STARTS)][1:]
    seconds = [run for run, _ in runs]
    ratios = [run / beside for run, beside in runs]
    middle = statistics.median(seconds)
    said = "within" if middle <= MOST_TO_START else "above"
    print(
        f"start: {middle:.2f} s of CPU ({min(seconds):.2f} to {max(seconds):.2f}), {said} "
        f"{MOST_TO_START:g}; {statistics.median(ratios):.1f} times `import yaml`"
    )


def main() -> None:
    """Print a line for each text; the two are measured in turn."""
    with tempfile.TemporaryDirectory() as folder:
        _start(Path(folder) / "m.yaml")
        for name, text in (("bundle", bundle()), ("800 Deployments", deployments(800))):
            file = Path(folder) / "m.yaml"
            file.write_text(text)
            ratios = []
            for _ in range(ROUNDS):
                beside = _cpu(lambda text=text: load(text))  # type: ignore[misc]
                ratios.append(_cpu(lambda file=file: inject(file)) / beside)  # type: ignore[misc]
            middle = statistics.median(ratios)
            said = "within" if middle <= MOST else "above"
            print(
                f"{name}: {len(text):,} bytes, {middle:.2f} times libyaml's load "
                f"({min(ratios):.2f} to {max(ratios):.2f}), {said} {MOST:g}"
            )


if __name__ == "__main__":
    main()
