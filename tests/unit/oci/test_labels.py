"""A pod's author names registries, and can not make metric labels without end."""

import pytest

from webhook.oci.labels import Labels


def test_the_first_registries_keep_their_names_and_the_rest_share_one() -> None:
    labels = Labels(lambda _: False)
    given = [labels.of(f"registry-{number}.example") for number in range(1000)]
    assert len(set(given)) == 26  # half of the room: whoever asks next finds some, too
    assert given[0] == "registry-0.example"
    assert given[-1] == "other"
    assert labels.of("registry-0.example") == "registry-0.example"


def test_a_registry_that_is_configured_always_has_its_name() -> None:
    labels = Labels(lambda registry: registry == "ours.example")
    for number in range(1000):
        labels.of(f"registry-{number}.example")
    assert labels.of("ours.example") == "ours.example"


def test_a_name_that_no_host_can_have_is_no_label() -> None:
    assert Labels(lambda _: False).of(f"{'a.' * 100_000}example") == "other"


@pytest.mark.parametrize(("more", "is_label"), [("", True), ("a", False)])
def test_the_longest_host_with_its_port_is_a_label(more: str, is_label: bool) -> None:
    registry = f"{'.'.join(['a' * 63] * 4)[:253]}{more}:65535"
    assert (Labels(lambda _: False).of(registry) == registry) is is_label
