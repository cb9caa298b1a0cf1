"""Platforms agree where they run the same, whatever else their configurations say."""

import pytest

from webhook.core.argv import ImageConfig
from webhook.core.errors import PlatformsDisagree
from webhook.oci.manifests import Configuration, Platform
from webhook.oci.platforms import agree, alone

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def test_only_what_is_run_is_compared() -> None:
    plain, other = ImageConfig(("/a",), ("b",)), ImageConfig(("/a",), ("b",), "SIGQUIT")
    assert agree({AMD64: [plain], ARM64: [other]}, "app").runs == plain.runs


@pytest.mark.parametrize("first", [AMD64, ARM64])
def test_what_one_platform_tells_of_an_init_system_holds_for_all(first: Platform) -> None:
    second = ARM64 if first is AMD64 else AMD64
    plain = ImageConfig(("/entrypoint.sh",))
    hinted = ImageConfig(("/entrypoint.sh",), init_system="S6_KEEP_ENV")
    assert agree({first: [plain], second: [hinted]}, "app") == hinted


@pytest.mark.parametrize(
    "other", [ImageConfig(("/b",), ("b",)), ImageConfig(("/a",)), ImageConfig(("/a", "b"))]
)
def test_different_programs_are_told_apart(other: ImageConfig) -> None:
    with pytest.raises(PlatformsDisagree):
        agree({AMD64: [ImageConfig(("/a",), ("b",))], ARM64: [other]}, "app")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (("linux", "arm64", "v8"), "linux/arm64/v8"),
        (("linux", "amd64", ""), "linux/amd64"),
        (("", "", ""), "linux/unknown"),
    ],
)
def test_an_image_in_no_index_is_for_what_its_configuration_says(
    said: tuple[str, str, str], shown: str
) -> None:
    assert str(alone(Configuration(ImageConfig(), *said), "app")) == shown
