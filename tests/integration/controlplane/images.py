"""One registry that has the images of every golden case, and fails where a case says it fails."""

import asyncio
import json
from typing import Any

from tests.cases.load import cases
from tests.fakes.http import Answer, Request
from tests.fakes.registry import Registry, basic, config_bytes
from tests.integration.controlplane.install import service_port
from tests.unit.core.pipeline import DELIVERY
from webhook.core.image import parse

LOOKUP_SECONDS = 3
PASSWORD = "c4n4ry-p4ssw0rd"
_MEMBERS = basic(f"robot:{PASSWORD}")


class Images:
    """A registry's handler; `digests` are the true ones of what cases pin with made-up ones."""

    def __init__(self) -> None:
        self._registry = Registry()
        self._failing: dict[tuple[str, str], str] = {}
        self.digests: dict[str, str] = {}
        self.private = "team/private"
        self._registry.push(self.private, "1", config_bytes(["/private"]))
        for case in cases():
            file = case.folder / "images.json"
            known = json.loads(file.read_text()) if file.exists() else {}
            for name, image in known.items():
                self._add(name, image)

    def _add(self, name: str, known: dict[str, Any]) -> None:
        reference = parse(name)
        repository, tag = reference.repository, reference.tag or ""
        if known.get("reason") == "platforms-disagree":
            other = {"amd64": config_bytes(["/a"]), "arm64": config_bytes(["/b"])}
            self._registry.push_index(repository, tag, other)
        elif "reason" in known:
            self._failing[repository, tag] = known["reason"]
        else:
            config = _config(known)
            digest = self._registry.push(repository, tag, config)
            if reference.digest:
                self.digests[reference.digest] = digest

    async def __call__(self, request: Request) -> Answer:
        """Answer as the case says; what is known comes from the registry."""
        repository, _, tag = request.path.removeprefix("/v2/").partition("/manifests/")
        if request.path.startswith(f"/v2/{self.private}/"):
            refused = _MEMBERS(request, self.private)
            return refused or await self._registry(request)
        match self._failing.get((repository, tag)):
            case None | "not-found":
                return await self._registry(request)
            case "unauthorized":
                return Answer(401, {"WWW-Authenticate": 'Basic realm="cases"'})
            case "rate-limited":
                # Last, and not for long: it keeps the webhook off this host.
                await asyncio.sleep(1)
                return Answer(429, {"Retry-After": "1"})
            case "unreachable":
                return Answer(503)
            case "bad-answer":
                return Answer(200, {"Content-Type": "application/json"}, b"{}")
            case "timed-out":
                await asyncio.sleep(3 * LOOKUP_SECONDS)
                return Answer(503)
            case other:
                raise AssertionError(other)


_KEYS = {"stopsignal": "StopSignal", "env": "Env", "labels": "Labels"}


def _config(known: dict[str, Any]) -> bytes:
    """Write an image's configuration as builders do."""
    config = json.loads(config_bytes(known.get("entrypoint"), known.get("cmd")))
    config["config"] |= {name: known[key] for key, name in _KEYS.items() if key in known}
    return json.dumps(config).encode()


def values(url: str, **more: Any) -> dict[str, Any]:
    """Chart values with which the webhook answers as the golden cases expect."""
    path, _, tag = DELIVERY.image.rpartition(":")
    registry, _, repository = path.partition("/")
    return {
        "reaperImage": {"registry": registry, "repository": repository, "tag": tag},
        "runtimeClasses": ["wasm*", "kata-wasm"],
        "registries": {"_default": {"server": url, "addresses": ["127.0.0.0/8"]}},
        "env": {"INITSHIM_LOOKUP_SECONDS": str(LOOKUP_SECONDS)},
        "drainSeconds": 0,
        "service": {"port": service_port()},
        **more,
    }
