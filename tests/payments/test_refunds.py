"""Refunds that fail: what is left of the payment, and its place, do not depend on how they were told."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from recupero.payments.books.refunds import Back, Refunds, refunds_of

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    kind: str
    total_minor: int
    occurred_at: datetime


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


@st.composite
def gateways(draw: st.DrawFn) -> tuple[list[Told], int, int]:
    """What a gateway tells of refunds of which some fail, and what of them stays."""
    told: list[Told] = []
    stands: list[int] = []
    failed = 0
    for minute in range(draw(st.integers(1, 8))):
        if stands and draw(st.integers(0, 1)):
            amount = stands.pop(draw(st.integers(0, len(stands) - 1)))
            told.append(Told("refund_failed", amount, at(minute)))
            failed += amount
        else:
            stands.append(draw(st.integers(1, 500)))
            told.append(Told("refund", sum(stands), at(minute)))
    return told, sum(stands), failed


@given(gateways(), st.randoms())
def test_what_stays_is_what_did_not_fail_in_any_order(made: tuple[list[Told], int, int], by: Random) -> None:
    told, stays, failed = made
    shuffled = [*told, *(one for one in told if one.kind == "refund")]  # a failure is kept once by its key
    by.shuffle(shuffled)
    found = refunds_of(shuffled)
    assert found == refunds_of(told)
    assert found.total_minor == stays
    assert found.to_retry_minor <= failed


def test_a_failure_takes_the_newest_refund_away() -> None:
    told = [Told("refund", 300, at(0)), Told("refund", 700, at(1)), Told("refund_failed", 400, at(2))]
    assert refunds_of(told) == Refunds((Back(at(0), 300),), 400)


def test_what_failed_and_went_back_another_way_is_not_to_be_tried_again() -> None:
    told = [Told("refund", 400, at(0)), Told("refund_failed", 400, at(1)), Told("paid_back", 150, at(2))]
    assert refunds_of(told) == Refunds((Back(at(2), 150),), 250)


def test_a_failure_in_the_second_of_its_refund() -> None:
    told = [Told("refund_failed", 400, at(0)), Told("refund", 400, at(0))]
    assert refunds_of(told) == Refunds((), 400)
