"""From NeedsImage to Wrap or Skip: side by side, with the pod's credentials, inside a deadline."""

from typing import Any

import pytest

from tests.fakes.http import Answer, serve
from tests.fakes.lookups import Asker, RecordingObserver, asking, plain
from tests.fakes.pull_secrets import Cluster, pull_secret
from tests.fakes.registry import Registry, basic, config_bytes
from webhook.admission.resolver import ImageResolver
from webhook.base import tenants
from webhook.core.argv import ImageConfig
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, Plan, Skip, Wrap, plan, warnings
from webhook.core.reasons import LONGEST_WARNING, UNRESOLVED, Reason
from webhook.kube.pullsecrets import PullSecrets

APP = config_bytes(["/app"], ["--serve"])


def pod(*images: str, **spec: Any) -> Pod:
    containers = [{"name": f"c{n}", "image": each} for n, each in enumerate(images)]
    return Pod({"metadata": {"name": "p"}, "spec": {"containers": containers, **spec}})


async def resolved(
    asker: Asker,
    each: Pod,
    *,
    cluster: Cluster | None = None,
    seconds: float = 5.0,
    architectures: frozenset[str] = frozenset(),
    namespace: str = "a",
) -> Plan:
    secrets = (
        PullSecrets(cluster, clock=asker.clock, observer=asker.observer)
        if cluster is not None
        else None
    )
    resolver = ImageResolver(
        asker.images,
        secrets=secrets,
        clock=asker.clock,
        observer=asker.observer,
        architectures=architectures,
    )
    return await resolver.resolve(
        plan(each, ClusterRules()), each, namespace, deadline=asker.clock() + seconds
    )


def outcomes(result: Plan) -> list[str]:
    return [
        each.reason if isinstance(each, Skip) else type(each).__name__ for each in result.decisions
    ]


async def test_each_container_gets_its_own_answer_and_the_order_stays() -> None:
    registry = Registry()
    registry.push("app", "v1", APP)
    registry.push("init", "v1", config_bytes(["/usr/bin/tini", "--", "/app"]))
    registry.push("empty", "v1", config_bytes())
    registry.push_index("two", "v1", {"amd64": APP, "arm64": config_bytes(["/other"])})
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        names = ("app:v1", "init:v1", "empty:v1", "none:v1", "two:v1")
        each = pod(*(f"{host.authority}/{name}" for name in names), "Not An Image")
        result = await resolved(asker, each)
        assert outcomes(result) == [
            "Wrap",
            Reason.HAS_INIT,
            Reason.NO_COMMAND,
            Reason.NOT_FOUND,
            Reason.PLATFORMS_DISAGREE,
            Reason.NOT_FOUND,
        ]
        first = result.decisions[0]
        assert isinstance(first, Wrap)
        assert first.image == ImageConfig(("/app",), ("--serve",))
        assert len(asker.observer.notes) == 3


async def test_what_is_remembered_refuses_a_container_as_what_was_asked_for_does() -> None:
    registry = Registry()
    registry.push_index("two", "v1", {"amd64": APP, "arm64": config_bytes(["/arm"])})
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        each = pod(f"{host.authority}/two:v1")
        asked = await resolved(asker, each)
        requests = len(host.requests)
        remembered = await resolved(asker, each)
        assert len(host.requests) == requests
        assert outcomes(remembered) == [Reason.PLATFORMS_DISAGREE]
        assert warnings(remembered) == warnings(asked) != []


@pytest.mark.parametrize(
    ("first", "other"),
    [(("", "a"), ("", "b")), (("192.0.2.1 a", "a"), ("192.0.2.2 a", "a"))],
    ids=["namespaces", "peers"],
)
async def test_a_registry_that_holds_one_off_answers_the_other(
    first: tuple[str, str], other: tuple[str, str]
) -> None:
    """What is shared is shared by namespace; and by who asks, where anybody could name one."""
    registry = Registry(down=Answer(429))
    registry.push("app", "v1", APP)

    async def outcome(tenant: str, namespace: str) -> list[str]:
        with tenants.working_for(tenant):
            return outcomes(await resolved(asker, each, namespace=namespace))

    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        each = pod(f"{host.authority}/app:v1")
        assert await outcome(*first) == [Reason.RATE_LIMITED]
        registry.down = None
        assert await outcome(*first) == [Reason.RATE_LIMITED]
        assert await outcome(*other) == ["Wrap"]


async def test_the_pods_architecture_decides_and_the_clusters_where_it_has_none() -> None:
    registry = Registry()
    registry.push_index("two", "v1", {"amd64": APP, "arm64": config_bytes(["/arm"])})
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        image = f"{host.authority}/two:v1"
        chosen = pod(image, nodeSelector={"kubernetes.io/arch": "arm64"})
        amd64 = frozenset({"amd64"})
        for each, entrypoint in ((chosen, "/arm"), (pod(image), "/app")):
            (decision,) = (await resolved(asker, each, architectures=amd64)).decisions
            assert isinstance(decision, Wrap)
            assert decision.image is not None
            assert decision.image.entrypoint == (entrypoint,)


