"""The webhook's settings, as its Deployment gives them."""

import pytest

from tests.fakes.cluster import installed
from webhook.cli.installation.settings import planning_settings, values_of
from webhook.core.errors import BadSettings


def test_they_are_those_of_the_container_that_has_any() -> None:
    """Somebody has put a proxy before the webhook, in the Deployment itself."""
    spec = installed("Deployment")["spec"]["template"]["spec"]
    values = values_of(spec)
    assert values["tls"] == "builtin"
    proxy = {"name": "proxy", "image": "proxy:1", "env": [{"name": "HTTP_PROXY", "value": "x"}]}
    plain = {"name": "plain", "image": "plain:1"}
    assert values_of({"containers": [proxy, plain, *spec["containers"]]}) == values
    assert values_of({"containers": [proxy, plain]}) == {}
    assert values_of({}) == {}


def test_what_is_empty_or_read_from_elsewhere_is_left_out() -> None:
    env = [
        {"name": "INITSHIM_LOOKUPS", "value": ""},
        {"name": "INITSHIM_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "x"}}},
        {"name": "INITSHIM_DELIVERY", "value": "auto"},
    ]
    assert values_of({"containers": [{"env": env}]}) == {"delivery": "auto"}


def test_who_runs_a_command_decides_over_the_webhooks_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = {"delivery": "auto", "architectures": "arm64", "port": "1"}
    environ = {"INITSHIM_ARCHITECTURES": "amd64"}
    monkeypatch.setenv("INITSHIM_ARCHITECTURES", "amd64")
    planned = planning_settings(values, environ, lookup=False)
    assert (planned.delivery, planned.architectures) == ("auto", ("amd64",))
    assert planned.port == 8443  # not what a plan goes by
    assert planned.lookups is False
    with pytest.raises(BadSettings, match="INITSHIM_LOOKUP_SECONDS"):
        planning_settings({"lookup_seconds": "soon"}, {}, lookup=True)
