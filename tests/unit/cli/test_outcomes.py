"""What became of containers, in words."""

from webhook.cli.outcomes import WRAPPED, Outcome, of_plan
from webhook.core import policy
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules


def test_of_a_container_that_was_not_asked_for_yet_nothing_is_told() -> None:
    containers = [{"name": "asked", "image": "x"}, {"name": "known", "command": ["/app"]}]
    plan = policy.plan(Pod({"spec": {"containers": containers}}), ClusterRules())
    assert list(of_plan(plan)) == [Outcome("known", WRAPPED)]
