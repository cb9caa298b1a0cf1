"""Label selectors, as apimachinery's labels package evaluates them."""

from typing import Any

import pytest

from webhook.core.selector import selects


def rule(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "env", "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        (None, {}, True),
        ({}, {"env": "a"}, True),
        ({"matchLabels": {"env": "a"}}, {"env": "a", "x": "y"}, True),
        ({"matchLabels": {"env": "a"}}, {"env": "b"}, False),
        ({"matchLabels": {"env": ""}}, {}, False),
        (rule("In", "a", "b"), {"env": "b"}, True),
        (rule("In", "a"), {}, False),
        (rule("NotIn", "a"), {}, True),
        (rule("NotIn", "a"), {"env": "a"}, False),
        (rule("Exists"), {"env": ""}, True),
        (rule("Exists"), {}, False),
        (rule("DoesNotExist"), {}, True),
        (rule("DoesNotExist"), {"env": "a"}, False),
        (rule("Like", "a"), {"env": "a"}, False),
        ({"matchLabels": {"a": "b"}, **rule("In", "a")}, {"a": "b", "env": "a"}, True),
        ({"matchLabels": {"a": "b"}, **rule("In", "a")}, {"env": "a"}, False),
    ],
)
def test_every_requirement_must_hold(
    selector: dict[str, Any] | None, labels: dict[str, str], selected: bool
) -> None:
    assert selects(selector, labels) is selected
