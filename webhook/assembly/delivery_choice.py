"""With `delivery: auto`: ask the nodes, again and again, whether pods can have image volumes.

Every Linux node counts for every pod: other webhooks, the scheduler and a rollout of nodes still
change where a pod may run. What nobody could say means the init container, which works everywhere.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from webhook.core import image_volumes
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.core.pod import Pod
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.nodes import fetch_nodes

SECONDS = 60.0
_SPREAD = 0.2  # replicas don't ask at the same moment


class DeliveryChoice:
    """What the nodes allow by now: init containers, until they have all said that they can more."""

    def __init__(
        self,
        client: KubeClient,
        observer: Observer,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._observer = observer
        self._sleep = sleep
        self._chance = chance
        self._said: object = None
        self.possible = False
        self.unable = 0

    def as_volume(self, pod: Pod) -> bool:
        """Tell whether a pod gets the reaper's image as a volume."""
        return self.possible and image_volumes.suits(pod)

    async def run(self) -> None:
        """Ask the nodes until cancelled."""
        while True:
            await self.ask_nodes()
            await self._sleep(SECONDS * (1 + _SPREAD * self._chance()))

    async def ask_nodes(self) -> None:
        """Ask once. Raises nothing that the API server may answer."""
        try:
            version = await self._client.version()
            nodes = await fetch_nodes(self._client)
        except KubeError as error:
            self.possible, self.unable = False, 0
            self._note(LogEvent.NODES_NOT_READ, error=str(error), next_step=error.next_step)
            return
        unable = image_volumes.unable(nodes)
        self.possible, self.unable = image_volumes.possible(version, nodes), len(unable)
        self._note(
            LogEvent.DELIVERY_CHOSEN,
            delivery="imageVolume" if self.possible else "initContainer",
            kubernetes=version,
            nodes=len(nodes),
            unable=len(unable),
            example=": ".join((unable[0][0].name, unable[0][1])) if unable else "",
        )

    def _note(self, event: LogEvent, **fields: object) -> None:
        """Say what has changed; that a node more can do it is no news."""
        said = (event, *(value for key, value in fields.items() if key != "nodes"))
        if said != self._said:
            self._said = said
            self._observer.note(event, **fields)
