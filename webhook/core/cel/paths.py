"""Our volume and our mount, as they are recognised in a pod that comes again."""

from webhook.core.argv import MOUNT
from webhook.core.cel.literals import literal
from webhook.core.ours import NAME

_FOLDER = MOUNT.strip("/").replace(".", "\\.")
# As the kubelet reads a path: from the root, `//` and `/./` as `/`. `..` is left, see limits.py.
OURS = f"^(?:\\.?/)*{_FOLDER}(?:/\\.?)*$"
OURS_OR_BELOW = f"^(?:\\.?/)*{_FOLDER}(?:/|$)"
CLIMBS = "(?:^|/)\\.\\.(?:/|$)"


def is_our_volume(volume: str) -> str:
    """`ours.is_our_volume`."""
    in_memory = f'{volume}.?emptyDir.?medium.orValue("") == "Memory"'
    return f"({volume}.name == {literal(NAME)} && ({in_memory} || {is_image_volume(volume)}))"


def is_image_volume(volume: str) -> str:
    """`ours.is_image_volume`."""
    return f'{volume}.?image.?reference.orValue("") != ""'


def is_our_mount(mount: str) -> str:
    """`ours.is_our_mount`."""
    return f"({mount}.name == {literal(NAME)} && {mount}.mountPath.matches({literal(OURS)}))"


def has_our_mount(container: str) -> str:
    """Tell whether a container has it."""
    return f"{container}.?volumeMounts.orValue([]).exists(m, {is_our_mount('m')})"


def path_taken(container: str) -> str:
    """`ours.path_taken`: something foreign is mounted where ours would be, or below."""
    below = f"matches({literal(OURS_OR_BELOW)})"
    mounts = f"{container}.?volumeMounts.orValue([])"
    devices = f"{container}.?volumeDevices.orValue([])"
    return (
        f"({mounts}.exists(m, m.mountPath.{below} && !{is_our_mount('m')})"
        f" || {devices}.exists(d, d.devicePath.{below}))"
    )
