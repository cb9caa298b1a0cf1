"""For whom a request asks: by its peer, and by the namespace that its begin names."""

import json

import pytest

from webhook.server.asking import asking, peer_of

GO = b'{"kind":"AdmissionReview","request":{"uid":"1","name":"%b","namespace":"shop","object":{'


@pytest.mark.parametrize(
    ("body", "tenant"),
    [
        (GO % b"web", "10.0.0.1 shop"),
        (GO % json.dumps('"namespace":"bank"').encode()[1:-1], "10.0.0.1 shop"),
        (b'{"request": {"namespace": "shop"}}', "10.0.0.1 shop"),
        (b'{"request":{"namespace":null,"name":"a"}}', "10.0.0.1 name"),
        (b'{"request":{"namespace":"' + b"a" * 64 + b'"}}', "10.0.0.1 "),
        (b" " * 10_000 + GO, "10.0.0.1 "),
        (b'"namespace":', "10.0.0.1 "),
        (b"", "10.0.0.1 "),
    ],
)
def test_the_namespace_is_what_stands_before_the_object(body: bytes, tenant: str) -> None:
    assert asking("10.0.0.1", body) == tenant


@pytest.mark.parametrize(
    ("client", "peer"),
    [
        (("10.0.0.1", 1), "10.0.0.1"),
        (("::ffff:10.0.0.1", 1), "10.0.0.1"),
        (("2001:db8::1:2", 1), "2001:db8::"),
        (None, "unknown"),
        (("", 0), "unknown"),
    ],
)
def test_a_peer_is_an_address_or_a_network_that_one_machine_has(
    client: tuple[str, int] | None, peer: str
) -> None:
    assert peer_of({"type": "http", "client": client}) == peer
