"""Memory that is bounded by number and by weight, whatever is put into it."""

import pytest

from webhook.core import image
from webhook.core.argv import ImageConfig
from webhook.oci.cache import Memory
from webhook.oci.manifests import Configuration, Manifest


@pytest.mark.parametrize(
    ("words", "room"),
    [
        (("x" * 250_000,), 33),  # a letter may take four bytes
        (("x",) * 10_000, 49),  # and a word some 64 itself
    ],
)
def test_hostile_configurations_do_not_fill_the_memory(words: tuple[str, ...], room: int) -> None:
    memory = Memory(entries=10_000, fresh=60, usable=60)
    config = Configuration(ImageConfig(words))
    for number in range(1000):
        memory.keep_configuration("r.io/a", f"sha256:{number}", config)
    kept = sum(memory.configuration("r.io/a", f"sha256:{n}") is not None for n in range(1000))
    assert kept == room


def test_there_is_room_for_80_000_manifests() -> None:
    memory = Memory(entries=100_000, fresh=60, usable=60)
    manifest = Manifest("sha256:1", 1, is_image=True)
    for number in range(100_000):
        memory.keep_document("r.io/a", f"sha256:{number}", manifest)
    kept = [memory.document("r.io/a", f"sha256:{n}") is not None for n in range(100_000)]
    assert all(kept[-80_000:])
    assert not kept[0]


def test_a_digest_of_one_repository_is_not_known_for_another() -> None:
    memory = Memory(entries=10, fresh=60, usable=60)
    digest = f"sha256:{'0' * 64}"
    mine, other = (image.parse(f"r.io/{name}@{digest}") for name in ("mine", "other"))
    memory.note_shown(mine, digest, "me", now=0)
    memory.keep_document(mine.name, digest, Manifest("sha256:1", 1, is_image=True))
    assert memory.digest(mine, {"me"}, now=1e9) == digest
    assert memory.digest(mine, {"you"}, now=0) is None
    assert memory.digest(other, {"me"}, now=0) is None
    assert memory.document(other.name, digest) is None


def test_a_tag_is_current_then_better_than_nothing_then_forgotten() -> None:
    memory = Memory(entries=10, fresh=60, usable=600)
    tag, digest = image.parse("r.io/a:v1"), f"sha256:{'0' * 64}"
    memory.note_shown(tag, digest, "me", now=1000)
    for now, fresh, stale in (
        (1000, digest, digest),
        (1059.9, digest, digest),
        (1060, None, digest),
        (1599.9, None, digest),
        (1600, None, None),
    ):
        assert memory.digest(tag, {"me"}, now=now) == fresh
        assert memory.digest(tag, {"me"}, now=now, stale=True) == stale


def test_a_reader_who_was_shown_nothing_hides_nobodys_tag() -> None:
    memory = Memory(entries=10, fresh=60, usable=600)
    tag = image.parse("r.io/a:v1")
    memory.note_shown(tag, "sha256:mine", "me", now=0)
    for readers in (["you", "me"], ["me", "you"]):
        assert memory.digest(tag, readers, now=1) == "sha256:mine"


def test_of_two_readers_the_one_who_was_shown_a_tag_last_is_right() -> None:
    memory = Memory(entries=10, fresh=60, usable=600)
    tag = image.parse("r.io/a:v1")
    for now, reader in ((1001, "me"), (1000, "everyone")):
        memory.note_shown(tag, f"sha256:{reader}", reader, now=now)
    assert memory.digest(tag, ["me", "everyone"], now=1002) == "sha256:me"
    assert memory.digest(tag, ["everyone", "me"], now=1002) == "sha256:me"
