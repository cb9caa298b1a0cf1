"""The webhook's own credentials: a docker config.json, and the programs that it names.

`docker-credential-NAME get` reads a server's name and prints JSON (docker/docker-credential-
helpers). So the helpers of ECR, Artifact Registry and ACR plug in. A program gets a deadline,
its output a cap; what it says on stderr is not repeated, for it may hold a secret.
"""

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from webhook.base import tenants
from webhook.base.files import read_capped
from webhook.base.flights import Flights
from webhook.base.shares import Shares
from webhook.core.credentials import Credential, Keyring
from webhook.core.docker_auths import from_config, location, token_or_password
from webhook.core.errors import BadInput
from webhook.core.image import DOCKER_HUB
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.oci.endpoint import Login

_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LARGEST_OUTPUT = 64 * 1024
_BELIEVED = 300.0  # seconds; ECR's and GAR's tokens live for hours
_FAILURE_BELIEVED = 30.0
_REREAD = 30.0  # seconds between two reads of a config
_MOST_PRINTED = 256
_MOST_PROGRAMS = 8  # that run at once
_MOST_WAITING = 64  # of one tenant
_HUB_SERVER = "https://index.docker.io/v1/"  # the name under which docker keeps docker.io
_HUBS = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True, slots=True)
class _Config:
    keyring: Keyring
    helpers: tuple[tuple[str, str], ...] = ()
    store: str = ""
    until: float = 0.0


class DockerConfig:
    """Credentials that are the webhook's own, from a config.json that may change at any time."""

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Callable[[], float],
        observer: Observer,
        deadline: float = 2.5,
    ) -> None:
        """`deadline` in seconds is what a credential program may take."""
        self._path = path
        self._clock = clock
        self._observer = observer
        self._deadline = deadline
        self._config = _Config(Keyring())
        self._programs = Shares(_MOST_PROGRAMS)
        self._printed: Flights[tuple[str, str, str], Credential | None] = Flights(
            clock=clock,
            life=lambda credential: _BELIEVED if credential else _FAILURE_BELIEVED,
            entries=_MOST_PRINTED,
        )

    async def matching(self, name: str, login: Login | None = None) -> tuple[Credential, ...]:
        """Give the webhook's credentials for `host/repository`, the most specific first."""
        config = self._read()
        host = name.partition("/")[0]
        found = [*self._login(host, login), *config.keyring.matching(name)]
        program = dict(config.helpers).get(_key(host)) or config.store
        if program:
            server = _HUB_SERVER if host in _HUBS else host
            # By tenant: nobody waits behind what another one asks for.
            key = tenants.current(), program, server
            printed = await self._printed.get(
                key, lambda: self._get(program, server), owner=tenants.current()
            )
            found += [printed] if printed else []
        return tuple(found)

    def _read(self) -> _Config:
        if self._path is None or self._clock() < self._config.until:
            return self._config
        try:
            raw = msgspec.json.decode(read_capped(self._path))
            config = self._parse(raw if isinstance(raw, dict) else {})
        except (OSError, ValueError, RecursionError, BadInput) as error:
            why = type(error).__name__  # its text may quote what could not be read
            self._observer.note(LogEvent.DOCKER_CONFIG_UNUSABLE, path=str(self._path), error=why)
            config = self._config
        self._config = _Config(
            config.keyring, config.helpers, config.store, self._clock() + _REREAD
        )
        return self._config

    def _parse(self, raw: Mapping[str, Any]) -> _Config:
        helpers = raw.get("credHelpers")
        pairs = helpers.items() if isinstance(helpers, dict) else ()
        store = raw.get("credsStore")
        return _Config(
            from_config(raw, source="docker config"),
            tuple((_key(location(key)), program) for key, program in pairs if _usable(program)),
            store if isinstance(store, str) and _usable(store) else "",
        )

    def _login(self, host: str, login: Login | None) -> list[Credential]:
        if login is None:
            return []
        try:
            password = read_capped(Path(login.password_file)).decode().strip()
        except (OSError, ValueError) as error:
            self._observer.note(LogEvent.PASSWORD_FILE_UNUSABLE, registry=host, error=str(error))
            return []
        return [Credential(f"registries file, {host}", login.username, password)]

    async def _get(self, program: str, server: str) -> Credential | None:
        tenant = tenants.current()
        if self._programs.waiting(tenant) >= _MOST_WAITING:
            return None
        async with self._programs.place(tenant):
            return await self._started(program, server)

    async def _started(self, program: str, server: str) -> Credential | None:
        credential, problem = None, ""
        try:
            async with asyncio.timeout(self._deadline):
                printed = await _output(f"docker-credential-{program}", server)
            credential = _printed(printed, source=f"docker-credential-{program}")
        except TimeoutError:
            problem = f"no answer in {self._deadline:g} s"
        except OSError as error:
            problem = error.strerror or type(error).__name__
        except BadInput as error:
            problem = str(error)
        if problem:
            self._observer.note(LogEvent.CREDENTIAL_PROGRAM_FAILED, program=program, error=problem)
        return credential

    async def aclose(self) -> None:
        """End the programs that still run."""
        await self._printed.aclose()


async def _output(program: str, server: str) -> bytes:
    """Run a program and give its output, at most so much; its whole group ends with us."""
    process = await asyncio.create_subprocess_exec(
        program, "get", stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True
    )
    try:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("both are pipes")
        with contextlib.suppress(ConnectionError):  # a program need not read its input
            stdin.write(server.encode())
            await stdin.drain()
            stdin.close()
        content = b""
        while chunk := await stdout.read(_LARGEST_OUTPUT + 1 - len(content)):
            content += chunk
            if len(content) > _LARGEST_OUTPUT:
                raise BadInput("it printed more than 64 KiB")
        if await process.wait() != 0:
            raise BadInput(f"it exited with {process.returncode}")
        return content
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Kill the program and all that it started.

    asyncio counts a process as ended only once its pipes are: so its output is read to the end
    first. What it started in a session of its own may hold the pipe open: then not for long.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            while process.stdout and await process.stdout.read(_LARGEST_OUTPUT):
                pass
            await process.wait()


def _printed(content: bytes, *, source: str) -> Credential:
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        raise BadInput("it printed no JSON") from None
    user, secret = (raw.get("Username"), raw.get("Secret")) if isinstance(raw, dict) else (0, 0)
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        raise BadInput("it printed no Username and Secret")
    return token_or_password(username=user, secret=secret, source=source)


def _usable(program: object) -> bool:
    return isinstance(program, str) and _PROGRAM.fullmatch(program) is not None


def _key(host: str) -> str:
    return DOCKER_HUB if host in _HUBS else host
