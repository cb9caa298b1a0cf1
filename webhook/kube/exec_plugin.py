"""Credentials from a program that a kubeconfig names: client.authentication.k8s.io ExecCredential.

The program gets KUBERNETES_EXEC_INFO and prints an ExecCredential; never interactively.
"""

import asyncio
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from webhook.kube.errors import NoCluster

_LARGEST = 1 << 20
_EARLY = timedelta(seconds=30)  # a token is asked for anew before the API server would refuse it


@dataclass(frozen=True, slots=True)
class Answer:
    """What a plugin said: a token, a client certificate, or both; for how long."""

    token: str | None
    certificate: bytes | None
    key: bytes | None
    expires: datetime | None


class ExecPlugin:
    """A program that gives credentials; asked again when they are about to expire."""

    def __init__(
        self,
        argv: tuple[str, ...],
        environ: Mapping[str, str],
        *,
        version: str,
        hint: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._argv = argv
        info = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
        self._environ = {**environ, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        self._hint = hint
        self._clock = clock
        self._answer: Answer | None = None

    @classmethod
    def read(cls, fields: object, environ: Mapping[str, str], *, folder: Path) -> "ExecPlugin":
        """Read a kubeconfig's `exec`; a command with a slash is relative to the kubeconfig."""
        if not isinstance(fields, dict) or not isinstance(fields.get("command"), str):
            raise NoCluster("In the kubeconfig, an exec plugin has no command.")
        command = fields["command"]
        if "/" in command:
            command = str(folder / command)
        extra = {str(item["name"]): str(item["value"]) for item in fields.get("env") or []}
        return cls(
            (command, *map(str, fields.get("args") or [])),
            {**environ, **extra},
            version=str(fields.get("apiVersion", "")),
            hint=" ".join(str(fields.get("installHint") or "").split()),
        )

    async def ask(self) -> Answer:
        """Give credentials that are good for a while."""
        known = self._answer
        if known is None or (known.expires and known.expires - _EARLY <= self._clock()):
            known = self._answer = _read(self._argv[0], await self._run())
        return known

    async def _run(self) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                limit=_LARGEST,
            )
        except OSError as error:
            raise NoCluster(
                f"The kubeconfig's exec plugin {self._argv[0]} can't be run: {error}.",
                next_step=self._hint,
            ) from error
        try:
            output = await _all(process.stdout)
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code != 0:
            raise NoCluster(f"The kubeconfig's exec plugin {self._argv[0]} failed with {code}.")
        return output


async def _all(stream: asyncio.StreamReader | None) -> bytes:
    if stream is None:
        raise ValueError("the plugin's stdout is no pipe")
    try:
        await stream.readexactly(_LARGEST)
    except asyncio.IncompleteReadError as error:
        return error.partial
    raise NoCluster("The kubeconfig's exec plugin prints more than 1 MiB.")


def _read(program: str, output: bytes) -> Answer:
    try:
        status: dict[str, Any] = json.loads(output)["status"]
        expires = status.get("expirationTimestamp")
        certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
        return Answer(
            token=status.get("token"),
            certificate=certificate.encode() if certificate else None,
            key=key.encode() if key else None,
            expires=datetime.fromisoformat(expires) if expires else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NoCluster(
            f"What the kubeconfig's exec plugin {program} prints is no ExecCredential."
        ) from error
