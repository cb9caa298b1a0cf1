"""How an admission policy brings the reaper: read from the patch that it writes.

With `engine: policy` nothing else in a cluster says it: there is no Deployment with settings. The
expressions are those that `webhook.core.cel.operations` makes.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from webhook.core.ours import NAME
from webhook.kube.objects import Json

_TEXT = r'"(?:[^"\\]|\\.)*"'
_IMAGE = re.compile(rf'Object\.spec\.initContainers\{{name: "{NAME}", image: ({_TEXT})')
_AS_VOLUME = re.compile(r'path: "/spec/volumes/-", value: \((true|false) \?')


@dataclass(frozen=True, slots=True)
class Brought:
    """The reaper's image, and whether pods mount it itself."""

    image: str
    as_volume: bool


def brought(policies: Sequence[Json]) -> Brought | None:
    """Read it from the first policy that says it; None where none does."""
    for policy in policies:
        text = "\n".join(_expressions(policy))
        image, volume = _IMAGE.search(text), _AS_VOLUME.search(text)
        if image and volume:
            return Brought(json.loads(image[1]), volume[1] == "true")
    return None


def _expressions(policy: Json) -> list[str]:
    mutations = (policy.get("spec") or {}).get("mutations") or ()
    return [str((each.get("jsonPatch") or {}).get("expression") or "") for each in mutations]
