"""The bundle: a certificate leaves it only by expiring."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from webhook.tls import bundle
from webhook.tls.issue import authority
from webhook.tls.pair import Certificate

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
# Each begins a day later and lasts ten: at a time in between, some have expired.
ALL = [authority(now=NOW + n * DAY, life=10 * DAY).certificate for n in range(8)]
SOME = st.lists(st.sampled_from(ALL))


def made_up(number: int) -> Certificate:
    return Certificate("", f"{number:064}", NOW + timedelta(seconds=number), NOW + DAY)


@given(needed=SOME, found=SOME, day=st.integers(0, 30))
def test_all_that_is_needed_stays_and_all_that_is_found_until_it_expires(
    needed: list[Certificate], found: list[Certificate], day: int
) -> None:
    now = NOW + day * DAY
    merged = bundle.merge(needed, found, now=now)
    assert set(needed) <= set(merged) <= {*needed, *found}
    assert {one for one in found if one.not_after >= now} <= set(merged)
    assert not {one for one in merged if one.not_after + 2 * DAY < now} - set(needed)
    assert len(set(merged)) == len(merged)


def test_what_has_expired_stays_for_a_day_in_case_the_clock_is_wrong() -> None:
    (one,) = ALL[:1]
    assert bundle.merge([], [one], now=one.not_after + DAY) == (one,)
    assert bundle.merge([], [one], now=one.not_after + DAY + timedelta(seconds=1)) == ()


@given(needed=SOME, found=SOME, data=st.data())
def test_replicas_that_know_the_same_agree_to_the_byte(
    needed: list[Certificate], found: list[Certificate], data: st.DataObject
) -> None:
    merged = bundle.merge(needed, found, now=NOW)
    again = data.draw(st.permutations([*needed, *found]))
    assert bundle.render(bundle.merge([], again, now=NOW)) == bundle.render(merged)
    assert bundle.merge(merged, merged, now=NOW) == merged
    assert bundle.parse(bundle.render(merged)) == merged


def test_a_bundle_that_grows_without_end_is_capped_at_the_newest() -> None:
    needed, found = [made_up(0)], [made_up(n) for n in range(1, 100)]
    merged = bundle.merge(needed, found, now=NOW)
    assert merged == (*needed, *found[-bundle.MOST + 1 :])


@given(garbage=st.lists(st.binary(), min_size=1))
def test_what_is_no_certificate_is_left_out(garbage: list[bytes]) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    pem = b"\n".join([ALL[0].pem.encode(), broken, *garbage, b"\n", ALL[1].pem.encode()])
    assert bundle.parse(pem) == (ALL[0], ALL[1])
