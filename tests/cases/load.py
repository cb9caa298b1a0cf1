"""Reading the cases' folders, and writing what is expected of them."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.unit.core.pipeline import DELIVERY, Outcome, World
from webhook.core import image_config
from webhook.core.argv import ImageConfig
from webhook.core.pod import Json
from webhook.core.policy import ClusterRules, Skip
from webhook.core.reasons import Reason

FOLDER = Path(__file__).parent
RUNTIME_CLASSES = ("wasm*", "kata-wasm")


@dataclass(frozen=True, slots=True)
class Case:
    """One folder; `pod` is read anew each time, so that nobody spoils it for others."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def pod(self) -> Json:
        pod: Json = json.loads((self.folder / "pod.json").read_text())
        return pod

    @property
    def world(self) -> World:
        written = self._optional("world.json")
        images = {
            image: _known(written) for image, written in self._optional("images.json").items()
        }
        rules = ClusterRules(
            runtime_classes=RUNTIME_CLASSES,
            images=tuple(
                (glob, _config(config)) for glob, config in written.get("images", {}).items()
            ),
            lookups=written.get("lookups", True),
            init_systems=tuple(written.get("init_systems", ())),
        )
        as_volume = written.get("as_volume", False)
        delivery = replace(DELIVERY, as_volume=as_volume)
        return World(images, rules, delivery)

    @property
    def expected(self) -> Json:
        return self._optional("expected.json")

    def expect(self, outcome: Outcome) -> None:
        text = json.dumps(shown(outcome), indent=2, ensure_ascii=False)
        (self.folder / "expected.json").write_text(f"{text}\n")

    def _optional(self, name: str) -> Json:
        file = self.folder / name
        read: Json = json.loads(file.read_text()) if file.exists() else {}
        return read


def cases() -> list[Case]:
    return [Case(file.parent) for file in sorted(FOLDER.glob("*/pod.json"))]


def shown(outcome: Outcome) -> dict[str, Any]:
    """What a case expects: each container's fate, the status, the warnings and the patch."""
    plan = outcome.plan
    fates = {
        each.container.name: each.reason if isinstance(each, Skip) else "wrapped"
        for each in plan.decisions
    }
    return {
        "outcome": {"*": plan.reason} if plan.reason else fates,
        "warnings": outcome.warnings,
        "status": outcome.status,
        "patch": outcome.patch,
    }


def _known(written: Json) -> ImageConfig | Reason:
    return Reason(written["reason"]) if "reason" in written else _config(written)


def _config(written: Json) -> ImageConfig:
    return image_config.read(written)
