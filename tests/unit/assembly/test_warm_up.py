"""The warm-up against an API server and a registry on real sockets, with the webhook's resolver."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.fakes.api_server import ApiServer, Rule, serving
from tests.fakes.http import serve
from tests.fakes.lookups import Asker, asking, plain
from tests.fakes.pull_secrets import SECRET, pull_secret
from tests.fakes.registry import Registry, basic, config_bytes
from webhook.admission.admit import Engine
from webhook.admission.resolver import ImageResolver
from webhook.assembly.warm_up import Pace, warm_up
from webhook.core.mutation import Delivery
from webhook.core.policy import ClusterRules
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.kube.pullsecrets import ClusterSecrets, PullSecrets

OPTED_IN = "initshim.dev/inject=enabled"
NAMESPACES = "/api/v1/namespaces"
RESOURCES = ("namespaces", "deployments", "statefulsets", "daemonsets", "cronjobs")
PACE = Pace(lookup=5.0)


@dataclass
class Cluster:
    """An API server with a few workloads, and a registry with what they run."""

    server: ApiServer
    url: str
    registry: Registry = field(default_factory=Registry)
    slept: list[float] = field(default_factory=list)

    def namespace(self, name: str, inject: str = "enabled") -> None:
        self.server.put(
            f"{NAMESPACES}/{name}", {"metadata": {"labels": {"initshim.dev/inject": inject}}}
        )

    def workload(self, path: str, *images: str, **more: Any) -> None:
        """Add a workload by the end of its path: apps/v1, namespace, plural, name."""
        version, namespace, plural, name = path.rsplit("/", 3)
        containers = [{"name": f"c{at}", "image": each} for at, each in enumerate(images)]
        spec: dict[str, Any] = {"template": {"spec": {"containers": containers, **more}}}
        if plural == "cronjobs":
            spec = {"jobTemplate": {"spec": spec}}
        body = {"metadata": {"namespace": namespace}, "spec": spec}
        self.server.put(f"/apis/{version}/namespaces/{namespace}/{plural}/{name}", body)

    def push(self, *names: str) -> None:
        for name in names:
            self.registry.push(name, "v1", config_bytes([f"/{name}"]))

    async def warm_up(self, asker: Asker, *, pace: Pace = PACE, namespaces: str = OPTED_IN) -> None:
        async def token() -> None:
            return None

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        connection = Connection(self.url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), token)
        async with KubeClient(connection) as client:
            secrets = PullSecrets(
                ClusterSecrets(client), clock=asker.clock, observer=asker.observer
            )
            resolver = ImageResolver(
                asker.images, secrets=secrets, clock=asker.clock, observer=asker.observer
            )
            engine = Engine(ClusterRules(), Delivery("reaper:1", "1.0"), resolver, asker.observer)
            await warm_up(client, engine, namespaces=namespaces, pace=pace, sleep=sleep)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    server = ApiServer(rules={Rule("list", each) for each in RESOURCES})
    with serving(server) as url:
        yield Cluster(server, url)


def noted(asker: Asker) -> str:
    (line,) = (each for each in asker.observer.notes if each.startswith("warm-up-ended "))
    return line


def counted(namespaces: int, workloads: int, images: int, unresolved: int) -> str:
    return (
        f"{{'namespaces': {namespaces}, 'workloads': {workloads}, 'images': {images}, "
        f"'unresolved': {unresolved}"
    )


async def test_what_every_kind_of_workload_runs_is_known_afterwards(cluster: Cluster) -> None:
    """Issue 4. It has no rights but to list; the fake refuses all else."""

    async with serve(cluster.registry) as host, asking(plain(host.authority)) as asker:
        paths = {
            "web": "apps/v1/shop/deployments/web",
            "db": "apps/v1/shop/statefulsets/db",
            "logs": "apps/v1/shop/daemonsets/logs",
            "nightly": "batch/v1/shop/cronjobs/nightly",
        }
        cluster.namespace("shop")
        cluster.push(*paths)
        for name, path in paths.items():
            cluster.workload(path, f"{host.authority}/{name}:v1")
        await cluster.warm_up(asker)
        assert noted(asker) == f"warm-up-ended {counted(1, 4, 4, 0)}}}"
        before = len(host.requests)
        for name in paths:
            config = await asker.config(f"{host.authority}/{name}:v1")
            assert config.entrypoint == (f"/{name}",)
        assert len(host.requests) == before


@pytest.mark.parametrize(
    ("selector", "read"),
    [
        (OPTED_IN, {"in"}),
        ("initshim.dev/inject notin (disabled,false)", {"in", "other"}),
    ],
)
async def test_only_the_webhooks_namespaces_are_read(
    cluster: Cluster, selector: str, read: set[str]
) -> None:
    cluster.namespace("in")
    cluster.namespace("out", "disabled")
    cluster.namespace("other", "whatever")

    async with asking() as asker:
        await cluster.warm_up(asker, namespaces=selector)
    lists = [each.split("/namespaces/")[1] for each in cluster.server.log if "/apis/" in each]
    assert {each.partition("/")[0] for each in lists} == read


async def test_what_no_pod_would_ask_for_is_not_asked(cluster: Cluster) -> None:
    """It is planned as a pod is: a command, an opted-out pod, a host's PID namespace."""

    async with serve(cluster.registry) as host, asking(plain(host.authority)) as asker:
        cluster.namespace("shop")
        image = f"{host.authority}/app:v1"
        cluster.workload("apps/v1/shop/deployments/host", image, hostPID=True)
        cluster.workload("apps/v1/shop/deployments/init", initContainers=[{"image": image}])
        command = {"name": "c", "image": image, "command": ["/app"]}
        cluster.workload("apps/v1/shop/deployments/own", containers=[command])
        await cluster.warm_up(asker)
        assert noted(asker) == f"warm-up-ended {counted(1, 3, 0, 0)}}}"
        assert not host.requests
        assert not cluster.slept


