"""Semantics §2: the pod's imagePullSecrets, then its service account's; none is ever fatal."""

import asyncio
from typing import Any

import pytest

from tests.fakes.lookups import Clock, RecordingObserver
from tests.fakes.pull_secrets import SECRET, Cluster, pull_secret
from webhook.kube import errors
from webhook.kube.pullsecrets import PullSecrets


def users(ring: Any) -> list[str]:
    return [each.username for each in ring.matching("r.example.com/app")]


def opened(cluster: Cluster) -> tuple[PullSecrets, RecordingObserver, Clock]:
    observer, clock = RecordingObserver(), Clock()
    return PullSecrets(cluster, clock=clock, observer=observer), observer, clock


async def test_the_pods_secrets_go_before_its_service_accounts() -> None:
    cluster = Cluster(
        {f"a/{name}": pull_secret(name) for name in ("one", "two", "account")},
        {"a/builder": {"imagePullSecrets": [{"name": "account"}, {"name": "one"}]}},
    )
    secrets, observer, _ = opened(cluster)
    ring = await secrets.keyring("a", ["two", "one"], service_account="builder")
    assert users(ring) == ["two", "one", "account"]
    assert ring.matching("r.example.com/app")[0].source == "secret a/two"
    assert cluster.asked.count("secret a/one") == 1
    assert observer.notes == []


BROKEN: list[Any] = [
    errors.Missing("Can't get Secret a/bad"),
    errors.Forbidden("Can't get Secret a/bad", next_step="Grant it."),
    errors.ApiUnreachable("Can't get Secret a/bad"),
    {},
    {"type": "Opaque", "data": {"password": SECRET}},
    {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": SECRET}},
]


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_secret_that_can_not_be_used_is_skipped_and_said_without_its_content(
    broken: Any,
) -> None:
    cluster = Cluster({"a/bad": broken, "a/good": pull_secret("good")})
    secrets, observer, _ = opened(cluster)
    ring = await secrets.keyring("a", ["bad", "good"], service_account="default")
    assert users(ring) == ["good"]
    assert len(observer.notes) == 2  # the secret, and the service account that is not there
    assert any("'bad'" in note for note in observer.notes)
    assert SECRET not in str(observer.notes)


async def test_what_was_read_is_kept_for_seconds() -> None:
    cluster = Cluster({"a/x": pull_secret("x")}, {"a/default": {}})
    secrets, _, clock = opened(cluster)
    for _ in range(3):
        await secrets.keyring("a", ["x"], service_account="default")
    assert len(cluster.asked) == 2
    clock.ahead += 11
    await secrets.keyring("a", ["x"], service_account="default")
    assert len(cluster.asked) == 4


async def test_a_missing_secret_is_looked_for_again_at_once() -> None:
    cluster = Cluster({}, {"a/default": {}})
    secrets, _, _ = opened(cluster)
    assert users(await secrets.keyring("a", ["x"], service_account="default")) == []
    cluster.secrets["a/x"] = pull_secret("x")
    assert users(await secrets.keyring("a", ["x"], service_account="default")) == ["x"]


async def test_a_hundred_pods_at_once_ask_once_also_when_the_first_gives_up() -> None:
    cluster = Cluster({"a/x": pull_secret("x")}, {"a/default": {}}, delay=0.02)
    secrets, _, _ = opened(cluster)
    asks = [
        asyncio.create_task(secrets.keyring("a", ["x"], service_account="default"))
        for _ in range(100)
    ]
    await asyncio.sleep(0)
    asks[0].cancel()
    rings = await asyncio.gather(*asks[1:])
    assert all(users(ring) == ["x"] for ring in rings)
    assert sorted(cluster.asked) == ["account a/default", "secret a/x"]


async def test_a_secret_of_one_namespace_is_not_anothers() -> None:
    cluster = Cluster({"a/x": pull_secret("x")})
    secrets, _, _ = opened(cluster)
    assert users(await secrets.keyring("a", ["x"], service_account="default")) == ["x"]
    assert users(await secrets.keyring("b", ["x"], service_account="default")) == []


async def test_a_pod_that_names_very_many_secrets_does_not_have_them_all_read() -> None:
    cluster = Cluster()
    secrets, _, _ = opened(cluster)
    await secrets.keyring("a", [f"s{n}" for n in range(1000)], service_account="default")
    assert len(cluster.asked) == 33


@pytest.mark.parametrize("odd", [None, "x", [None, 7, {}, {"name": 7}, {"name": ""}]])
async def test_odd_service_accounts_name_no_secrets(odd: object) -> None:
    cluster = Cluster({}, {"a/default": {"imagePullSecrets": odd}})
    secrets, observer, _ = opened(cluster)
    assert users(await secrets.keyring("a", [], service_account="default")) == []
    assert observer.notes == []


async def test_names_that_no_object_can_have_are_not_asked_for_and_of_the_others_a_few() -> None:
    account = {"imagePullSecrets": [{"name": "x" * 254}, *({"name": f"t{at}"} for at in range(99))]}
    cluster = Cluster({}, {"a/default": account})
    secrets, _, _ = opened(cluster)
    names = ["y" * 100_000, *(f"s{at}" for at in range(100_000))]
    await secrets.keyring("a", names, service_account="default")
    await secrets.keyring("a", [], service_account="z" * 254)
    assert len(cluster.asked) == 1 + 32 + 32
    assert all(len(each) < 100 for each in cluster.asked)
