"""Settings in the words of those who ask registries: what can't be used is said in plain words."""

from pathlib import Path

import pytest

from webhook.assembly.lookup_options import lookup_options
from webhook.core.errors import BadSettings
from webhook.settings import given


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"refused_networks": ["10.0.0.0/99"]},
            "INITSHIM_REFUSED_NETWORKS: '10.0.0.0/99' is no network, as 10.96.0.0/12 is",
        ),
        (
            {"extra_ca_file": Path("/no/such")},
            "INITSHIM_EXTRA_CA_FILE: /no/such can't be read: No such file or directory",
        ),
        (
            {"registries_file": Path("/no/such")},
            "/no/such can't be read: No such file or directory",
        ),
    ],
)
def test_what_can_not_be_used_is_said(settings: dict[str, object], said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        lookup_options(given(settings))
    assert str(caught.value) == said


def test_a_networks_own_address_is_not_asked_for() -> None:
    rule = lookup_options(given({"refused_networks": ["10.96.0.1/12"]})).rule
    assert [str(each) for each in rule.refused][:1] == ["10.96.0.0/12"]


@pytest.mark.parametrize(
    ("own", "refused"), [("10.96.0.1", "10.96.0.0/16"), ("fd00::1", "fd00::/112")]
)
def test_in_a_cluster_the_network_of_its_services_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, own: str, refused: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", own)
    assert refused in [str(each) for each in lookup_options(given({})).rule.refused]
