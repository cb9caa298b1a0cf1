"""What the settings ask for reaches the two servers."""

import math

import pytest

from webhook.server.metrics import Metrics
from webhook.server.run import make_server
from webhook.settings import Settings


async def app(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("seconds", [1.0, 8.5])
def test_a_review_that_waits_for_a_registry_is_finished_before_the_server_closes(
    seconds: float,
) -> None:
    made = make_server(app, Settings(lookup_seconds=seconds), None, Metrics(""))
    assert made.config.timeout_graceful_shutdown is not None
    assert made.config.timeout_graceful_shutdown > math.ceil(seconds)
