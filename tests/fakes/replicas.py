"""What a kubelet and the endpoints controller do with the webhook's pods: here, processes.

Each replica has a worker, as each pod has in a kubelet: it asks the container whether it is ready,
and starts it again when it has ended. Ready replicas are the endpoints of the Service's address.
One that is being deleted is an endpoint no more, unless there is no other, as with kube-proxy.

    replicas = Replicas(Balancer("127.64.0.1", 443))
    one = replicas.add(launch)
    replicas.await_ready()
    one.kill()                  # its container is started again
    replicas.delete(one)        # SIGTERM, and the drain
    replicas.force_delete(one)  # SIGKILL, and nothing after
"""

import signal
import threading
import time
from collections.abc import Callable, Sequence

from tests.fakes.balancer import Balancer
from tests.fakes.replica import Launch, Replica
from tests.integration.server.process import PATIENCE

_LOOK = 0.2  # seconds between two looks at a process
_BACKOFF = 1.0  # seconds until a container is started again
_CHANGE_SECONDS = 90.0


class Replicas:
    """The pods behind one Service."""

    def __init__(self, balancer: Balancer) -> None:
        self.replicas: list[Replica] = []
        self._balancer = balancer
        self._added = 0
        self._stopping = threading.Event()
        self._workers: dict[Replica, threading.Thread] = {}
        self._lock = threading.Lock()

    def add(self, launch: Launch) -> Replica:
        """Start one more; it serves once it is ready."""
        self._added += 1
        replica = Replica(launch, launch.folder / f"replica-{self._added}.log")
        self._workers[replica] = threading.Thread(target=self._work, args=(replica,))
        with self._lock:
            self.replicas.append(replica)
        self._workers[replica].start()
        return replica

    def await_ready(self, *replicas: Replica) -> None:
        """Wait until these, or all, are endpoints."""
        end = time.monotonic() + _CHANGE_SECONDS
        for each in replicas or tuple(self.replicas):
            while not each.ready:
                assert time.monotonic() < end, each.written
                time.sleep(0.05)

    def delete(self, replica: Replica) -> int:
        """Delete a pod: SIGTERM as the kubelet sends it, and its exit code after the drain."""
        replica.give_up(signal.SIGTERM)
        return self._forget(replica)

    def force_delete(self, *replicas: Replica) -> None:
        """Delete pods without any grace."""
        for each in replicas:
            each.give_up(signal.SIGKILL)
        for each in replicas:
            self._forget(each)

    def hold(self, *replicas: Replica) -> None:
        """Keep these out of the endpoints, whatever they answer."""
        self._hold(replicas, held=True)

    def release(self, *replicas: Replica) -> None:
        """Let their answers decide again."""
        self._hold(replicas, held=False)

    def logged(self, event: str) -> int:
        """Count an event in the logs of the replicas that run."""
        return sum(line["event"] == event for each in self.replicas for line in each.lines)

    def usage(self) -> tuple[float, int]:
        """Give the replicas' seconds of CPU so far and their bytes of memory, together."""
        seconds, memory = 0.0, 0
        for each in list(self.replicas):
            if each.alive:
                times = each.process.cpu_times()
                seconds += times.user + times.system
                memory += each.memory
        return seconds, memory

    def stop(self) -> None:
        """End all at once: a second SIGTERM ends a drain."""
        self._stopping.set()
        left = list(self.replicas)
        for each in left:
            each.give_up(signal.SIGTERM)
        time.sleep(0.05)
        for each in left:
            each.give_up(signal.SIGTERM)
        for each in left:
            self._forget(each)
        self._balancer.stop()

    def _forget(self, replica: Replica) -> int:
        """Wait for a pod's end, and take it out."""
        try:
            code = replica.popen.wait(PATIENCE)
        finally:
            replica.popen.kill()
            self._workers.pop(replica).join()
            with self._lock:
                self.replicas.remove(replica)
            self._tell()
        return code

    def _hold(self, replicas: Sequence[Replica], *, held: bool) -> None:
        for each in replicas:
            each.held = held
        self._tell()

    def _work(self, replica: Replica) -> None:
        """Be a pod's worker and its prober, until the pod has ended."""
        due = 0.0
        while replica.wanted or replica.alive:
            if not replica.alive:
                replica.ready = False
                self._tell()
                self._stopping.wait(_BACKOFF)
                replica.restart()
            elif time.monotonic() >= due:
                replica.ready = replica.probe()
                launch = replica.launch
                due = time.monotonic() + (launch.period if replica.ready else launch.unready_period)
            self._tell()
            time.sleep(_LOOK)
        replica.ready = False

    def _tell(self) -> None:
        """Say who the endpoints are."""
        with self._lock:
            able = [each for each in self.replicas if each.ready and not each.held]
            endpoints = [each for each in able if each.wanted] or able
            self._balancer.send_to([("127.0.0.1", each.port) for each in endpoints])


def await_change(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + _CHANGE_SECONDS
    while not is_so():
        assert time.monotonic() < end, f"{what}: not in {_CHANGE_SECONDS:g} s"
        time.sleep(0.1)
