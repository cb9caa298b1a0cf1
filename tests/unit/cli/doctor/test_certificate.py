"""The leaf: of a Secret, and as it is served, against certificates that are real."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.cli.doctor.cluster import DEPLOYMENT, NOW, WEBHOOK, Installed
from tests.unit.cli.doctor.diagnosis import Served as Cluster
from tests.unit.cli.doctor.diagnosis import found_by
from tests.unit.cli.doctor.rendered import encoded, rendered
from webhook.cli.doctor.certificate import ServedAndHeld, check
from webhook.cli.doctor.finding import Finding
from webhook.cli.doctor.served_certificate import Served, handshake
from webhook.kube.objects import SECRET, Json, Ref
from webhook.tls import context, issue
from webhook.tls.pair import Pair

NAME = "initshim.initshim.svc"
TLS = Ref(SECRET, "initshim-tls", "initshim")
CA = Ref(SECRET, "initshim-ca", "initshim")


def about_secret(ca: Pair, leaf: Pair, *, trusted: Pair | None = None) -> Finding:
    held: Json = {"data": {"tls.crt": encoded(leaf.chain)}}
    found = check(
        rendered(mode="files", bundle=(trusted or ca).chain), ServedAndHeld(NOW, TLS, held, None)
    )
    (one,) = (each for each in found if each.object.startswith("Secret"))
    return one


@pytest.fixture
def ca() -> Pair:
    return issue.authority(now=NOW, life=timedelta(days=700))


def leaf(ca: Pair, *, name: str = NAME, days: int = 90, now: datetime = NOW) -> Pair:
    return issue.leaf(ca, names=[name], now=now, life=timedelta(days=days))


def test_a_leaf_that_chains_and_names_the_service_is_good(ca: Pair) -> None:
    one = about_secret(ca, leaf(ca))
    assert one.severity == "ok"
    assert "valid for 90 days" in one.what


def test_a_leaf_that_ends_soon_is_a_warning(ca: Pair) -> None:
    one = about_secret(ca, leaf(ca, days=6))
    assert one.severity == "warning"
    assert "describe certificate,secret initshim-tls" in one.remedy


def test_a_leaf_of_another_ca_or_name_or_time_is_an_error(ca: Pair) -> None:
    other = issue.authority(now=NOW, life=timedelta(days=700))
    for bad in (
        about_secret(ca, leaf(ca), trusted=other),
        about_secret(ca, leaf(ca, name="another.initshim.svc")),
        about_secret(ca, leaf(ca, days=1, now=NOW - timedelta(days=5))),
    ):
        assert bad.severity == "error"
        assert NAME in bad.what


def test_what_is_no_certificate_is_an_error(ca: Pair) -> None:
    nothing = Pair(ca.certificate, b"no pem", b"")
    assert "can't be verified" in about_secret(ca, nothing).what


def serve(pair: Pair, use: Any) -> Any:
    """Serve TLS with a pair, and run something against the port."""

    async def main() -> Any:
        tls = context.server_context()
        context.load(tls, pair)
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", ssl=tls)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with server:
            return await use(("127.0.0.1", server.sockets[0].getsockname()[1]))

    return asyncio.run(main())


def test_a_handshake_verifies_who_answers_as_the_api_server_does() -> None:
    now = datetime.now(UTC)
    ca = issue.authority(now=now, life=timedelta(days=700))
    other = issue.authority(now=now, life=timedelta(days=700))

    async def meet(where: tuple[str, int]) -> list[Served | None]:
        return [
            await handshake(where, name=NAME, authorities=[ca.certificate]),
            await handshake(where, name=NAME, authorities=[other.certificate]),
            await handshake(where, name="another.svc", authorities=[ca.certificate]),
        ]

    good, untrusted, misnamed = serve(leaf(ca, days=7, now=now), meet)
    assert good.until == now.replace(microsecond=0) + timedelta(days=7)
    assert "unable to get local issuer" in untrusted.trouble
    assert "not valid for 'another.svc'" in misnamed.trouble


def test_where_nobody_answers_nothing_is_said_of_the_leaf(ca: Pair) -> None:
    meet = handshake(("127.0.0.1", 1), name=NAME, authorities=[ca.certificate])
    assert asyncio.run(meet) is None
    assert asyncio.run(handshake(("127.0.0.1", 1), name=NAME, authorities=[])) is None


@pytest.mark.parametrize(
    ("served", "severity"),
    [
        (Served(NOW + timedelta(days=5)), "ok"),
        (Served(NOW + timedelta(hours=20)), "warning"),
        (Served(NOW + timedelta(days=5), reported=True), "ok"),
        (Served(NOW + timedelta(hours=20), reported=True), "warning"),
        (Served(trouble="unable to get local issuer certificate"), "error"),
        (None, "info"),
    ],
)
def test_what_is_served_is_judged_by_the_life_of_built_in_leaves(
    ca: Pair, served: Served | None, severity: str
) -> None:
    found = check(rendered(mode="builtin", bundle=ca.chain), ServedAndHeld(NOW, None, {}, served))
    (one,) = (each for each in found if each.object.startswith("Service"))
    assert one.severity == severity


def about_bundle(cluster: Cluster) -> Finding:
    (one,) = (
        each
        for each in found_by("certificate", cluster)
        if each.object == "MutatingWebhookConfiguration initshim"
    )
    return one


def test_a_bundle_that_holds_no_certificate_is_an_error(cluster: Cluster) -> None:
    nothing = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    cluster[0].change(WEBHOOK, webhooks__0__clientConfig__caBundle=encoded(nothing))
    one = about_bundle(cluster)
    assert (one.severity, one.what) == (
        "error",
        "caBundle holds no certificate that can be read",
    )
    assert one.remedy == "kubectl -n initshim logs deployment/initshim | grep certificates"


def test_what_is_no_base64_is_no_certificate(ca: Pair) -> None:
    """No API server gives such a thing; what answers in its place may."""
    there = rendered(bundle=ca.chain)
    there.webhook["clientConfig"]["caBundle"] = "AAAAA"
    held: Json = {"data": {"ca.crt": "AAAAA"}}
    said = [each.what for each in check(there, ServedAndHeld(NOW, CA, held, None))]
    assert said[:1] == ["caBundle holds no certificate that can be read"]
    assert said[1].startswith("its ca.crt can't be used: ")


def by_files(cluster: Installed, volume: Json) -> Pair:
    """Give the webhook certificates from elsewhere, as `tls.mode: certManager` does."""
    cluster.configure(TLS="files", TLS_CERT_FILE="/tls/tls.crt", TLS_KEY_FILE="/tls/tls.key")
    others = [{"name": "config", "configMap": {"name": "initshim"}}]
    cluster.change(DEPLOYMENT, spec__template__spec__volumes=[*others, volume])
    pair = leaf(cluster.ca)
    cluster.server.put(
        "/api/v1/namespaces/initshim/secrets/initshim-tls",
        {"kind": "Secret", "data": {"tls.crt": encoded(pair.chain)}},
    )
    return pair


def test_the_secret_that_the_webhook_mounts_is_looked_at(cluster: Cluster) -> None:
    by_files(cluster[0], {"name": "tls", "secret": {"secretName": "initshim-tls"}})
    said = [(each.severity, each.object, each.what) for each in found_by("certificate", cluster)]
    assert said == [
        (
            "ok",
            "MutatingWebhookConfiguration initshim",
            "1 CA in caBundle, valid for 700 days",
        ),
        (
            "ok",
            "Secret initshim/initshim-tls",
            "the leaf chains to caBundle and names the Service; valid for 90 days",
        ),
    ]


def test_a_certificate_that_no_secret_holds_is_none_to_look_at(cluster: Cluster) -> None:
    """As cert-manager's CSI driver mounts it."""
    by_files(cluster[0], {"name": "tls", "csi": {"driver": "csi.cert-manager.io"}})
    assert [each.object for each in found_by("certificate", cluster)] == [
        "MutatingWebhookConfiguration initshim"
    ]


