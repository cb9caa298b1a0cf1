"""The credentials of a pod: its imagePullSecrets, then its service account's.

A secret that is missing, forbidden or malformed is skipped and said in the log, as the kubelet
does it. What was read is kept for seconds: a Deployment of a hundred pods asks once.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from webhook.base import tenants
from webhook.base.flights import Flights
from webhook.base.shares import Shares
from webhook.core.credentials import Keyring
from webhook.core.docker_auths import from_secret
from webhook.core.errors import BadInput
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import SECRET, SERVICE_ACCOUNT, Ref

_MOST = 32  # secrets of one pod that are read; each is a call to the API server
_LONGEST_NAME = 253  # characters of an object's name; a longer one names nothing
_MOST_KEPT = 1024
_HEAVIEST = 16 << 20  # bytes of all that is kept, roughly
_AT_ONCE = 16  # calls of all namespaces together

_Key = tuple[str, str, str]
_Read = Keyring | tuple[str, ...] | None  # None: it could not be read


class SecretReader(Protocol):
    """Whoever can read secrets and service accounts; raises KubeError."""

    async def secret(self, namespace: str, name: str) -> Mapping[str, Any]:
        """Give a Secret as the API server has it."""

    async def service_account(self, namespace: str, name: str) -> Mapping[str, Any]:
        """Give a ServiceAccount as the API server has it."""


class ClusterSecrets:
    """A SecretReader over the API server."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def secret(self, namespace: str, name: str) -> Mapping[str, Any]:
        """See SecretReader."""
        return await self._client.get(Ref(SECRET, name, namespace))

    async def service_account(self, namespace: str, name: str) -> Mapping[str, Any]:
        """See SecretReader."""
        return await self._client.get(Ref(SERVICE_ACCOUNT, name, namespace))


class PullSecrets:
    """Gives pods' keyrings; never fails, at worst a keyring is empty."""

    def __init__(
        self,
        reader: SecretReader,
        *,
        clock: Callable[[], float],
        observer: Observer,
        keep: float = 10.0,
    ) -> None:
        """`keep` in seconds is how long a secret that was read is not read again."""
        self._reader = reader
        self._observer = observer
        self._calls = Shares(_AT_ONCE)
        self._read: Flights[_Key, _Read] = Flights(
            clock=clock,
            life=lambda found: 0.0 if found is None else keep,
            entries=_MOST_KEPT,
            weight=_HEAVIEST,
            weigh=lambda found: found.weight if isinstance(found, Keyring) else 200,
        )

    async def keyring(
        self, namespace: str, names: Sequence[str], *, service_account: str
    ) -> Keyring:
        """Give the credentials of a pod's own secrets, then of its service account's."""
        of_account = self._account(namespace, service_account)
        if not names:  # as most pods; two tasks cost more than a look into what is remembered
            account = await of_account
            return await self._secrets(namespace, account) if account else Keyring()
        own, account = await asyncio.gather(self._secrets(namespace, names), of_account)
        known = set(names)
        more = [name for name in account if name not in known]
        return own + await self._secrets(namespace, more) if more else own

    async def _secrets(self, namespace: str, names: Iterable[str]) -> Keyring:
        possible = (name for name in names if len(name) <= _LONGEST_NAME)
        wanted = list(islice(dict.fromkeys(possible), _MOST))
        read = await asyncio.gather(*(self._secret(namespace, name) for name in wanted))
        return sum(read, Keyring())

    async def _secret(self, namespace: str, name: str) -> Keyring:
        async def read() -> Keyring:
            raw = await self._reader.secret(namespace, name)
            return from_secret(raw, source=f"secret {namespace}/{name}")

        key = "secret", namespace, name
        found = await self._get(key, read)
        return found if isinstance(found, Keyring) else Keyring()

    async def _account(self, namespace: str, name: str) -> tuple[str, ...]:
        async def read() -> tuple[str, ...]:
            return _names(await self._reader.service_account(namespace, name))

        if len(name) > _LONGEST_NAME:
            return ()
        key = "serviceaccount", namespace, name
        found = await self._get(key, read)
        return found if isinstance(found, tuple) else ()

    async def _get(self, key: _Key, read: Callable[[], Coroutine[Any, Any, _Read]]) -> _Read:
        owner = tenants.current() or key[1]
        return await self._read.get(key, lambda: self._try(key, read), owner=owner)

    async def _try(self, key: _Key, read: Callable[[], Coroutine[Any, Any, _Read]]) -> _Read:
        kind, namespace, name = key
        try:
            async with self._calls.place(tenants.current() or namespace):
                return await read()
        except (KubeError, BadInput) as error:  # neither quotes a secret
            self._observer.note(
                LogEvent.PULL_SECRET_SKIPPED,
                kind=kind,
                namespace=namespace,
                name=name,
                error=str(error),
                next_step=error.next_step,
            )
            return None


def _names(account: Mapping[str, Any]) -> tuple[str, ...]:
    secrets = account.get("imagePullSecrets")
    if not isinstance(secrets, list):
        return ()
    names = (each.get("name") for each in secrets if isinstance(each, dict))
    usable = (name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME)
    return tuple(islice(usable, _MOST))
