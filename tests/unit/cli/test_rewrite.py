"""The golden pods as manifests: what the engine makes of them, and no other byte changed."""

import asyncio
import difflib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cases.load import Case, cases
from webhook.admission.admit import Engine, Mutated, mutate
from webhook.assembly.no_lookups import NoLookups
from webhook.cli.manifest import files, from_yaml
from webhook.cli.rewrite import rewrite
from webhook.core.errors import BadManifest, BadPod
from webhook.core.mutation import Delivery
from webhook.core.observe import Silent
from webhook.core.pod import Json, Pod
from webhook.core.policy import ClusterRules

ENGINE = Engine(
    rules=ClusterRules(lookups=False),
    delivery=Delivery("registry.example/reaper:1", "1"),
    resolver=NoLookups(),
    observer=Silent(),
)
# What the engine may touch in a pod that has it already.
TOUCHED = (
    *("command:", "args:", "volumeMounts:", "volumes:", "initContainers:", "metadata:"),
    *("annotations:", "initshim.dev/status:", "'", "resources:", "requests:", "limits:"),
    *("cpu:", "memory:", "ephemeral-storage:"),
)


def engine_makes(pod: Json) -> Json:
    async def made() -> Mutated:
        return await mutate(Pod(pod), "default", ENGINE, deadline=0)

    return asyncio.run(made()).pod


def rewritten(path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    return asyncio.run(rewrite(files.read(str(path)), ENGINE, deadline=lambda: 0.0)).text


def as_yaml(pod: Json, **style: Any) -> str:
    text: str = yaml.safe_dump(pod, sort_keys=False, allow_unicode=True, **style)
    return text


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_golden_pod_as_yaml_and_json_comes_out_as_the_engine_makes_it(
    case: Case, tmp_path: Path
) -> None:
    pod = case.pod
    try:
        wanted = engine_makes(pod)
    except BadPod:
        with pytest.raises(BadManifest, match="document 1, "):
            rewritten(tmp_path / "m.json", json.dumps(pod))
        return
    block = as_yaml({"kind": "Pod", **pod})
    out = rewritten(tmp_path / "m.yaml", block)
    assert from_yaml.parse(out)[0].content() == {"kind": "Pod", **wanted}
    lines = difflib.ndiff(block.splitlines(), out.splitlines())
    gone = [line[2:].strip() for line in lines if line.startswith("- ")]
    assert [line for line in gone if not line.removeprefix("- ").startswith(TOUCHED)] == []
    out = rewritten(tmp_path / "f.yaml", as_yaml({"kind": "Pod", **pod}, default_flow_style=True))
    assert from_yaml.parse(out)[0].content() == {"kind": "Pod", **wanted}
    dense = json.dumps({"kind": "Pod", **pod}, separators=(",", ":"), ensure_ascii=False)
    out = rewritten(tmp_path / "m.json", dense)
    assert json.loads(out) == {"kind": "Pod", **wanted}
    assert out == json.dumps(json.loads(out), separators=(",", ":"), ensure_ascii=False)
