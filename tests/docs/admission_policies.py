"""What docs/admission-policies.md shows, and the pods that its policies see."""

from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from tests.docs.blocks import ROOT, blocks
from webhook.cli.main import app

PAGE = ROOT / "docs" / "admission-policies.md"
OBJECTS: list[dict[str, Any]] = [
    each for block in blocks("yaml", pages=[PAGE]) for each in yaml.safe_load_all(block.text)
]


def named(kind: str, name: str) -> dict[str, Any]:
    """Give the page's object of that kind and name."""
    (found,) = [
        each for each in OBJECTS if each.get("kind") == kind and each["metadata"]["name"] == name
    ]
    return found


def injected(tmp_path: Path, image: str) -> Path:
    """Give a pod of an image, as `initshim inject` leaves it."""
    container = {"name": "app", "image": image, "command": ["/app"]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    file = tmp_path / "pod.yaml"
    file.write_text(yaml.safe_dump({**manifest, "spec": {"containers": [container]}}))
    done = CliRunner().invoke(app, ["inject", "-f", str(file), "-i"])
    assert done.exit_code == 0, done.output
    return file
