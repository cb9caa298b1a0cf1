"""The room that bodies and answers take, however slowly they are read."""

import pytest
from starlette.types import Message, Scope

from webhook.server.bodies import SMALL, Bodies, Body, BodyRefused
from webhook.server.health import Health
from webhook.server.mutate import Answers

MIB = 1 << 20
HEADERS = [(b"content-type", b"application/json")]


def scope(peer: str) -> Scope:
    return {"type": "http", "headers": HEADERS, "client": (peer, 1)}


async def read(bodies: Bodies, size: int, peer: str = "10.0.0.1") -> Body:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * size, "more_body": False}

    return await bodies.read(scope(peer), receive)


async def test_an_answer_takes_the_place_of_its_body_until_it_is_read() -> None:
    bodies = Bodies(4 * MIB)
    unread = []
    with pytest.raises(BodyRefused, match="again later"):  # noqa: PT012  # how many fit is not ours
        for _ in range(10):
            body = await read(bodies, 3 * MIB)
            body.give_way(4 * MIB)
            assert body.content == b""
            unread.append(body)
    assert 0 < len(unread) < 4
    other = await read(bodies, 3 * MIB, peer="10.0.0.2")
    other.close()
    for each in unread:
        each.close()
    for _ in range(10):
        body = await read(bodies, 3 * MIB)
        body.give_way(5 * MIB)
        body.close()


async def test_a_small_body_whose_answer_is_large_counts_as_a_large_one() -> None:
    bodies = Bodies(4 * MIB)
    held = []
    with pytest.raises(BodyRefused):  # noqa: PT012  # as above
        for _ in range(100):
            body = await read(bodies, 1000)
            body.give_way(2 * MIB)
            held.append(body)
    assert sum(2 for _ in held) <= 16
    assert await read(bodies, SMALL)


@pytest.mark.parametrize(("size", "parts"), [(SMALL, 1), (SMALL + 1, 3)])
async def test_the_end_of_a_large_answer_waits_until_most_of_it_was_read(
    size: int, parts: int
) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await Answers(Health(lambda: "")).json(send, b"x" * size)
    bodies = sent[1:]
    assert len(bodies) == parts
    assert sum(len(each["body"]) for each in bodies) == size
    assert [each.get("more_body", False) for each in bodies] == [True] * (parts - 1) + [False]
