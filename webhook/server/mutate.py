"""`POST /mutate`: an admission review in, its answer out."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from webhook.admission.admit import Answer, Engine, admit
from webhook.base import tenants
from webhook.base.loop_time import LoopTime
from webhook.core.errors import BadReview, Overdue
from webhook.server.bodies import SMALL, Bodies, BodyRefused
from webhook.server.health import Health
from webhook.server.logs import ReviewLog
from webhook.server.metrics import Metrics

# Go's time.ParseDuration, without a sign: https://pkg.go.dev/time#ParseDuration
_DURATION = re.compile(r"([0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9})(h|ms|m|s|us|µs|μs|ns)")
_SECONDS = {
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5, micro sign
    "μs": 1e-6,  # U+03BC, Greek mu: Go reads both
    "ns": 1e-9,
}
_USABLE = 0.7
_LATE = 1.0  # seconds that a turn may come after a review's time
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_JSON = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one review: bytes of its body (see Bodies for all of them), seconds it may take.

    `loop_time` caps what one tenant's reviews take of the event loop. `clock` is the one that event
    loops have, read anew each time: uvloop's own stands still while a review is answered.
    """

    body: int
    seconds: float
    loop_time: LoopTime = field(default_factory=lambda: LoopTime(time.monotonic))
    clock: Callable[[], float] = time.monotonic


class Answers:
    """Writes responses; while the server drains, each tells its client to connect elsewhere.

    The API server keeps its connections and does not retry a call on one that went away; told
    to close, it opens the next one elsewhere. Semantics §6 has the measurement.
    """

    def __init__(self, health: Health) -> None:
        self._health = health

    async def json(self, send: Send, body: bytes, *, close: bool = False) -> None:
        """Send an answer; `close`: and have the client connect anew for its next request."""
        await self._send(send, 200, body, _JSON, close=close)

    async def refuse(self, send: Send, status: int, sentence: str) -> None:
        """Send a sentence instead of an answer, and close: nobody knows what follows on it."""
        await self._send(send, status, f"{sentence}\n".encode(), _TEXT, close=True)

    async def _send(
        self, send: Send, status: int, body: bytes, kind: tuple[bytes, bytes], *, close: bool
    ) -> None:
        headers = [(b"content-length", b"%d" % len(body)), kind]
        if close or self._health.draining:
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        # In parts, for a transport is full only once something was written; the last one, which is
        # empty, waits until the client has read most of them.
        for at in range(0, len(body), SMALL) if len(body) > SMALL else ():
            part = body[at : at + SMALL]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if len(body) > SMALL else body})


class Mutate:
    """The endpoint: an ASGI application, which raises nothing.

    `answered` hears of every review; it may neither raise nor block.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        answers: Answers,
        metrics: Metrics,
        log: ReviewLog,
        limits: Limits,
        answered: Callable[[Answer], None],
    ) -> None:
        self._engine = engine
        self._answers = answers
        self._metrics = metrics
        self._log = log
        self._seconds = limits.seconds
        self._bodies = Bodies(limits.body)
        self._time = limits.loop_time
        self._clock = limits.clock
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one admission review."""
        if scope["method"] != "POST":
            await self._answers.refuse(send, 405, "only POST is allowed here")
            return
        metrics = self._metrics
        metrics.in_flight += 1
        try:
            await self._review(scope, receive, send)
        except BodyRefused as why:
            metrics.reviewed("refused", None)
            await self._answers.refuse(send, why.status, str(why))
        except Overdue as error:
            metrics.reviewed("refused", None)
            await self._answers.refuse(send, 503, str(error))
        except BadReview as error:
            metrics.reviewed("refused", None)
            await self._answers.refuse(send, 400, str(error))
        finally:
            metrics.in_flight -= 1

    async def _review(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, decide, write down, answer. Raises BodyRefused and BadReview first."""
        clock = self._clock
        arrived = clock()
        body = await self._bodies.read(scope, receive)
        try:
            start = clock()
            deadline = arrived + usable_seconds(timeout(scope["query_string"]), self._seconds)
            large = len(body.content) > SMALL
            asking = tenants.begin(body.asking)
            try:
                answer = await self._time.run(
                    admit(body.content, self._engine, deadline=deadline),
                    body.asking,
                    deadline=deadline + _LATE,
                    heavy=large,
                )
            finally:
                tenants.end(asking)
            content = answer.body
            body.give_way(len(content))
            self._note(answer, clock() - start)
            del answer  # its pod keeps what was read
            # With a connection go the buffers of half a megabyte that a large body has filled.
            await self._answers.json(send, content, close=large)
        finally:
            body.close()

    def _note(self, answer: Answer, seconds: float) -> None:
        self._metrics.reviewed(answer.result, seconds)
        self._log.write(answer, seconds)
        self._answered(answer)


@lru_cache(maxsize=64)
def timeout(query: bytes) -> str:
    """Give the query's timeout; the API server sends the same one every time."""
    return dict(parse_qsl(query.decode("latin-1"))).get("timeout", "")


@lru_cache(maxsize=64)
def usable_seconds(timeout: str, most: float) -> float:
    """Give how long a review may take, from the API server's `?timeout=10s`.

    The API server counts from before it connects, so a good part of its time is left to it.
    A timeout of zero, or one that is no Go duration, counts as none.
    """
    parts = _DURATION.findall(timeout) if len(timeout) <= 32 else []
    if not parts or "".join(number + unit for number, unit in parts) != timeout:
        return most
    wanted = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return min(most, wanted * _USABLE) if wanted > 0 else most
