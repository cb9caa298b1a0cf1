"""What hostile bodies take of memory is bounded: the webhook lives in the chart's limit."""

import json
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from tests.attacks.limit import LIMIT, limited
from tests.fakes.reviews import body, pod, review
from tests.integration.server.process import PATIENCE, Process, certificate, process

LARGEST = 4 << 20  # INITSHIM_MAX_BODY
AT_ONCE = 6


def grown(place: str, item: str) -> bytes:
    """A review as large as one may be, made of one kind of thing: `place` has a `%` for them."""
    frame = json.dumps(review(pod())).replace('"spec": {', f'"spec": {{{place}, ', 1)
    front, back = frame.split("%")
    many = (LARGEST - len(front) - len(back)) // (len(item) + 1)
    return f"{front}{','.join([item] * many)}{back}".encode()


HOSTILE = {
    "containers": grown('"initContainers": [%]', "{}"),
    "words": grown('"initContainers": [{"command": [%]}]', '""'),
    "mounts": grown('"initContainers": [{"volumeMounts": [%]}]', '{"name":"a"}'),
    "amounts": grown('"initContainers": [{"resources": {"limits": {%}}}]', '"a":1'),
    "volumes": grown('"volumes": [%]', "{}"),
    "labels": grown('"nodeSelector": {%}', '"a":""'),
    "terms": grown(
        '"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": '
        '{"nodeSelectorTerms": [%]}}}',
        "{}",
    ),
    "objects that nobody reads": grown('"x": [%]', "{}"),
    "numbers that nobody reads": grown('"x": [%]', "1"),
    "levels": b'{"x":' * (LARGEST // 6),
    "a string of escapes": grown('"hostname": "%"', "\\u0001" * 1000),
}


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, ssl.SSLContext]]:
    files = certificate(tmp_path_factory.mktemp("certificate"))
    with process(**files.settings) as running, limited(running.popen.pid):
        yield running, files.client


def ask(running: Process, client: ssl.SSLContext, content: bytes) -> int:
    connection = HTTPSConnection("127.0.0.1", running.port, timeout=PATIENCE, context=client)
    try:
        connection.request("POST", "/mutate", content, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def peak(running: Process) -> int:
    """Bytes that it held at most."""
    status = Path(f"/proc/{running.popen.pid}/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) << 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_bodies_of_one_kind_leave_the_webhook_within_its_limit(
    kind: str, webhook: tuple[Process, ssl.SSLContext]
) -> None:
    running, client = webhook
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda _: ask(running, client, HOSTILE[kind]), range(2 * AT_ONCE))
        assert set(answers) <= {200, 400, 413, 503}
    assert running.popen.poll() is None
    assert peak(running) < LIMIT
    assert ask(running, client, body()) == 200
