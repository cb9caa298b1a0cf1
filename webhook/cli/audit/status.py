"""What a pod's status says that the audit reads: whether it has ended, and what runs since when."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from webhook.core.errors import BadPod


class _Running(Struct, rename="camel"):
    started_at: str | None = None


class _State(Struct):
    running: _Running | None = None


class _ContainerStatus(Struct):
    name: str | None = None
    state: _State | None = None


class Status(Struct, frozen=True, rename="camel"):
    """The fields of k8s.io/api/core/v1 PodStatus that are read."""

    phase: str | None = None
    container_statuses: Sequence[_ContainerStatus] | None = None
    init_container_statuses: Sequence[_ContainerStatus] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the pod's containers have ended for good."""
        return self.phase in {"Succeeded", "Failed"}

    @property
    def started(self) -> dict[str, str]:
        """The containers that run, and since when (RFC 3339)."""
        both = (*(self.container_statuses or ()), *(self.init_container_statuses or ()))
        return {
            each.name or "": each.state.running.started_at or ""
            for each in both
            if each.state and each.state.running
        }


def read(raw: Mapping[str, Any]) -> Status:
    """Read a pod's status. Raises BadPod for a field of a wrong type."""
    try:
        return msgspec.convert(raw.get("status") or {}, Status)
    except msgspec.ValidationError as error:
        raise BadPod(f"its status is no pod's: {error}") from None
