"""The application without sockets: requests go straight to it."""

import asyncio
import io
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

import httpx
from starlette.types import ASGIApp

from webhook.admission.admit import Answer, Engine, Resolver
from webhook.assembly.no_lookups import NoLookups
from webhook.core.mutation import Delivery
from webhook.core.policy import ClusterRules
from webhook.server.app import create_app, create_probes
from webhook.server.health import Health
from webhook.server.log_lines import Level, Log
from webhook.server.logs import Journal, ReviewLog
from webhook.server.metrics import Metrics
from webhook.server.mutate import Limits
from webhook.server.observers import FanOut

Result = TypeVar("Result")
JSON = {"content-type": "application/json"}


@dataclass
class Application:
    """An application and all that it is made of."""

    resolver: Resolver = field(default_factory=NoLookups)
    seconds: float = 5.0
    largest: int = 8 << 20
    health: Health = field(default_factory=Health)
    level: Level = "debug"
    clock: Callable[[], float] = monotonic
    answered: Callable[[Answer], None] = lambda _: None

    def __post_init__(self) -> None:
        self.written = io.StringIO()
        self.metrics = Metrics("1.0")
        log = Log(self.level, "json", self.written)
        engine = Engine(
            ClusterRules(),
            Delivery("reaper:1", "1.0"),
            self.resolver,
            FanOut([self.metrics, Journal(log)]),
        )
        self.app = create_app(
            engine,
            health=self.health,
            metrics=self.metrics,
            log=ReviewLog(log),
            limits=Limits(self.largest, self.seconds, clock=self.clock),
            answered=self.answered,
        )
        self.probes = create_probes(self.health, self.metrics)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


def within(app: ASGIApp, use: Callable[[httpx.AsyncClient], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine with a client of the application; a bug in it is raised here."""

    async def run() -> Result:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://webhook") as client:
            return await use(client)

    return asyncio.run(run())


def post(
    application: Application,
    content: bytes,
    *,
    path: str = "/mutate",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Send one request."""
    sent = JSON if headers is None else headers
    return within(application.app, lambda client: client.post(path, content=content, headers=sent))


def get(app: ASGIApp, path: str) -> httpx.Response:
    """Send one GET."""
    return within(app, lambda client: client.get(path))
