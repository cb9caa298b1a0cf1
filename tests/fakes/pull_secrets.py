"""Pull secrets as a cluster has them, and a reader of them from memory."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.kube import errors

SECRET = "c4n4ry-p4ssw0rd"


def pull_secret(user: str, location: str = "r.example.com") -> dict[str, Any]:
    config = {"auths": {location: {"username": user, "password": SECRET}}}
    text = base64.b64encode(json.dumps(config).encode()).decode()
    return {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": text}}


@dataclass(slots=True)
class Cluster:
    """A SecretReader from memory; what is missing raises as the API server's client does."""

    secrets: dict[str, Mapping[str, Any] | Exception] = field(default_factory=dict)
    accounts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    delay: float = 0.0

    async def secret(self, namespace: str, name: str) -> Mapping[str, Any]:
        self.asked.append(f"secret {namespace}/{name}")
        await asyncio.sleep(self.delay)
        found = self.secrets.get(f"{namespace}/{name}", errors.Missing(f"no {name}"))
        if isinstance(found, Exception):
            raise found
        return found

    async def service_account(self, namespace: str, name: str) -> Mapping[str, Any]:
        self.asked.append(f"account {namespace}/{name}")
        await asyncio.sleep(self.delay)
        if f"{namespace}/{name}" not in self.accounts:
            raise errors.Missing(f"no {name}")
        return self.accounts[f"{namespace}/{name}"]
