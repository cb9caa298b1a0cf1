"""A registry that speaks the distribution API from memory: what the real one can't be made to do.

Any repository can be filled; access is by basic credentials or by tokens of a TokenServer.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http import Answer, Request

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
Json = dict[str, Any]


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def config_bytes(
    entrypoint: Sequence[str] | None = None, cmd: Sequence[str] | None = None, **more: object
) -> bytes:
    inner = {key: value for key, value in (("Entrypoint", entrypoint), ("Cmd", cmd)) if value}
    return json.dumps({"architecture": "amd64", "os": "linux", "config": inner, **more}).encode()


def manifest_bytes(config: bytes, kind: str = OCI_MANIFEST) -> bytes:
    entry = {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)}
    return json.dumps(
        {"schemaVersion": 2, "mediaType": kind, "config": entry, "layers": []}
    ).encode()


def entry(content: bytes, architecture: str, os: str = "linux", **more: object) -> Json:
    platform = {"architecture": architecture, "os": os}
    return {
        "mediaType": OCI_MANIFEST,
        "digest": digest(content),
        "size": len(content),
        "platform": platform,
        **more,
    }


def index_bytes(entries: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}
    ).encode()


Gate = Callable[[Request, str], Answer | None]


def open_to_all(_request: Request, _repository: str) -> Answer | None:
    return None


def basic(*pairs: str) -> Gate:
    """Let in who shows one of these `user:password`."""
    known = {f"Basic {base64.b64encode(pair.encode()).decode()}" for pair in pairs}

    def gate(request: Request, _repository: str) -> Answer | None:
        if request.headers.get("authorization") in known:
            return None
        return Answer(401, {"WWW-Authenticate": 'Basic realm="test"'})

    return gate


@dataclass(slots=True)
class Registry:
    """What a handler serves; `delay` in seconds before each answer."""

    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    gate: Gate = open_to_all
    delay: float = 0.0
    down: Answer | None = None

    def push(self, repository: str, tag: str, config: bytes) -> str:
        """Add an image for one platform and give its digest."""
        self.blobs[repository, digest(config)] = config
        return self.put(repository, tag, manifest_bytes(config))

    def put(self, repository: str, tag: str, manifest: bytes) -> str:
        """Add a manifest or an index under a tag ("" for none) and give its digest."""
        name = digest(manifest)
        self.manifests[repository, name] = manifest
        if tag:
            self.tags[repository, tag] = name
        return name

    def push_index(
        self, repository: str, tag: str, configs: Mapping[str, bytes], *more: Json
    ) -> str:
        """Add an image for several architectures."""
        entries = []
        for architecture, config in configs.items():
            self.push(repository, "", config)
            entries.append(entry(manifest_bytes(config), architecture))
        return self.put(repository, tag, index_bytes([*entries, *more]))

    async def __call__(self, request: Request) -> Answer:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.down is not None:
            return self.down
        before, _, version = request.path.rpartition("/")
        root, _, kind = before.rpartition("/")
        repository = root.removeprefix("/v2/")
        refused = self.gate(request, repository)
        if refused is not None:
            return refused
        if kind == "blobs":
            return self._give(self.blobs.get((repository, version)), "application/octet-stream")
        name = self.tags.get((repository, version), version)
        return self._give(self.manifests.get((repository, name)), OCI_MANIFEST)

    def _give(self, content: bytes | None, kind: str) -> Answer:
        if content is None:
            return Answer(404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        headers = {"Content-Type": kind, "Docker-Content-Digest": digest(content)}
        return Answer(200, headers, content)
