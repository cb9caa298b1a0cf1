"""What the contenders of a benchmark need around them: certificates, images, and a registry."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from tests.benchmarks.contenders import Surroundings
from tests.benchmarks.reviews import images
from tests.fakes.http import serve
from tests.fakes.registry import Registry, config_bytes
from tests.integration.server.process import certificate


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    """Give the surroundings, in a folder, while the block runs; the last core is the servers'."""
    cores = sorted(os.sched_getaffinity(0))
    with registry() as authority:
        made = Surroundings(folder, authority, server_core=cores[-1], client_core=cores[0])
        certificate(folder, ca=made.ca)
        (folder / "images.json").write_text(json.dumps(images(authority)))
        (folder / "registries.yaml").write_text(json.dumps(registries(authority)))
        yield made


def registries(authority: str) -> dict[str, object]:
    """Give the registries file that lets the webhook ask this registry."""
    return {authority: {"plainHTTP": True, "addresses": ["127.0.0.0/8"]}}


@contextmanager
def registry() -> Iterator[str]:
    """Serve every image of the samples from memory; gives host:port."""
    started: Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def run() -> None:
        content, stop = Registry(), asyncio.Event()
        for name, argv in images("any").items():
            repository, _, tag = name.removeprefix("any/").partition(":")
            content.push(repository, tag, config_bytes(entrypoint=argv[:1], cmd=argv[1:]))
        async with serve(content) as host:
            started.put((host.authority, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=[run()])
    thread.start()
    authority, loop, stop = started.get(timeout=10)
    try:
        yield authority
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
