"""A rolling update under load: semantics §6."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.kube_client import KubeClient
from tests.fakes.reviews import body, pod, read, unresolved
from tests.integration.server.process import Process, certificate, process
from tests.integration.server.running import PATIENCE, Reader, request, webhook
from webhook.assembly import resolver
from webhook.core.pod import Pod
from webhook.core.policy import Plan


class Service:
    """Two webhooks; an endpoint leaves when its probe fails, noticed with a delay."""

    def __init__(self, *backends: Process) -> None:
        self.ready = [backend.port for backend in backends]
        self._backends = backends
        self._stop = threading.Event()
        self._prober = threading.Thread(target=self._probe)
        self._prober.start()

    def _probe(self) -> None:
        while not self._stop.wait(0.2):
            self.ready = [each.port for each in self._backends if self._is_ready(each)]

    def _is_ready(self, backend: Process) -> bool:
        try:
            return backend.get("/readyz")[0] == 200
        except OSError:
            return False

    def close(self) -> None:
        self._stop.set()
        self._prober.join()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[Service, KubeClient, Process, Process]]:
    files = certificate(tmp_path)
    with (
        process(drain_seconds=PATIENCE, log_level="info", **files.settings) as old,
        process(drain_seconds=0, **files.settings) as new,
    ):
        service = Service(old, new)
        client = KubeClient(files.client, lambda: service.ready, body())
        try:
            client.start()
            yield service, client, old, new
        finally:
            client.stop()
            service.close()


def await_calls(client: KubeClient, port: int, count: int) -> None:
    end = time.monotonic() + 60
    start = client.calls.good.count(port)
    while client.calls.good.count(port) < start + count:
        assert time.monotonic() < end, client.calls.failures[:3]
        time.sleep(0.01)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def await_move(client: KubeClient, old: int, new: int) -> None:
    """Wait until all calls go to the new one."""
    end = time.monotonic() + PATIENCE
    while True:
        before = client.calls.good.count(old)
        await_calls(client, new, 50)
        if client.calls.good.count(old) == before:
            return
        assert time.monotonic() < end, "calls still go to the old one"


def test_no_call_fails_while_one_of_two_webhooks_ends_semantics_6(
    service: tuple[Service, KubeClient, Process, Process],
) -> None:
    endpoints, client, old, new = service
    for each in (old, new):
        await_calls(client, each.port, 20)
    old.terminate()
    old.await_line("draining")
    status, reason = old.get("/readyz")
    assert (status, "draining" in reason) == (503, True)
    assert old.get("/readyz?draining=ok")[0] == 200
    assert old.get("/healthz")[0] == 200
    until(lambda: endpoints.ready == [new.port])
    await_move(client, old.port, new.port)
    old.terminate()  # a second time: the drain may end
    assert old.popen.wait(PATIENCE) == 0
    await_calls(client, new.port, 100)
    assert client.calls.failures == []
    assert client.calls.closes > 0, "connections to the old one were given up by its answers"
    assert old.lines[-1]["event"] == "stopped"


class Slow:
    """A resolver that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        self.asked.set()
        await asyncio.to_thread(self.go.wait, PATIENCE)
        return plan


def test_a_review_that_is_being_answered_is_finished_semantics_6(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow()

    @asynccontextmanager
    async def open_resolver(*_: object) -> AsyncIterator[Slow]:
        yield slow

    monkeypatch.setattr(resolver, "open_resolver", open_resolver)
    with webhook(lookup_seconds=PATIENCE) as served, served.connect() as connection:
        connection.sendall(request(body(pod(containers=[unresolved()]), uid="u")))
        assert slow.asked.wait(PATIENCE)
        served.stop()
        while not any(line["event"] == "draining" for line in served.lines):
            time.sleep(0.01)
        slow.go.set()
        response = Reader(connection).response()
    assert response.status == 200
    assert response.headers["connection"] == "close"
    assert read(response.body, "u")["allowed"] is True