def test_without_a_bundle_who_should_have_put_it_there_is_asked(cluster: Cluster) -> None:
    by_files(cluster[0], {"name": "tls", "secret": {"secretName": "initshim-tls"}})
    service = {"name": "initshim", "namespace": "initshim", "port": 443}
    cluster[0].change(WEBHOOK, webhooks__0__clientConfig={"service": service})
    one = about_bundle(cluster)
    assert one.what == "caBundle is empty: the API server trusts nobody"
    assert one.remedy == (
        "kubectl -n initshim describe certificate; "
        "kubectl -n cert-manager logs deployment/cert-manager-cainjector --tail=20"
    )


@pytest.mark.parametrize(
    "answer",
    ["# TYPE up gauge\nup 1\n", "<html>sign in</html>\n", "up one\n"],
    ids=["of another", "no metrics", "no number"],
)
def test_what_another_than_the_webhook_reports_is_not_believed(
    cluster: Cluster, answer: str
) -> None:
    path = "/api/v1/namespaces/initshim/services/http:initshim:8080/proxy/metrics"
    cluster[0].server.texts[path] = answer
    *_, one = found_by("certificate", cluster)
    assert (one.severity, one.object) == ("info", "Service initshim/initshim")
    assert one.what.startswith("its leaf can't be seen from outside of the cluster")
