"""The one failure that is told of several: whose it was, and of whom else there is something."""

import pytest

from webhook.core.errors import BadAnswer, LookupFailed, NotFound, RateLimited, Unauthorized
from webhook.oci.failures import Failure, Outage, ServerError, last_of, worst_of

REFUSED = "r.io refused app"


def told(*errors: LookupFailed) -> str:
    failed = [(f"secret {at}", error) for at, error in enumerate(errors)]
    worst = worst_of(failed, REFUSED)
    return f"{type(worst).__name__}: {worst}"


def test_of_one_credential_its_own_words_are_told() -> None:
    assert told(NotFound("gone")) == "NotFound: gone"
    assert told(Unauthorized("no")) == f"Unauthorized: {REFUSED}; tried: secret 0 (unauthorized)"
    assert told() == f"Unauthorized: {REFUSED}"


def test_of_several_the_worst_is_told_with_what_each_got() -> None:
    both = told(Unauthorized("no"), NotFound("gone"))
    assert both == "NotFound: gone; tried: secret 0 (unauthorized), secret 1 (not-found)"


@pytest.mark.parametrize("turned", [False, True])
def test_what_passes_goes_before_what_does_not(turned: bool) -> None:
    errors: list[LookupFailed] = [
        RateLimited("1"), NotFound("2"), Outage("3"), Unauthorized("4"), ServerError("5"),
        BadAnswer("6"),
    ]  # fmt: skip
    for at, error in enumerate(errors):
        few = errors[at:][::-1] if turned else errors[at:]
        assert told(*few).startswith(f"{type(error).__name__}: ")


def test_forty_credentials_are_named() -> None:
    said = told(*[NotFound("gone")] * 50)
    assert said.endswith("secret 39 (not-found)")


def test_of_several_hosts_the_last_ones_failure_is_told_and_those_before_are_named() -> None:
    failed = [("m.io", NotFound("gone")), ("r.io", Outage("down", next_step="Wait."))]
    last = last_of(failed, "r.io/app")
    assert (type(last), last.next_step) == (Outage, "Wait.")
    assert str(last) == "down; before it: m.io (not-found)"
    assert last_of(failed[1:], "r.io/app") is failed[1][1]
    three = [("n.io", Unauthorized("no")), *failed]
    said = "down; before it: n.io (unauthorized), m.io (not-found)"
    assert str(last_of(three, "r.io/app")) == said
    assert str(last_of([], "r.io/app")) == "nobody is configured for r.io/app"


def test_of_long_words_two_thousand_letters_are_remembered() -> None:
    error = Failure.of(NotFound("a" * 3000, next_step="b" * 3000)).error()
    assert (str(error), error.next_step) == ("a" * 2000, "b" * 2000)
