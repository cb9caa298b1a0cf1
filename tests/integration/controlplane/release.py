"""The chart as it is installed now: a test says which values it needs, and finds them served."""

from dataclasses import dataclass, field
from typing import Any

from tests.integration.controlplane import images
from tests.integration.controlplane.controllers import OPT_IN, create, namespace, until
from tests.integration.controlplane.fleet import Fleet
from tests.integration.controlplane.install import install
from tests.integration.controlplane.plane import ControlPlane

_PROBE = {
    "metadata": {"generateName": "probe-"},
    "spec": {"containers": [{"name": "probe", "image": "probe", "command": ["true"]}]},
}


@dataclass
class Release:
    """The chart on one plane, with `registry` (a URL) for all images, and its replicas."""

    plane: ControlPlane
    registry: str
    replicas: int = 2
    _more: dict[str, Any] | None = None
    _fleet: Fleet | None = field(default=None)

    @property
    def fleet(self) -> Fleet:
        """The replicas."""
        assert self._fleet
        return self._fleet

    def wants(self, **more: Any) -> Fleet:
        """Install these values on top of what the golden cases need, unless they are installed."""
        if more != self._more:
            install(self.plane, images.values(self.registry, **more))
            self._replace()
            self._more = more
            self.settle()
        return self.fleet

    def reviews(self) -> float:
        """How many reviews the replicas have answered."""
        return sum(each.metric("initshim_reviews_total") for each in self.fleet.replicas)

    def stop(self) -> None:
        """End the replicas, and forget what is installed: now another may have the Service."""
        if self._fleet:
            self._fleet.stop()
        self._fleet, self._more = None, None

    def settle(self) -> None:
        """Wait until the API server has seen configuration, CA and namespace."""
        settled = namespace(self.plane, "settled", **OPT_IN)

        def wrapped() -> bool:
            pods = [create(self.plane, settled, _PROBE, query="?dryRun=All") for _ in range(4)]
            return all(len(each.pod["spec"].get("volumes", ())) == 2 for each in pods)

        until(wrapped)

    def _replace(self) -> None:
        """Start all anew: the files that they read once have changed."""
        if self._fleet is None:
            self._fleet = Fleet(self.plane)
        old = list(self.fleet.replicas)
        self.fleet.hold(*old)
        new = [self.fleet.start_one(wait=False) for _ in range(self.replicas)]
        for each in old:
            self.fleet.delete(each)
        self.fleet.await_ready(*new)
