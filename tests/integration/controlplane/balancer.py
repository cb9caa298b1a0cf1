"""kube-proxy on loopback: a TCP balancer whose members come and go by readiness.

New connections go to ready members in turn; open ones stay where they are until one side closes,
as with conntrack. Without a ready member a connection is reset. Members are asked `ready()` every
`period` seconds (the chart's readinessProbe: 2), and a member counts as soon as it says yes, or is
out as soon as it says no. `hold(member)` and `release(member)` overrule that.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

_CHUNK = 1 << 16


@dataclass(eq=False)
class Member:
    """Where one replica listens, and how to ask whether it is ready."""

    host: str
    port: int
    ready: Callable[[], bool]
    up: bool = False
    held: bool = False
    """Kept out whatever it says."""
    served: int = 0
    """Connections that it was given."""


@dataclass(eq=False)
class Balancer:
    """Listens on host and port from `start` to `stop`, in a thread of its own."""

    host: str
    port: int
    period: float = 2.0
    refused: int = 0
    """Connections that found no ready member."""
    _members: list[Member] = field(default_factory=list)
    _turn: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin to listen; OSError where the address is taken."""
        listening: list[BaseException | None] = []
        bound = threading.Event()

        def work() -> None:
            try:
                self._loop.run_until_complete(self._run(bound.set))
            except OSError as error:
                listening.append(error)
            finally:
                bound.set()
                self._loop.close()

        self._thread = threading.Thread(target=work, name="balancer")
        self._thread.start()
        bound.wait()
        if listening and listening[0]:
            self._thread.join()
            raise listening[0]
        return self

    def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._thread and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def add(self, member: Member) -> Member:
        """Take a member in: it serves once it is ready."""
        self._members = [*self._members, member]
        return member

    def remove(self, member: Member) -> None:
        """Give it no more connections, as when its pod is deleted."""
        self._members = [each for each in self._members if each is not member]

    def hold(self, member: Member) -> None:
        """Keep it out, whatever it says."""
        member.held = True

    def release(self, member: Member) -> None:
        """Let its readiness decide again."""
        member.held = False

    @property
    def members(self) -> list[Member]:
        """All of them, ready or not."""
        return list(self._members)

    def _next(self) -> Member | None:
        able = [each for each in self._members if each.up and not each.held]
        self._turn += 1
        return able[self._turn % len(able)] if able else None

    async def _run(self, listening: Callable[[], None]) -> None:
        server = await asyncio.start_server(self._serve, self.host, self.port, backlog=4096)
        listening()
        async with server, asyncio.TaskGroup() as tasks:
            probing = tasks.create_task(self._probe())
            await self._stop.wait()
            probing.cancel()
            for task in asyncio.all_tasks() - {asyncio.current_task(), probing}:
                task.cancel()

    async def _probe(self) -> None:
        """Ask each member in a thread: one that hangs holds up nobody else."""
        while True:
            members = self._members
            answers = await asyncio.gather(*(asyncio.to_thread(m.ready) for m in members))
            for member, up in zip(members, answers, strict=True):
                member.up = up
            settled = members and all(answers)
            await asyncio.sleep(self.period if settled else min(self.period, 0.2))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        member = self._next()
        if member is None:
            self.refused += 1
            writer.transport.abort()
            return
        member.served += 1
        try:
            back, forth = await asyncio.open_connection(member.host, member.port)
        except OSError:
            writer.transport.abort()
            return
        pumps = {
            asyncio.create_task(_pump(reader, forth)),
            asyncio.create_task(_pump(back, writer)),
        }
        try:
            await asyncio.wait(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            await _close([writer, forth])


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what comes, then the end of it; a break on one side breaks the other."""
    try:
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.transport.abort()


async def _close(writers: Iterable[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
