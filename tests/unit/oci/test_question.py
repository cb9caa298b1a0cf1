"""What is remembered whole is an answer at once; an image in no index needs no survey for it."""

import pytest

from webhook.core import image
from webhook.core.argv import ImageConfig
from webhook.core.errors import WindowsOnly
from webhook.oci.cache import Memory
from webhook.oci.manifests import Configuration, Manifest
from webhook.oci.platforms import agree, survey
from webhook.oci.question import Question

TOP = Manifest("sha256:config", 1, is_image=True)
TAG = image.parse("r.io/a:v1")
QUESTION = Question(TAG, frozenset({"me"}), frozenset())


def memory(config: Configuration | None) -> Memory:
    made = Memory(entries=10, fresh=60, usable=600)
    made.note_shown(TAG, "sha256:top", "me", now=0)
    made.keep_document(TAG.name, "sha256:top", TOP)
    if config:
        made.keep_configuration(TAG.name, TOP.config, config)
    return made


@pytest.mark.parametrize("platform", [("linux", "arm64", "v8"), ("", "", ""), ("freebsd", "x", "")])
def test_it_is_the_answer_of_a_survey(platform: tuple[str, str, str]) -> None:
    full = memory(Configuration(ImageConfig(("/app",), ("x",)), *platform))
    found = QUESTION.remembered(full, now=1)
    surveyed = survey(TOP, full.known(TAG.name), frozenset(), TAG.name)
    assert found is not None
    assert found.config == agree(surveyed.images, TAG.name) == ImageConfig(("/app",), ("x",))
    assert found.platforms == tuple(surveyed.images)
    assert found.digest == "sha256:top"


def test_a_configuration_that_was_forgotten_is_no_answer() -> None:
    assert QUESTION.remembered(memory(None), now=1) is None


def test_an_image_for_windows_is_the_same_failure_and_none_once_it_expired() -> None:
    full = memory(Configuration(ImageConfig(("/app",)), "windows"))
    with pytest.raises(WindowsOnly, match=r"r\.io/a is an image for Windows"):
        QUESTION.remembered(full, now=1)
    assert QUESTION.remembered(full, now=61) is None
    assert QUESTION.remembered(full, now=61, stale=True) is None


def test_who_was_not_shown_it_gets_nothing() -> None:
    full = memory(Configuration(ImageConfig(("/app",))))
    other = Question(TAG, frozenset({"you"}), frozenset())
    assert other.remembered(full, now=1) is None
    assert other.remembered(full, now=61, stale=True) is None
