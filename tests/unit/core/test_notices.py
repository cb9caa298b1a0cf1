"""What is said on a workload: one sentence a reason, and only where a hand is needed."""

import pytest

from webhook.core import schema
from webhook.core.container import Container, containers_of
from webhook.core.notices import notices
from webhook.core.policy import Plan, Skip, Wrap
from webhook.core.reasons import Reason

LONGEST = 1024  # bytes of an Event's note (k8s.io/kubernetes, pkg/apis/core/validation/events.go)


def named(name: str) -> Container:
    [container] = containers_of("containers", [schema.Container(name=name, image="app")])
    return container


def test_containers_with_one_reason_share_a_sentence() -> None:
    planned = Plan(
        (
            Skip(named("web"), Reason.UNAUTHORIZED),
            Skip(named("log"), Reason.NO_COMMAND),
            Skip(named("job"), Reason.UNAUTHORIZED),
        )
    )
    first, second = notices(planned)
    assert first.reason == "unauthorized"
    assert first.text == (
        "Containers web, job run without an init (unauthorized): the registry refused every "
        "credential. To do: set `command:` or annotate initshim.dev/entrypoint.<container>."
    )
    assert second.text == (
        "Container log runs without an init (no-command): neither the pod nor the image says what "
        "to run. To do: set `command:`."
    )


def test_ten_containers_are_named_and_the_others_counted() -> None:
    skips = tuple(Skip(named(f"c{number}"), Reason.NO_COMMAND) for number in range(12))
    ten = "Containers c0, c1, c2, c3, c4, c5, c6, c7, c8, c9"
    for count, who in ((10, ten), (11, f"{ten} and 1 more"), (12, f"{ten} and 2 more")):
        (one,) = notices(Plan(skips[:count]))
        assert one.text.startswith(f"{who} run without an init (no-command): ")


def test_what_needs_no_hand_is_not_said() -> None:
    assert not notices(Plan((Wrap(named("a")), Skip(named("b"), Reason.HAS_INIT))))
    assert not notices(Plan(reason=Reason.OPTED_OUT))


def test_a_better_remedy_and_a_whole_pods_detail_are_said() -> None:
    skip = Skip(named("web"), Reason.UNAUTHORIZED, remedy="let the webhook read its pull secrets")
    assert notices(Plan((skip,)))[0].text.endswith("To do: let the webhook read its pull secrets.")
    (whole,) = notices(Plan(reason=Reason.BAD_ANNOTATION, detail="initshim.dev/x is none"))
    assert whole.text == (
        "Its pods run without an init (bad-annotation): initshim.dev/x is none. "
        "To do: correct the annotation."
    )


def test_a_sentence_fits_an_event_whatever_the_pods_author_called_it() -> None:
    """The API server has validated nothing yet when a webhook is asked."""
    names = [f"{'é' * 50}\n{number}" for number in range(500)]
    (one,) = notices(Plan(tuple(Skip(named(name), Reason.NO_COMMAND) for name in names)))
    assert len(one.text.encode()) <= LONGEST
    assert one.text.isprintable()


def test_a_sentence_is_cut_only_where_it_has_to_be() -> None:
    short = Plan(reason=Reason.BAD_ANNOTATION, detail="x")
    room = LONGEST - len(notices(short)[0].text) + 1
    for length, cut in ((room, False), (room + 1, True)):
        (one,) = notices(Plan(reason=Reason.BAD_ANNOTATION, detail="x" * length))
        assert len(one.text.encode()) == LONGEST
        assert one.text.endswith("…") is cut


def test_a_sentence_is_cut_between_two_letters() -> None:
    """Where their bytes would be cut apart, the whole letter goes."""
    for shift in ("", "x", "xx"):
        (one,) = notices(Plan(reason=Reason.BAD_ANNOTATION, detail=shift + "€" * 400))
        assert LONGEST - 2 <= len(one.text.encode()) <= LONGEST
        assert one.text.endswith("€…")


@pytest.mark.parametrize("odd", ["\n", "\0", "\x7f", "\u2028", "\ud800", "\U000e0001"])
def test_what_no_terminal_should_see_is_a_blank(odd: str) -> None:
    (one,) = notices(Plan(reason=Reason.BAD_ANNOTATION, detail=f"a{odd}b is none"))
    assert one.text == (
        "Its pods run without an init (bad-annotation): a b is none. To do: correct the annotation."
    )
