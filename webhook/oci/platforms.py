"""Which images of an index a pod may run: decided from the registry, never from the node.

The webhook does not know on which node the pod will land. So either all platforms run the same
program, or the pod itself says for which architecture it is (semantics §2). An index is read as
containerd reads it (core/images `Manifest`): an entry that is an index is descended into, one
without a platform is for what its configuration says.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from webhook.core.argv import ImageConfig
from webhook.core.errors import BadAnswer, PlatformsDisagree, WindowsOnly
from webhook.oci.manifests import Configuration, Document, Entry, Index, Manifest, Platform

_DEEPEST = 4
_MOST_INDEXES = 64
_MOST_IMAGES = 32
_SHOWN = 5


class Known(Struct, frozen=True):
    """What has been read so far, by digest."""

    document: Callable[[str], Document | None]
    configuration: Callable[[str], Configuration | None]


class Survey(Struct):
    """The linux images that were found, and what has to be read before the answer is whole."""

    images: dict[Platform, list[ImageConfig]] = {}
    documents: dict[str, int] = {}
    configurations: dict[str, int] = {}
    others: dict[str, None] = {}

    @property
    def complete(self) -> bool:
        """Tell whether nothing is missing."""
        return not (self.documents or self.configurations)


def survey(top: Document, known: Known, architectures: AbstractSet[str], name: str) -> Survey:
    """Find the images of the pod's architectures, or of all where there are none of those.

    To be called again once what is missing was read. Raises BadAnswer for what has no end,
    WindowsOnly or BadAnswer where there is no linux image.
    """
    if isinstance(top, Manifest):
        return _single(top, known, name)
    found = Survey()
    leaves = _leaves(top, known, architectures, name, found)
    if found.complete:
        _read(leaves, known, architectures, found)
    if found.complete and not found.images:
        if architectures:
            return survey(top, known, frozenset(), name)
        raise _no_linux(found, name)
    return found


def agree(images: Mapping[Platform, list[ImageConfig]], name: str) -> ImageConfig:
    """Give what all platforms run; PlatformsDisagree where that is not the same."""
    all_of_them = [each for configs in images.values() for each in configs]
    if len(all_of_them) == 1:
        return all_of_them[0]
    if len({_runs(each) for each in all_of_them}) == 1:
        # What one of them tells of an init system counts for all.
        return max(all_of_them, key=lambda each: (bool(each.init_system), bool(each.stop_signal)))
    listed = ", ".join(sorted(str(each) for each in images))
    raise PlatformsDisagree(
        f"the platforms of {name} run different programs ({listed})",
        next_step="Select kubernetes.io/arch in the pod, or set `command:`.",
    )


def _runs(config: ImageConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what is run: an ENTRYPOINT of one empty word is none."""
    entrypoint, cmd = config.runs
    return () if entrypoint == ("",) else entrypoint, cmd


def alone(config: Configuration, name: str) -> Platform:
    """Give the platform of an image that is in no index. Raises WindowsOnly.

    Whatever else its configuration says of that: containerd doesn't read it here.
    """
    if config.os == "windows":
        raise _no_linux(Survey(others={"windows": None}), name)
    return Platform("linux", config.architecture or "unknown", config.variant)


def _single(top: Manifest, known: Known, name: str) -> Survey:
    found = Survey()
    config = known.configuration(top.config)
    if config is None:
        found.configurations[top.config] = top.size
    else:
        found.images[alone(config, name)] = [config.runs]
    return found


def _leaves(
    top: Index, known: Known, architectures: AbstractSet[str], name: str, found: Survey
) -> list[Entry]:
    """Descend through the indexes and give what is none; `found` gets what is missing."""
    leaves: dict[Entry, None] = {}
    level: list[tuple[Index, Platform | None]] = [(top, None)]
    indexes = 0
    for _ in range(_DEEPEST):
        below: list[tuple[Index, Platform | None]] = []
        for index, parent in level:
            found.others |= dict.fromkeys(index.others)
            for each in index.entries:
                inherits = each.platform is None and parent is not None
                entry = replace(each, platform=parent) if inherits else each
                if not _is_for(entry.platform, architectures):
                    continue
                document = known.document(entry.digest) if entry.is_index else None
                if isinstance(document, Index):
                    below.append((document, entry.platform))
                elif entry.is_index and document is None:
                    found.documents[entry.digest] = entry.size
                else:
                    leaves[entry] = None
        indexes += len(below)
        if indexes + len(found.documents) > _MOST_INDEXES:
            raise BadAnswer(f"{name} has more than {_MOST_INDEXES} indexes in its index")
        if not below:
            if len(leaves) > _MOST_IMAGES:
                raise BadAnswer(f"{name} is for more than {_MOST_IMAGES} platforms")
            return list(leaves)
        level = below
    raise BadAnswer(f"{name} has indexes in indexes, more than {_DEEPEST} deep")


def _read(
    leaves: list[Entry], known: Known, architectures: AbstractSet[str], found: Survey
) -> None:
    """Put the images' configurations into `found`, or what is missing of them."""
    named = {each.platform.architecture for each in leaves if each.platform}
    for entry in leaves:
        manifest = known.document(entry.digest)
        if manifest is None:
            found.documents[entry.digest] = entry.size
            continue
        if isinstance(manifest, Index):
            raise BadAnswer("an entry of the index is of another kind than the index says")
        if entry.platform is None and not manifest.is_image:
            continue
        config = known.configuration(manifest.config)
        if config is None:
            found.configurations[manifest.config] = manifest.size
            continue
        platform = entry.platform or _own(config)
        if platform.os != "linux":
            found.others[str(platform)] = None
        elif entry.platform or (
            # containerd takes one without a platform only where no other is for the node.
            platform.architecture not in named and _is_for(platform, architectures)
        ):
            found.images.setdefault(platform, []).append(config.runs)


def _own(config: Configuration) -> Platform:
    """Give the platform of a configuration as containerd does: no system means the node's."""
    return Platform(config.os or "linux", config.architecture, config.variant)


def _is_for(platform: Platform | None, architectures: AbstractSet[str]) -> bool:
    return platform is None or not architectures or platform.architecture in architectures


def _no_linux(found: Survey, name: str) -> BadAnswer | WindowsOnly:
    if any(each.partition("/")[0] == "windows" for each in found.others):
        return WindowsOnly(f"{name} is an image for Windows")
    if not found.others:
        return BadAnswer(f"{name} is an index without an image in it")
    listed = ", ".join(tuple(found.others)[:_SHOWN])
    return BadAnswer(f"{name} has no image for Linux, only for {listed}")
