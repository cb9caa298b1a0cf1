"""The leaf: of a Secret, and as it is served, against certificates that are real."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.cli.doctor.cluster import NOW
from tests.unit.cli.doctor.rendered import encoded, rendered
from webhook.cli.doctor.certificate import ServedAndHeld, check
from webhook.cli.doctor.finding import Finding
from webhook.cli.doctor.served_certificate import Served, handshake
from webhook.kube.objects import SECRET, Json, Ref
from webhook.tls import context, issue
from webhook.tls.pair import Pair

NAME = "initshim.initshim.svc"
TLS = Ref(SECRET, "initshim-tls", "initshim")


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