async def test_the_pods_pull_secret_opens_a_private_registry() -> None:
    registry = Registry(gate=basic("robot:c4n4ry-p4ssw0rd"))
    registry.push("app", "v1", APP)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        cluster = Cluster({"a/pull": pull_secret("robot", host.authority)})
        each = pod(f"{host.authority}/app:v1", imagePullSecrets=[{"name": "pull"}])
        assert outcomes(await resolved(asker, each, cluster=cluster)) == ["Wrap"]
        nobody = pod(f"{host.authority}/app:v1")
        result = await resolved(asker, nobody, cluster=cluster)
        assert outcomes(result) == [Reason.UNAUTHORIZED]
        account = Cluster(cluster.secrets, {"a/default": {"imagePullSecrets": [{"name": "pull"}]}})
        assert outcomes(await resolved(asker, nobody, cluster=account)) == ["Wrap"]


async def test_a_webhook_that_may_not_read_pull_secrets_names_the_value_to_set() -> None:
    registry = Registry(gate=basic("robot:c4n4ry-p4ssw0rd"))
    registry.push("app", "v1", APP)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        each = pod(f"{host.authority}/app:v1", imagePullSecrets=[{"name": "pull"}])
        (said,) = warnings(await resolved(asker, each))
        assert said == (
            "initshim left c0 alone (unauthorized): let the webhook read its pull secrets "
            "(chart: registry.pullSecretNamespaces)"
        )
        assert len(said) <= LONGEST_WARNING
        (other,) = warnings(await resolved(asker, pod(f"{host.authority}/app:v1")))
        assert "pullSecretNamespaces" not in other


async def test_containers_are_looked_up_side_by_side_and_the_deadline_holds_for_all() -> None:
    registry = Registry(delay=30.0)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        each = pod(*(f"{host.authority}/app{n}:v1" for n in range(8)))
        start = asker.clock()
        result = await resolved(asker, each, seconds=2.0)
        assert outcomes(result) == [Reason.TIMED_OUT] * 8
        assert host.busiest == 4  # a namespace's share of the connections to a registry
        assert asker.clock() - start < 14  # eight deadlines one after the other are 16


async def test_a_slow_api_server_leaves_half_of_the_time_to_the_registry() -> None:
    registry = Registry()
    registry.push("app", "v1", APP)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        cluster = Cluster(delay=60.0)
        each = pod(f"{host.authority}/app:v1", imagePullSecrets=[{"name": "pull"}])
        result = await resolved(asker, each, cluster=cluster, seconds=6.0)
        assert outcomes(result) == ["Wrap"]
        assert any(note.startswith("pull-secrets-timed-out") for note in asker.observer.notes)


async def test_a_slow_api_server_has_half_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[float] = []
    registry = Registry()
    registry.push("app", "v1", APP)
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        monkeypatch.setattr(RecordingObserver, "note", lambda *_, **__: noted.append(asker.clock()))
        each = pod(f"{host.authority}/app:v1", imagePullSecrets=[{"name": "pull"}])
        start = asker.clock()
        await resolved(asker, each, cluster=Cluster(delay=60.0), seconds=2.0)
        assert 0.99 <= noted[0] - start < 50


def test_every_failure_of_a_lookup_is_a_public_reason() -> None:
    from webhook.core.errors import LookupFailed

    keys = {each.key for each in LookupFailed.__subclasses__()}
    # An image for Windows is found: what it says is no failure that may pass.
    assert keys - {str(Reason.WINDOWS)} <= {str(each) for each in UNRESOLVED}


async def test_never_pulled_images_are_not_asked_for() -> None:
    async with serve(Registry()) as host, asking(plain(host.authority)) as asker:
        containers = [{"name": "c", "image": f"{host.authority}/app", "imagePullPolicy": "Never"}]
        each = Pod({"metadata": {}, "spec": {"containers": containers}})
        assert outcomes(await resolved(asker, each)) == [Reason.NEVER_PULLED]
        assert host.connections == 0


async def test_no_secret_reaches_a_log_an_error_or_a_metric() -> None:
    observer: list[RecordingObserver] = []
    secret = "c4n4ry-p4ssw0rd"
    answers = [
        Answer(401, {"WWW-Authenticate": "Basic realm=x"}),
        Answer(403),
        Answer(429),
        Answer(500),
        Answer(200, {}, b"{}"),
        Answer(307, {"Location": f"https://127.0.0.1/?X-Amz-Signature={secret}"}),
        Answer(raw=b"nonsense\r\n\r\n"),
        Answer(401, {"WWW-Authenticate": 'Bearer realm="https://127.0.0.1/t"'}),
    ]
    for answer in answers:
        async with serve(Registry(down=answer)) as host, asking(plain(host.authority)) as asker:
            cluster = Cluster({"a/pull": pull_secret("robot", host.authority)})
            each = pod(f"{host.authority}/app:v1", imagePullSecrets=[{"name": "pull"}])
            result = await resolved(asker, each, cluster=cluster)
            assert secret not in repr(result)
            observer.append(asker.observer)
    shown = repr([(each.notes, each.lookups, each.cached) for each in observer])
    assert "image-not-resolved" in shown
    assert secret not in shown


async def test_a_registry_that_is_never_asked_is_a_reason_of_its_own() -> None:
    async with asking({"r.example.com": {"lookup": "never"}}) as asker:
        result = await resolved(asker, pod("r.example.com/app:v1"))
        assert outcomes(result) == [Reason.LOOKUP_OFF]
