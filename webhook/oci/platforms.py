"""Which entry of an image index the pod will run: decided from the index, never from the node.

The webhook does not know on which node the pod will land. So either all platforms run the same
program, or the pod itself says for which architecture it is (semantics §2).
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from webhook.core.argv import ImageConfig
from webhook.core.errors import NotFound, PlatformsDisagree


@dataclass(frozen=True, slots=True)
class Variant:
    """One linux manifest of an index."""

    digest: str
    size: int
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        tail = f"/{self.variant}" if self.variant else ""
        return f"linux/{self.architecture}{tail}"


def candidates(variants: Sequence[Variant], architectures: AbstractSet[str]) -> tuple[Variant, ...]:
    """Give the manifests that matter: those of the pod's architectures, else all."""
    if not variants:
        raise NotFound("the index lists no linux image")
    chosen = tuple(each for each in variants if each.architecture in architectures)
    return chosen or tuple(variants)


def agree(configs: Mapping[Variant, ImageConfig], name: str) -> ImageConfig:
    """Give the one configuration of all platforms; PlatformsDisagree where there are several."""
    different = {config.runs: config for config in configs.values()}
    if len(different) == 1:
        # One that tells of an init system tells it of the others, which run the same.
        return max(configs.values(), key=lambda config: bool(config.init_system))
    listed = ", ".join(sorted({str(each) for each in configs}))
    raise PlatformsDisagree(
        f"the platforms of {name} run different programs ({listed})",
        next_step="Select kubernetes.io/arch in the pod, or set `command:`.",
    )
