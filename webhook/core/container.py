"""A container as the engine reads it, which knows where it stands in its pod."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from webhook.core import schema
from webhook.core.errors import BadPod
from webhook.core.schema import Mount

Field = Literal["containers", "initContainers"]
TERMINATION_LOG = "/dev/termination-log"

# What no kubelet would make or run: see pod.py.
MOST_MOUNTS = 4096  # of one container
MOST_WORDS = 16_384  # of all commands and arguments; one execve takes 2 MiB of them (ARG_MAX)
# A DNS label (DNS1123LabelMaxLength in k8s.io/apimachinery/pkg/util/validation).
LONGEST_NAME = 63


class Container(Struct, frozen=True):
    """One container, and where it stands in the pod's spec.

    What is read of its `fields` over and over stands here: `command` and `args` are () for none,
    [] and null, which mean the same.
    """

    field: Field
    index: int
    fields: schema.Container
    name: str
    command: Sequence[str]
    args: Sequence[str]
    mounts: Sequence[Mount]

    def __repr__(self) -> str:
        return f"Container({self.path}, {self.fields})"

    @property
    def path(self) -> str:
        """Its place, for messages."""
        return f"spec.{self.field}[{self.index}]"

    @property
    def pointer(self) -> str:
        """Its place, for a patch (RFC 6901)."""
        return f"/spec/{self.field}/{self.index}"

    @property
    def image(self) -> str:
        """The image reference as written."""
        return self.fields.image or ""

    @property
    def pull_policy(self) -> str:
        """`Always`, `IfNotPresent`, `Never` or ""."""
        return self.fields.image_pull_policy or ""

    @property
    def stop_signal(self) -> str:
        """The signal that is to end it, where the pod says which."""
        lifecycle = self.fields.lifecycle
        return (lifecycle.stop_signal or "") if lifecycle else ""

    @property
    def runs_on(self) -> bool:
        """True for one that goes on running: an app container, or a native sidecar."""
        return self.field == "containers" or self.fields.restart_policy == "Always"


def containers_of(field: Field, listed: Sequence[schema.Container]) -> list[Container]:
    """Give a list of a pod's spec as containers that know where they stand."""
    return [
        Container(
            field,
            index,
            each,
            each.name or "",
            each.command or (),
            each.args or (),
            each.volume_mounts or (),
        )
        for index, each in enumerate(listed)
    ]


def check_containers(containers: Sequence[Container]) -> None:
    """Raise BadPod for more than any kubelet would make or run, or a name that is none."""
    words = 0
    for each in containers:
        words += len(each.command) + len(each.args)
        if len(each.mounts) > MOST_MOUNTS:
            mounts = len(each.mounts)
            raise BadPod(f"a container has {mounts} volume mounts, more than {MOST_MOUNTS}")
        if len(each.name) > LONGEST_NAME:
            raise BadPod(f"a container's name is longer than {LONGEST_NAME} characters")
    if words > MOST_WORDS:
        raise BadPod(f"its containers are given {words} words to run, more than {MOST_WORDS}")