async def test_each_namespace_and_each_workload_is_counted(cluster: Cluster) -> None:
    async with asking() as asker:
        for name, workloads in (("shop", 2), ("bank", 1), ("empty", 0)):
            cluster.namespace(name)
            for number in range(workloads):
                container = {"name": "c", "image": "app", "command": ["/app"]}
                path = f"apps/v1/{name}/deployments/d{number}"
                cluster.workload(path, containers=[container])
        await cluster.warm_up(asker)
        assert noted(asker) == f"warm-up-ended {counted(3, 3, 0, 0)}}}"


async def test_what_is_counted_is_images_asked_for_and_those_without_an_answer(
    cluster: Cluster,
) -> None:
    """An image that no registry would be asked for counts as neither."""

    async with serve(cluster.registry) as host, asking(plain(host.authority)) as asker:
        cluster.namespace("shop")
        cluster.push("app", "side")
        known = [{"name": each, "image": f"{host.authority}/{each}:v1"} for each in ("app", "side")]
        missing = {"name": "missing", "image": f"{host.authority}/missing:v1"}
        never = {"name": "never", "image": "never", "imagePullPolicy": "Never"}
        cluster.workload("apps/v1/shop/deployments/a", containers=[*known, missing, never])
        await cluster.warm_up(asker)
        assert noted(asker) == f"warm-up-ended {counted(1, 1, 3, 1)}}}"


async def test_the_pods_own_pull_secrets_are_used(cluster: Cluster) -> None:
    cluster.server.rules = None
    cluster.registry.gate = basic(f"me:{SECRET}")

    async with serve(cluster.registry) as host, asking(plain(host.authority)) as asker:
        cluster.namespace("shop")
        secret = {**pull_secret("me", host.authority), "kind": "Secret"}
        cluster.server.put(f"{NAMESPACES}/shop/secrets/mine", secret)
        cluster.push("app")
        image = f"{host.authority}/app:v1"
        cluster.workload("apps/v1/shop/deployments/a", image, imagePullSecrets=[{"name": "mine"}])
        cluster.workload("apps/v1/shop/deployments/b", image)
        await cluster.warm_up(asker)
        assert noted(asker) == f"warm-up-ended {counted(1, 2, 2, 1)}}}"


async def test_it_asks_for_one_workload_at_a_time_and_rests_after_each(cluster: Cluster) -> None:
    cluster.registry.delay = 0.01
    async with serve(cluster.registry) as host, asking(plain(host.authority)) as asker:
        cluster.namespace("shop")
        names = [f"app{number}" for number in range(6)]
        cluster.push(*names)
        for name in names:
            cluster.workload(f"apps/v1/shop/deployments/{name}", f"{host.authority}/{name}:v1")
        await cluster.warm_up(asker, pace=replace(PACE, pause=7.0))
    assert host.busiest == 1
    assert cluster.slept == [7.0] * 6


async def test_a_long_list_is_read_page_by_page(cluster: Cluster) -> None:
    cluster.namespace("shop")
    for number in range(260):
        cluster.workload(f"apps/v1/shop/deployments/d{number}", "app:v1", hostPID=True)
    async with asking() as asker:
        await cluster.warm_up(asker)
        assert counted(1, 260, 0, 0) in noted(asker)


async def test_a_missing_right_ends_it_with_a_next_step(cluster: Cluster) -> None:
    cluster.namespace("shop")
    cluster.server.rules = {Rule("list", "namespaces")}
    async with asking() as asker:
        await cluster.warm_up(asker)
        line = noted(asker)
    assert counted(1, 0, 0, 0) in line
    assert "Grant the verb 'list' on deployments.apps in shop" in line


async def test_it_ends_in_time_whatever_hangs(cluster: Cluster) -> None:
    cluster.registry.delay = 3600.0

    async with serve(cluster.registry) as host, asking(plain(host.authority)) as asker:
        cluster.namespace("shop")
        cluster.workload("apps/v1/shop/deployments/a", f"{host.authority}/app:v1")
        await cluster.warm_up(asker, pace=Pace(lookup=3600.0, longest=0.5))
        assert "not done in 0.5 s" in noted(asker)


async def test_a_mistake_of_our_own_is_noted_and_raised_nowhere(cluster: Cluster) -> None:
    cluster.server.put(
        f"{NAMESPACES}/odd", {"metadata": {"labels": {"initshim.dev/inject": "enabled"}}}
    )
    cluster.workload("apps/v1/odd/deployments/a", "app:v1", hostPID=True, nodeSelector=["no map"])
    async with asking() as asker:
        await cluster.warm_up(asker)
        assert "BadPod" in noted(asker)
