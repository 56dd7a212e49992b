"""Periods are whole months, read strictly and bounded by the creditor's midnights."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.kernel.errors import UserError
from recupero.reports.periods import month_number, months_between, next_month, parse_period

months = st.dates(date(1990, 1, 1), date(2100, 1, 1)).map(lambda day: day.replace(day=1))


def test_one_month_and_several() -> None:
    assert parse_period("2026-02").months() == [date(2026, 2, 1)]
    assert parse_period("2025-12..2026-02").months() == [
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
    ]
    assert str(parse_period("2025-12..2026-02")) == "2025-12..2026-02"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026", "not a month"),
        ("2026-13", "no month"),
        ("2026-00", "no month"),
        ("0000-01", "no month"),
        ("2026-03..2026-01", "before it begins"),
        ("2026-03..", "not a month"),
        ("enero", "not a month"),
        ("2000-01..2026-01", "longer than"),
        ("", "not a month"),
    ],
)
def test_what_is_no_period_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as refused:
        parse_period(text)
    assert refused.value.field == "period"


def test_bounds_are_midnights_of_the_zone_also_where_the_clocks_change() -> None:
    start, end = parse_period("2026-04").bounds("America/Santiago")  # summer time ends on April 5
    assert start == datetime(2026, 4, 1, 3, tzinfo=UTC)
    assert end == datetime(2026, 5, 1, 4, tzinfo=UTC)


@given(months, st.integers(0, 40))
def test_months_follow_each_other_without_gap(first: date, count: int) -> None:
    last = first
    for _ in range(count):
        last = next_month(last)
    found = months_between(first, last)
    assert len(found) == count + 1
    assert [month_number(first, month) for month in found] == list(range(count + 1))
