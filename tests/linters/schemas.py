"""Kubernetes' schemas for kubeconform, from the package that the chart's tests use: no fetching.

They refer to each other by paths of a server; here they become files that do so by their names.
"""

import json
from pathlib import Path
from typing import Any

import kubernetes_validate

VERSION = "1.37"
OUT = Path(__file__).resolve().parents[2] / ".cache" / "schemas"


def location() -> str:
    """Give kubeconform's template of a schema's file, written if need be."""
    known = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    folder = OUT / VERSION
    if not folder.exists():
        folder.mkdir(parents=True)
        for file in (known / f"v{VERSION}.0-local-strict").glob("*.json"):
            (folder / file.name).write_text(json.dumps(_by_name(json.loads(file.read_text()))))
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def _by_name(node: Any) -> Any:
    match node:
        case dict():
            kept = {key: _by_name(value) for key, value in node.items() if key != "$id"}
            if isinstance(kept.get("$ref"), str):
                kept["$ref"] = kept["$ref"].replace("/api/_definitions.json", "_definitions.json")
            return kept
        case list():
            return [_by_name(each) for each in node]
    return node
