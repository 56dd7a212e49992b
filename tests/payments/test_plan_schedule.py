"""A plan is exact to the last minor unit, never below the creditor's limits, and due on working days."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.kernel.errors import UserError
from recupero.payments.offers.plan_schedule import (
    EVERY,
    Choice,
    Limits,
    most_instalments,
    preview,
    working_days,
)

TODAY = date(2026, 3, 10)  # a Tuesday
WORKING = working_days("CL")
LIMITS = Limits(max_instalments=12, minimum_minor=100, first_payment_days=45)


def days(*wanted: str) -> list[date]:
    return [date.fromisoformat(one) for one in wanted]


def plan(total: int, limits: Limits = LIMITS, **choice: object):  # type: ignore[no-untyped-def]  # a schedule
    return preview(total, limits, Choice(**{"first_on": TODAY, **choice}), today=TODAY, is_working=WORKING)  # type: ignore[arg-type]  # from the test


choices = st.builds(
    Choice,
    first_on=st.dates(TODAY, TODAY + timedelta(days=40)),
    every=st.sampled_from(EVERY),
    instalments=st.none() | st.integers(1, 40),
    at_most_minor=st.none() | st.integers(1, 10**9),
    down_payment_minor=st.integers(0, 10**6),
    pay_day=st.none() | st.integers(1, 31),
    step_percent=st.integers(0, 60),
)
bounds = st.builds(
    Limits,
    max_instalments=st.integers(1, 36),
    minimum_minor=st.integers(0, 10**5),
    first_payment_days=st.integers(0, 60),
)


@settings(deadline=None)
@given(total=st.integers(1, 10**9), limits=bounds, choice=choices)
def test_every_plan_keeps_the_laws_or_is_refused_at_a_field(
    total: int, limits: Limits, choice: Choice
) -> None:
    try:
        made = preview(total, limits, choice, today=TODAY, is_working=WORKING)
    except UserError as error:
        refused = error.field
        made = None
    if made is None:
        assert refused
        return
    amounts = [one.amount_minor for one in made.instalments]
    dues = [one.due_date for one in made.instalments]
    assert sum(amounts) == made.total_minor == total
    assert min(amounts) >= max(limits.minimum_minor, 1)
    assert len(amounts) <= limits.max_instalments
    assert [one.number for one in made.instalments] == list(range(1, len(amounts) + 1))
    assert all(earlier < later for earlier, later in pairwise(dues))
    assert all(map(WORKING, dues))
    assert TODAY <= dues[0] <= TODAY + timedelta(days=limits.first_payment_days)
    regular = amounts[1:] if choice.down_payment_minor else amounts
    assert regular == sorted(regular)
    assert choice.step_percent or regular[-1] - regular[0] < len(regular)


@settings(deadline=None)
@given(total=st.integers(1, 10**7), limits=bounds)
def test_as_many_equal_instalments_as_are_named_possible_are_possible(total: int, limits: Limits) -> None:
    most = most_instalments(total, limits)
    if most == 1:
        return
    made = preview(total, limits, Choice(TODAY, instalments=most), today=TODAY, is_working=lambda _: True)
    assert len(made.instalments) == most
    with pytest.raises(UserError):
        preview(total, limits, Choice(TODAY, instalments=most + 1), today=TODAY, is_working=WORKING)


@settings(deadline=None)
@given(total=st.integers(1200, 10**6), at_most=st.integers(100, 10**6))
def test_what_somebody_can_pay_at_a_time_is_not_exceeded_where_the_minimum_leaves_room(
    total: int, at_most: int
) -> None:
    limits = Limits(10**6, 1, 45)
    made = preview(total, limits, Choice(TODAY, at_most_minor=at_most, every="monthly"), today=TODAY,
                   is_working=lambda _: True) if total // at_most < 400 else None  # fmt: skip
    if made:
        assert made.first.amount_minor <= at_most
        assert made.last.amount_minor < made.first.amount_minor + len(made.instalments)


def test_equal_instalments_the_last_takes_what_does_not_divide() -> None:
    made = plan(1000, instalments=3)
    assert [one.amount_minor for one in made.instalments] == [333, 333, 334]
    assert made.last.amount_minor == 334


def test_stepped_instalments_rise_by_the_same_amount() -> None:
    assert [one.amount_minor for one in plan(1200, instalments=3, step_percent=50).instalments] == [
        266, 400, 534,
    ]  # fmt: skip


def test_a_down_payment_comes_first() -> None:
    made = plan(1000, instalments=2, down_payment_minor=400)
    assert [one.amount_minor for one in made.instalments] == [400, 300, 300]
    assert [one.due_date for one in made.instalments] == days("2026-03-10", "2026-04-10", "2026-05-11")


@pytest.mark.parametrize(
    ("choice", "due"),
    [
        ({"every": "weekly"}, ("2026-03-10", "2026-03-17", "2026-03-24")),
        ({"every": "fortnightly"}, ("2026-03-10", "2026-03-24", "2026-04-07")),
        ({"every": "monthly"}, ("2026-03-10", "2026-04-10", "2026-05-11")),  # 10 May is a Sunday
        ({"every": "monthly", "pay_day": 31}, ("2026-03-31", "2026-04-30", "2026-06-01")),  # 31 May: Sunday
        ({"every": "monthly", "pay_day": 5}, ("2026-04-06", "2026-05-05", "2026-06-05")),  # 5 April: Sunday
        ({"every": "weekly", "pay_day": 5}, ("2026-03-13", "2026-03-20", "2026-03-27")),
        # Good Friday is the 3rd of April; Holy Saturday, Sunday: the next working day is Monday
        ({"every": "weekly", "first_on": date(2026, 3, 27)}, ("2026-03-27", "2026-04-06", "2026-04-10")),
    ],
)
def test_dates_fit_pay_days_and_working_days(choice: dict[str, object], due: tuple[str, ...]) -> None:
    assert [one.due_date for one in plan(900, instalments=3, **choice).instalments] == days(*due)


@pytest.mark.parametrize(
    ("total", "choice", "field"),
    [
        (0, {"instalments": 1}, "total"),
        (1000, {}, "instalments"),
        (1000, {"instalments": 13}, "instalments"),
        (1000, {"instalments": 11}, "instalments"),  # 90 is below 100
        (5000, {"instalments": 12, "down_payment_minor": 500}, "instalments"),  # thirteen in all
        (1000, {"instalments": 2, "down_payment_minor": 1000}, "down_payment"),
        (1000, {"instalments": 2, "down_payment_minor": 99}, "instalments"),
        (1000, {"instalments": 2, "every": "daily"}, "every"),
        (1000, {"instalments": 2, "step_percent": 51}, "step_percent"),
        (1000, {"instalments": 2, "pay_day": 32}, "pay_day"),
        (1000, {"instalments": 2, "every": "weekly", "pay_day": 8}, "pay_day"),
        (1000, {"instalments": 2, "first_on": date(2026, 3, 9)}, "first_on"),
        (1000, {"instalments": 2, "first_on": date(2026, 5, 4)}, "first_on"),
    ],
)
def test_what_cannot_be_agreed_is_refused_at_its_field(
    total: int, choice: dict[str, object], field: str
) -> None:
    with pytest.raises(UserError) as refused:
        plan(total, **choice)
    assert refused.value.field == field


def test_a_country_without_a_calendar_knows_weekends() -> None:
    assert not working_days("XX")(date(2026, 3, 14))
    assert working_days("XX")(date(2026, 12, 25))
