"""What in a pod is ours, and what stands in its place: told by kind, place and command.

So a pod that is created again, or is mutated by others in between, is known for what it is.
"""

from posixpath import normpath

from webhook.core.argv import INIT, MOUNT
from webhook.core.container import Container
from webhook.core.pod import Pod
from webhook.core.schema import Mount, Volume

NAME = "initshim"
LONGEST_PATH = 4096  # PATH_MAX
_OUR_FOLDER = MOUNT.removeprefix("/")


def is_ours(container: Container) -> bool:
    """Recognise our init container by what it does: it installs the reaper."""
    return (
        container.field == "initContainers"
        and container.name == NAME
        and ("--install" in container.command or "--install" in container.args)
    )


def is_our_volume(volume: Volume) -> bool:
    """Recognise our volume by its kind: a memory emptyDir, or an image."""
    if volume.name != NAME:
        return False
    in_memory = volume.empty_dir is not None and volume.empty_dir.medium == "Memory"
    return in_memory or is_image_volume(volume)


def is_image_volume(volume: Volume) -> bool:
    """Tell whether the volume is an image that is mounted."""
    return volume.image is not None and bool(volume.image.reference)


def is_our_mount(mount: Mount) -> bool:
    """Recognise the mount of our volume, also in a pod that is created again."""
    return mount.name == NAME and _place(mount.mount_path) == MOUNT


def has_our_mount(container: Container) -> bool:
    """Tell whether the container has the reaper mounted."""
    for mount in container.mounts:  # noqa: SIM110  # `any` over a generator costs each review more
        if mount.name == NAME and is_our_mount(mount):
            return True
    return False


def is_wrapped(container: Container) -> bool:
    """Recognise a wrapped container by its command."""
    command = container.command
    return bool(command) and command[0] == INIT


def name_taken(pod: Pod) -> bool:
    """Tell whether something foreign has our name."""
    for container in pod.containers:
        if container.name == NAME and not is_ours(container):
            return True
    for volume in pod.volumes:
        if volume.name == NAME and not is_our_volume(volume):
            return True
    ephemeral = pod.spec.ephemeral_containers
    if not ephemeral:  # as nearly always
        return False
    return any(each.name == NAME for each in ephemeral)


def path_taken(container: Container) -> bool:
    """Tell whether something foreign is mounted at our path, or below: ours is read-only."""
    for mount in container.mounts:
        path = mount.mount_path
        # As most are not: it costs less than to normalise each.
        if path and _OUR_FOLDER in path and _is_ours_or_below(path) and not is_our_mount(mount):
            return True
    for device in container.fields.volume_devices or ():
        path = device.device_path
        if path and _OUR_FOLDER in path and _is_ours_or_below(path):
            return True
    return False


def _is_ours_or_below(path: str) -> bool:
    place = _place(path)
    return place == MOUNT or place.startswith(f"{MOUNT}/")


def _place(path: str | None) -> str:
    """Give the path as the kubelet does: a relative one starts at the root.

    One over the kernel's PATH_MAX leads nowhere, and is not taken apart.
    """
    if path and len(path) > LONGEST_PATH:
        return path
    return normpath("/" + (path or "").lstrip("/"))
