"""Collection costs by the ladder and time-barred dates, against figures worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero_sdk.law.money import collection_fee_cap, time_barred_from
from tests.law import packs

UF = Decimal(38_000)
TODAY = date(2025, 3, 11)


@pytest.mark.parametrize(
    "overdue_uf, fee_uf",
    [("1", "0.09"), ("10", "0.9"), ("11", "0.96"), ("50", "3.3"), ("51", "3.33"), ("100", "4.8")],
)
def test_chile_s_ladder(overdue_uf: str, fee_uf: str) -> None:
    cap = collection_fee_cap(packs.pack("CL"), TODAY, Decimal(overdue_uf) * UF, UF, days_late=21)
    assert cap == Decimal(fee_uf) * UF


@pytest.mark.parametrize(
    "day, days_late, free",
    [
        (date(2013, 12, 12), 15, True),
        (date(2013, 12, 12), 16, False),
        (date(2013, 12, 13), 20, True),
        (date(2013, 12, 13), 21, False),
    ],
)
def test_the_free_days_changed_in_2013(day: date, days_late: int, free: bool) -> None:
    cap = collection_fee_cap(packs.pack("CL"), day, 10 * UF, UF, days_late)
    assert (cap == 0) is free


def test_a_missed_useful_contact_lowers_the_cap_and_never_below_nothing() -> None:
    def cap(overdue: Decimal) -> Decimal | None:
        return collection_fee_cap(packs.pack("CL"), TODAY, overdue, UF, 30, useful_contact=False)

    assert cap(10 * UF) == Decimal("0.7") * UF
    assert cap(UF) == 0


def test_colombia_has_no_ladder() -> None:
    assert collection_fee_cap(packs.pack("CO"), TODAY, UF, UF, 30) is None


@given(st.decimals(0, 500, places=2), st.decimals(0, 500, places=2))
def test_a_larger_debt_never_costs_less_and_the_share_never_grows(one: Decimal, other: Decimal) -> None:
    small, large = sorted((one, other))
    caps = [collection_fee_cap(packs.pack("CL"), TODAY, debt * UF, UF, 30) for debt in (small, large)]
    assert caps[0] is not None
    assert caps[1] is not None
    assert caps[0] <= caps[1]
    assert caps[0] * large >= caps[1] * small


@pytest.mark.parametrize(
    "country, kind, barred",
    [
        ("CL", None, date(2025, 3, 1)),
        ("CL", "executive", date(2025, 3, 1)),
        ("CL", "retail_sale", date(2021, 3, 1)),
        ("CO", "executive", date(2030, 3, 1)),
        ("CO", "promissory_note", date(2023, 3, 1)),
    ],
)
def test_time_barred(country: str, kind: str | None, barred: date) -> None:
    assert time_barred_from(packs.pack(country), TODAY, kind, date(2020, 3, 1)) == barred


def test_a_period_that_ends_on_a_day_the_calendar_lacks_ends_on_the_next() -> None:
    assert time_barred_from(packs.pack("CL"), TODAY, "retail_sale", date(2020, 2, 29)) == date(2021, 3, 1)
