"""A bounded mapping: by number, by weight, and fair to whoever keeps little."""

from hypothesis import given
from hypothesis import strategies as st

from webhook.base.lru import Lru


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


def test_whoever_keeps_the_most_loses_what_it_used_longest_ago() -> None:
    lru: Lru[str, int] = Lru(6)
    for number in range(2):
        lru.put(f"small{number}", number, owner="small")
    for number in range(100):
        lru.put(f"large{number}", number, owner="large")
    kept = [key for key in (f"large{n}" for n in range(100)) if lru.get(key) is not None]
    assert kept == ["large96", "large97", "large98", "large99"]
    assert [lru.get("small0"), lru.get("small1")] == [0, 1]


def test_heavy_entries_push_out_their_owners_own() -> None:
    lru: Lru[str, int] = Lru(100, weight=10)
    lru.put("small", 1, weight=2, owner="small")
    for number in range(50):
        lru.put(f"large{number}", number, weight=4, owner="large")
    assert lru.get("small") == 1
    assert (len(lru), lru.weight) == (3, 10)


def test_a_key_that_another_keeps_changes_its_owner() -> None:
    lru: Lru[str, int] = Lru(2)
    lru.put("a", 1, owner="x")
    lru.put("a", 2, owner="y")
    lru.put("b", 3, owner="x")
    assert (lru.get("a"), lru.get("b"), len(lru)) == (2, 3, 2)
    assert lru.drop("a") == 2
    assert lru.drop("a") is None


def test_where_the_weight_just_fits_the_number_of_entries_says_who_loses_one() -> None:
    kept: Lru[str, int] = Lru(2, weight=10)
    kept.put("heavy", 1, weight=8, owner="a")
    for key in ("old", "new"):
        kept.put(key, 1, weight=1, owner="b")
    assert [kept.get(key) for key in ("heavy", "old", "new")] == [1, None, 1]


def test_what_is_read_is_kept_longer_than_what_is_not() -> None:
    kept: Lru[str, int] = Lru(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_an_entry_as_heavy_as_the_limit_is_kept_and_one_without_a_weight_weighs_one() -> None:
    kept: Lru[str, int] = Lru(10, weight=2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert (len(kept), kept.weight) == (2, 2)
    kept.put("heavy", 3, weight=2)
    assert (kept.get("heavy"), len(kept), kept.weight) == (3, 1, 2)


def test_what_an_owner_has_dropped_counts_against_it_no_more() -> None:
    kept: Lru[str, int] = Lru(10, weight=10)
    kept.put("x's", 1, weight=3, owner="x")
    kept.put("dropped", 1, weight=6, owner="x")
    kept.drop("dropped")
    kept.put("y's first", 1, weight=4, owner="y")
    kept.put("y's next", 1, weight=4, owner="y")
    assert [kept.get(key) for key in ("x's", "y's first", "y's next")] == [1, None, 1]
