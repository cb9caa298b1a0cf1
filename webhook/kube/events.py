"""Events on the workloads whose pods have containers that were left alone.

An Event is said beside the work: `record` only puts it into a bounded queue, `run` writes, one of
each namespace in turn. Of one owner and reason, one Event is written at most every few minutes;
what came in between is counted in its series. The name of an Event follows from what it says, so
that replicas and restarts of the webhook find each other's. events.k8s.io/v1 is the API that
core/v1's events are kept for: it has series, and `kubectl describe` shows both. Rights: create and
patch events; get replicasets and jobs, to say it on the Deployment or CronJob that a person looks
at.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from webhook.base.lru import Lru
from webhook.base.turns import Turns
from webhook.core.errors import BadPod
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.core.pod import Pod
from webhook.core.schema import OwnerReference
from webhook.kube.client import KubeClient
from webhook.kube.errors import Conflict, KubeError
from webhook.kube.objects import EVENT, INTERMEDIATE, Json, Kind, Ref

REASON = "LeftWithoutInit"
_CONTROLLER = "initshim.dev/webhook"
_LONGEST = 253  # a name's, in Kubernetes
_INTERMEDIATE = {kind.name: kind for kind in INTERMEDIATE}


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller that makes a pod, as the pod names it: nobody has checked that it exists."""

    version: str
    kind: str
    name: str
    uid: str
    namespace: str

    @classmethod
    def read(cls, reference: OwnerReference, namespace: str) -> Self | None:
        """Read an owner reference; None where it is none that an Event could be about."""
        words = (reference.api_version, reference.kind, reference.name, reference.uid)
        texts = [word for word in words if word and len(word) <= _LONGEST]
        if len(texts) < len(words) or reference.kind == "Node" or not namespace:
            return None  # a Node owns mirror pods, and has no namespace
        version, kind, name, uid = texts
        return cls(version, kind, name, uid, namespace)

    @property
    def regarding(self) -> Json:
        """It, as an Event refers to it."""
        return {
            "apiVersion": self.version,
            "kind": self.kind,
            "name": self.name,
            "namespace": self.namespace,
            "uid": self.uid,
        }


@dataclass(frozen=True, slots=True)
class Pace:
    """How gently: seconds between Events of one owner and reason, between calls, for one Event."""

    repeat: float = 300.0
    pause: float = 0.2
    deadline: float = 5.0
    note_failure: float = 60.0


@dataclass(frozen=True, slots=True)
class EventSource:
    """Who writes, and the clocks; `now` is the time of day, `clock` seconds that never jump."""

    instance: str
    now: Callable[[], datetime]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class _Pending:
    """One owner and reason: what is to be said, how often it came up, and from when on to say."""

    owner: Owner
    note: str
    count: int = 0
    due: float = field(default=float("-inf"))
    queued: bool = False


class Recorder:
    """Writes Events; `record` never waits and never raises, `run` never ends by itself."""

    def __init__(
        self,
        client: KubeClient,
        *,
        source: EventSource,
        observer: Observer,
        pace: Pace | None = None,
        most: int = 1024,
    ) -> None:
        """`most` bounds both the queue and the owners and reasons that are remembered."""
        self._client = client
        self._source = source
        self._observer = observer
        self._pace = pace or Pace()
        self._most = most
        self._pending: Lru[tuple[str, str], _Pending] = Lru(most)
        self._queue: Turns[_Pending] = Turns(most)
        self._silent_until = float("-inf")

    def record(self, owner: Owner, reason: str, note: str) -> None:
        """Have it said on the owner, soon; where too much waits, whose namespace has most loses."""
        pending = self._pending.get((owner.uid, reason))
        if pending is None:
            pending = _Pending(owner, note)
            self._pending.put((owner.uid, reason), pending, owner=owner.namespace)
        pending.count += 1
        pending.owner, pending.note = owner, note
        if pending.queued or self._source.clock() < pending.due:
            return
        pending.queued = True
        dropped = self._queue.put(owner.namespace, pending)
        if dropped:
            dropped.queued = False
            self._observer.event("dropped")
            self._note_failure(LogEvent.EVENTS_DROPPED, error=f"{self._most} events wait already")

    async def run(self) -> None:
        """Write what is recorded, one at a time, for ever."""
        while True:
            pending = await self._queue.get()
            pending.queued = False
            pending.due = self._source.clock() + self._pace.repeat
            count, pending.count = pending.count, 0
            try:
                async with asyncio.timeout(self._pace.deadline):
                    await self._write(pending.owner, pending.note, count)
                self._observer.event("written")
            except (KubeError, TimeoutError) as error:
                self._observer.event("failed")
                pending.count += count  # the next one counts them, too
                said = str(error) or f"no answer in {self._pace.deadline:g} s"
                next_step = getattr(error, "next_step", "")
                self._note_failure(LogEvent.EVENT_NOT_WRITTEN, error=said, next_step=next_step)
            await self._source.sleep(self._pace.pause)

    async def _write(self, owner: Owner, note: str, count: int) -> None:
        """Create the Event, or count it up where it is there already."""
        owner = await self._made_by(owner)
        ref = Ref(EVENT, _name(owner, note), owner.namespace)
        moment = f"{self._source.now():%Y-%m-%dT%H:%M:%S.%fZ}"
        series = {"count": count, "lastObservedTime": moment}
        body: Json = {
            "eventTime": moment,
            "type": "Warning",
            "reason": REASON,
            "action": "Inject",
            "note": note,
            "regarding": owner.regarding,
            "reportingController": _CONTROLLER,
            "reportingInstance": self._source.instance,
            **({"series": series} if count > 1 else {}),  # the API server takes no series of one
        }
        try:
            await self._client.create(ref, body)
        except Conflict:
            found = await self._client.merge_patch(ref, {})  # a right to read is not needed
            before = (found.get("series") or {}).get("count", 1)
            series["count"] = before + count
            await self._client.merge_patch(ref, {"series": series})

    async def _made_by(self, owner: Owner) -> Owner:
        """Give the Deployment of a ReplicaSet, the CronJob of a Job: that is where people look.

        Where nobody lets us look, or the pod's author invented its owner, it stays as it is.
        """
        kind = _between(owner)
        if kind is None:
            return owner
        try:
            found = await self._client.get(Ref(kind, owner.name, owner.namespace))
            above = Pod(found).controller  # an owner's metadata has the same fields
        except (KubeError, BadPod):
            return owner
        if (found.get("metadata") or {}).get("uid") != owner.uid:
            return owner
        return Owner.read(above, owner.namespace) or owner

    def _note_failure(self, event: LogEvent, **fields: object) -> None:
        """Say it in the log, and then nothing for a while: one broken right breaks every call."""
        now = self._source.clock()
        if now >= self._silent_until:
            self._silent_until = now + self._pace.note_failure
            self._observer.note(event, **fields)


def _between(owner: Owner) -> Kind | None:
    kind = _INTERMEDIATE.get(owner.kind)
    return kind if kind and kind.version == owner.version else None


def _name(owner: Owner, note: str) -> str:
    """Give the name that every replica gives this Event: it has to be a DNS subdomain."""
    digest = hashlib.sha256(f"{owner.uid}\0{note}".encode(errors="replace")).hexdigest()
    return f"{owner.name[:200].rstrip('-.')}.{digest[:16]}"
