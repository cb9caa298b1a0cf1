"""Memory that is bounded by number and by weight, whatever is put into it."""

from hypothesis import given
from hypothesis import strategies as st

from webhook.core import image
from webhook.core.argv import ImageConfig
from webhook.oci.cache import Lru, Memory
from webhook.oci.manifests import Manifest


@given(
    st.lists(st.tuples(st.sampled_from("pg"), st.integers(0, 9), st.integers(0, 30))),
)
def test_an_lru_never_exceeds_its_limits_and_keeps_what_was_used_last(
    steps: list[tuple[str, int, int]],
) -> None:
    lru: Lru[int, int] = Lru(4, weight=40)
    order: list[int] = []
    weights: dict[int, int] = {}
    for what, key, weight in steps:
        if what == "p":
            lru.put(key, key, weight=weight)
            order = [*(each for each in order if each != key), key]
            weights[key] = weight
            while len(order) > 4 or sum(weights[each] for each in order) > 40:
                order.pop(0)
        else:
            assert lru.get(key) == (key if key in order else None)
            if key in order:
                order = [*(each for each in order if each != key), key]
        assert len(lru) == len(order)
        assert lru.weight == sum(weights[each] for each in order)


def test_what_is_too_heavy_is_not_kept_and_replaces_nothing_else() -> None:
    lru: Lru[str, int] = Lru(10, weight=10)
    lru.put("small", 1, weight=5)
    lru.put("huge", 2, weight=11)
    assert (lru.get("small"), lru.get("huge")) == (1, None)


def test_hostile_configurations_do_not_fill_the_memory() -> None:
    memory = Memory(entries=10_000, fresh=60, usable=60)
    config = ImageConfig(("x" * 250_000,))
    for number in range(1000):
        memory.keep_config("r.io/a", f"sha256:{number}", config)
    kept = sum(memory.config("r.io/a", f"sha256:{n}") is not None for n in range(1000))
    assert kept * 250_000 <= 32 << 20


def test_a_digest_of_one_repository_is_not_known_for_another() -> None:
    memory = Memory(entries=10, fresh=60, usable=60)
    digest = f"sha256:{'0' * 64}"
    mine, other = (image.parse(f"r.io/{name}@{digest}") for name in ("mine", "other"))
    memory.show(mine, digest, "me", now=0)
    memory.keep_document(mine.name, digest, Manifest("sha256:1", 1))
    assert memory.digest(mine, {"me"}, now=1e9) == digest
    assert memory.digest(mine, {"you"}, now=0) is None
    assert memory.digest(other, {"me"}, now=0) is None
    assert memory.document(other.name, digest) is None
