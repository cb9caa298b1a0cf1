"""What of a pod's status the command line reads: whether it has ended, what runs since when."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from webhook.core.errors import BadPod


class _Running(Struct, rename="camel"):
    started_at: str | None = None


class _State(Struct):
    running: _Running | None = None


class ContainerStatus(Struct, rename="camel"):
    """One container's status."""

    name: str | None = None
    container_id: str | None = msgspec.field(default=None, name="containerID")
    state: _State | None = None

    @property
    def runs(self) -> bool:
        """Whether it runs now."""
        return self.state is not None and self.state.running is not None

    @property
    def identity(self) -> str:
        """Its id without the runtime's name: `containerd://8f6e…` is 8f6e…; "" for none."""
        return (self.container_id or "").rpartition("://")[2]


class Status(Struct, frozen=True, rename="camel"):
    """The fields of k8s.io/api/core/v1 PodStatus that are read."""

    phase: str | None = None
    container_statuses: Sequence[ContainerStatus] | None = None
    init_container_statuses: Sequence[ContainerStatus] | None = None
    ephemeral_container_statuses: Sequence[ContainerStatus] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the pod's containers have ended for good."""
        return self.phase in {"Succeeded", "Failed"}

    @property
    def started(self) -> dict[str, str]:
        """The containers that run, and since when (RFC 3339)."""
        return {
            each.name or "": each.state.running.started_at or ""
            for each in self.containers
            if each.state and each.state.running
        }

    @property
    def containers(self) -> Sequence[ContainerStatus]:
        """The status of every container: those of the app, its init containers, and ephemeral."""
        return (
            *(self.container_statuses or ()),
            *(self.init_container_statuses or ()),
            *(self.ephemeral_container_statuses or ()),
        )


def read(raw: Mapping[str, Any]) -> Status:
    """Read a pod's status. Raises BadPod for a field of a wrong type."""
    try:
        return msgspec.convert(raw.get("status") or {}, Status)
    except msgspec.ValidationError as error:
        raise BadPod(f"its status is no pod's: {error}") from None
