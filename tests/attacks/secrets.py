"""A tenant's own pull secrets: what is in them is theirs alone to choose."""

import base64
import json
from itertools import count
from typing import Any

from tests.attacks.arena import HOSTILE, Arena
from tests.attacks.attack import Attacks
from tests.attacks.registries import always
from tests.fakes.registry import OCI_MANIFEST
from tests.fakes.reviews import pod

attacks = Attacks("a pull secret")
_NUMBERS = count()


def _secret(arena: Arena, name: str, auths: dict[str, Any] | bytes) -> None:
    content = auths if isinstance(auths, bytes) else json.dumps({"auths": auths}).encode()
    arena.api.put(
        f"/api/v1/namespaces/{HOSTILE}/secrets/{name}",
        {
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": name, "namespace": HOSTILE},
            "data": {".dockerconfigjson": base64.b64encode(content).decode()},
        },
    )


async def used(arena: Arena, contents: list[dict[str, Any] | bytes], containers: int) -> None:
    """Create a pod whose containers have to be matched with all entries of its secrets."""
    arena.hostile = always(b"", OCI_MANIFEST, 401)
    names = [f"s{next(_NUMBERS)}" for _ in contents]
    for name, content in zip(names, contents, strict=True):
        _secret(arena, name, content)
    many = [
        {"name": f"c{at}", "image": f"{arena.registry}/s{next(_NUMBERS)}:1"}
        for at in range(containers)
    ]
    secrets = [{"name": name} for name in names]
    await arena.create(pod(containers=many, imagePullSecrets=secrets))


@attacks("22,000 entries", "a pull secret of 22,000 entries, 100 containers")
async def entries(arena: Arena) -> None:
    auths = {f"r{at}.example.com": {"auth": "YTpi"} for at in range(22_000)}
    await used(arena, [auths], 100)


@attacks("3,000 globs", "entries of `*.*.*…` and of 250 letters that nearly match, 250 containers")
async def globs(arena: Arena) -> None:
    host = arena.registry
    stars = {f"{'*' * 20}{at}.*.*.*:*/{'*a' * 40}": {"auth": "YTpi"} for at in range(3000)}
    near = {f"{host}/{'a/' * 100}{at}": {"auth": "YTpi"} for at in range(3000)}
    await used(arena, [stars], 250)
    await used(arena, [near], 250)


@attacks("many secrets", "200 pull secrets of 1 MiB each in one pod")
async def many(arena: Arena) -> None:
    auths = {f"r{at}.example.com": {"auth": "YTpi", "email": "x" * 900} for at in range(1000)}
    await used(arena, [auths] * 200, 4)


@attacks("no secret", "1 MiB of brackets, of digits, of entries that are none")
async def no_secret(arena: Arena) -> None:
    await used(arena, [b"[" * 1_000_000, b"1" * 1_000_000, b'{"auths":' * 100_000], 4)
    odd: dict[str, Any] = {f"h{at}": at for at in range(50_000)}
    await used(arena, [odd], 100)


@attacks(
    "long locations", "32 pull secrets, each for a host name of 200 KB with a dot every letter"
)
async def locations(arena: Arena) -> None:
    contents: list[dict[str, Any] | bytes] = [
        {f"{at}{'ab.' * 66_000}": {"auth": "YTpi"}} for at in range(32)
    ]
    await used(arena, contents, 4)
    await used(arena, [{f"*{'.a' * 100_000}": {"auth": "YTpi"}}] * 32, 4)
