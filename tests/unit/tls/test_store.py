"""What the replicas share, and how they agree on it."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.tls.issue import authority
from webhook.tls.memory import MemorySecret
from webhook.tls.pair import Pair
from webhook.tls.store import Contended, Stored, Vault, agree, plan

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PAST = authority(now=NOW - 20 * DAY, life=10 * DAY)
GOOD, NEXT, OTHER = (authority(now=NOW - DAY, life=10 * DAY) for _ in range(3))
FUTURE = authority(now=NOW + DAY, life=10 * DAY)
PAIRS = st.sampled_from([PAST, GOOD, NEXT, OTHER, FUTURE])
VAULTS = st.builds(
    Vault,
    PAIRS,
    st.none() | PAIRS,
    st.lists(PAIRS, unique_by=id).map(lambda some: tuple(one.certificate for one in some)),
)


def planned(found: Vault | None, known: Vault | None, *, due: bool, settled: bool) -> Vault:
    return plan(
        found,
        known,
        now=NOW,
        make=lambda: authority(now=NOW, life=DAY),
        due=lambda _one: due,
        settled=lambda _one: settled,
    )


@given(vault=VAULTS)
def test_a_vault_reads_back_as_written(vault: Vault) -> None:
    assert Vault.read(vault.render()) == vault


@given(
    data=st.dictionaries(
        st.sampled_from(["ca.crt", "ca.key", "next-ca.crt", "next-ca.key", "old-ca.crt"]),
        st.binary() | st.sampled_from([GOOD.chain, GOOD.key, NEXT.chain, NEXT.key]),
    )
)
def test_any_data_is_a_usable_vault_or_none(data: Mapping[str, bytes]) -> None:
    vault = Vault.read(data)
    assert (vault is not None) == (
        (data.get("ca.crt"), data.get("ca.key")) in {(GOOD.chain, GOOD.key), (NEXT.chain, NEXT.key)}
    )
    assert vault is None or Vault.read(vault.render()) == vault


@given(found=st.none() | VAULTS, known=st.none() | VAULTS, due=st.booleans(), settled=st.booleans())
def test_whatever_was_found_the_plan_can_sign_now_and_forgets_nothing_unexpired(
    found: Vault | None, known: Vault | None, *, due: bool, settled: bool
) -> None:
    wanted = planned(found, known, due=due, settled=settled)
    assert wanted.current.certificate.valid(NOW)
    assert wanted.following is None or wanted.following.certificate.valid(NOW)
    known_of = {one for vault in (found, known) if vault for one in vault.certificates}
    assert {one for one in known_of if one.not_after > NOW} <= set(wanted.certificates)
    assert PAST.certificate not in wanted.certificates


@given(found=st.none() | VAULTS, known=st.none() | VAULTS)
def test_when_nothing_is_due_a_second_plan_changes_nothing(
    found: Vault | None, known: Vault | None
) -> None:
    wanted = planned(found, known, due=False, settled=False)
    assert planned(wanted, known, due=False, settled=False).current == wanted.current
    again = planned(wanted, wanted, due=False, settled=False)
    assert again == wanted


@pytest.mark.parametrize(
    ("found", "known", "due", "settled", "current", "following"),
    [
        (Vault(GOOD), None, False, False, GOOD, None),
        (Vault(GOOD, NEXT), None, True, False, GOOD, NEXT),
        (Vault(GOOD, NEXT), None, True, True, NEXT, None),
        (None, Vault(GOOD, NEXT), False, False, GOOD, NEXT),
        (Vault(OTHER), Vault(GOOD), False, False, OTHER, None),
        (Vault(PAST), Vault(GOOD), False, False, GOOD, None),
        (Vault(FUTURE), Vault(GOOD), False, False, GOOD, None),
        (Vault(PAST, NEXT), None, False, False, NEXT, None),
    ],
)
def test_the_next_step_of_a_rotation(
    found: Vault | None,
    known: Vault | None,
    current: Pair,
    following: Pair | None,
    *,
    due: bool,
    settled: bool,
) -> None:
    wanted = planned(found, known, due=due, settled=settled)
    assert (wanted.current, wanted.following) == (current, following)


def test_a_due_ca_gets_a_next_one_which_does_not_sign_yet() -> None:
    wanted = planned(Vault(GOOD), None, due=True, settled=False)
    assert wanted.current == GOOD
    assert wanted.following


def test_a_secret_that_is_as_wanted_is_not_written() -> None:
    secret = MemorySecret(Stored(Vault(GOOD).render(), "7"))
    assert asyncio.run(agree(secret, lambda found: found or Vault(NEXT))) == Vault(GOOD)
    assert secret.writes == 0


class Taken(MemorySecret):
    """A Secret that somebody else changes between every read and write."""

    reads = 0

    async def read(self) -> Stored | None:
        self.reads += 1
        return Stored({}, str(self.reads))

    async def write(self, data: Mapping[str, bytes], *, version: str | None) -> None:
        raise Contended(f"{len(data)} keys of version {version} are gone")


def test_a_secret_that_never_holds_still_is_given_up_for_now() -> None:
    secret = Taken()
    with pytest.raises(Contended, match="5 times"):
        asyncio.run(agree(secret, lambda _found: Vault(GOOD)))
    assert secret.reads == 5
