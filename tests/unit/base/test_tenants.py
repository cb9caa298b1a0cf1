"""For whom is worked, and how much of something shared each may hold."""

import pytest

from webhook.base import tenants
from webhook.base.tenants import Held


def test_a_peers_tenant_is_its_address_and_the_namespace() -> None:
    assert tenants.named("10.0.0.1", "shop") == "10.0.0.1 shop"
    assert tenants.peer_of(tenants.named("10.0.0.1", "shop")) == "10.0.0.1"
    assert tenants.named("", "shop") == "shop"
    assert tenants.peer_of("shop") == tenants.peer_of("") == ""


def test_who_is_worked_for_is_as_before_after_the_block_and_after_the_end() -> None:
    with tenants.working_for("shop"):
        token = tenants.begin("bank")
        assert tenants.current() == "bank"
        tenants.end(token)
        assert tenants.current() == "shop"
    assert tenants.current() == ""


@pytest.mark.parametrize(("most", "mine"), [(1, 1), (2, 1), (7, 4), (16, 8)])
def test_one_alone_holds_as_much_as_it_leaves(most: int, mine: int) -> None:
    held = Held(most)
    assert not held
    while held.allows("a"):
        held.take("a")
    assert (held["a"], held.free, bool(held)) == (mine, most - mine, True)
    held.take("a", -mine)
    assert (held["a"], held.free, bool(held)) == (0, most, False)


@pytest.mark.parametrize(("size", "may"), [(0, True), (8, True), (9, False), (17, False)])
def test_what_is_taken_at_once_is_bounded_as_what_is_taken_bit_by_bit(size: int, may: bool) -> None:
    assert Held(16).allows("a", size) is may


def test_a_peer_leaves_an_eighth_however_many_tenants_it_makes_up() -> None:
    held = Held(64)
    for number in range(1000):
        tenant = f"10.9.9.9 n{number}"
        if held.allows(tenant):
            held.take(tenant)
    assert held.free == 8
    held.take("10.9.9.9 n0", -1)
    assert held.allows("10.9.9.9 new")
    held.take("10.9.9.9 new")
    assert not held.allows("10.9.9.9 other")
    assert held.allows("10.0.0.1 shop")


@pytest.mark.parametrize(("size", "may"), [(4, True), (5, False)])
def test_a_peers_first_tenant_may_take_as_much_as_anyone_where_an_eighth_is_nothing(
    size: int, may: bool
) -> None:
    assert Held(7).allows("shop", size) is may
    assert Held(7).allows("10.0.0.1 shop", size) is may
