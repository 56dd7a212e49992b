"""Interest grows as the contract says, whoever counts it and in however many steps."""

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.ledger.accrual import Accrual, DayCount, LateFee, Meter
from recupero.ledger.allocation import Debt, Happening, Step, replay_until

SANTIAGO = ZoneInfo("America/Santiago")
START = date(2026, 1, 1)


def terms(**changes: object) -> Accrual:
    values = {"start": START, "rate": 1200, "day_count": DayCount.ACT_365, "zone": SANTIAGO, **changes}
    return Accrual(**values)  # type: ignore[arg-type]  # from the caller


def on(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=SANTIAGO)


def interest(accrual: Accrual, until: date, principal: int = 1_000_000) -> int:
    owed = Happening(on(START), Step.OWED, "placement", principal, line=(1, "principal"))
    replayed = replay_until([Debt(1, START, accrual=accrual)], [owed], on(until))
    return replayed.accrued.get((1, "interest"), 0)


@pytest.mark.parametrize(
    ("count", "until", "days"),
    [
        (DayCount.ACT_365, date(2026, 3, 31), Fraction(89, 365)),
        (DayCount.ACT_360, date(2026, 3, 31), Fraction(89, 360)),
        (DayCount.THIRTY_360, date(2026, 3, 31), Fraction(89, 360)),  # the 31st counts as the 30th
        (DayCount.THIRTY_360, date(2026, 2, 1), Fraction(30, 360)),
        (DayCount.ACT_365, date(2027, 1, 1), Fraction(1)),
        (DayCount.THIRTY_360, date(2027, 1, 1), Fraction(1)),
    ],
)
def test_the_days_are_counted_as_the_convention_says(count: DayCount, until: date, days: Fraction) -> None:
    assert interest(terms(day_count=count), until) == int(Fraction(120_000) * days + Fraction(1, 2))


@given(
    st.lists(st.integers(0, 2_000), max_size=30), st.sampled_from(list(DayCount)), st.integers(1, 5_000_000)
)
def test_in_how_many_steps_it_is_counted_changes_nothing(
    steps: list[int], count: DayCount, principal: int
) -> None:
    last = START + timedelta(days=2_000)
    meter, once = (
        Meter(terms(day_count=count), placed=principal),
        Meter(terms(day_count=count), placed=principal),
    )
    for step in [*sorted(steps), 2_000]:
        meter.run(on(START + timedelta(days=step)), principal, principal)
    once.run(on(last), principal, principal)
    assert meter.accrued == once.accrued


def test_stopped_days_bear_nothing() -> None:
    stops = [(date(2026, 1, 11), date(2026, 1, 21)), (date(2026, 1, 15), date(2026, 1, 25))]
    assert interest(terms(stops=stops), date(2026, 1, 31)) == interest(terms(), date(2026, 1, 17))
    assert interest(terms(stops=[(START, None)]), date(2027, 1, 1)) == 0


def test_the_law_bounds_each_stretch_and_all_of_it() -> None:
    def half(_day: date, principal: int, days: int) -> Fraction:
        return Fraction(principal * 600 * days, 10_000 * 365)

    def a_tenth_in_all(_day: date, principal: int, _days: int) -> Fraction:
        return Fraction(principal, 10)

    assert interest(terms(cap=half), date(2027, 1, 1)) == 60_000
    assert interest(terms(cap=a_tenth_in_all), date(2028, 1, 1)) == 100_000
    assert interest(terms(cap=lambda *_: None), date(2027, 1, 1)) == 120_000


def test_interest_follows_the_principal_that_is_open() -> None:
    owed = Happening(on(START), Step.OWED, "placement", 1_000_000, line=(1, "principal"))
    paid = Happening(on(date(2026, 7, 2)), Step.RECEIVED, "a", 559_836, account_ids=frozenset({1}))
    order = ("interest", "principal", "cost", "fee", "tax")
    got = replay_until([Debt(1, START, order, terms())], [paid, owed], on(date(2027, 1, 1)))
    assert got.receipts["a"].lines == {(1, "interest"): 59_836, (1, "principal"): 500_000}
    assert got.accrued == {(1, "interest"): 59_836 + 30_082}


def test_a_late_fee_is_owed_once_and_only_by_who_is_late() -> None:
    fee = LateFee(date(2026, 1, 11), 500, 100, lambda principal: principal // 50)

    def fees(until: date, paid_on: date | None = None) -> int:
        facts = [Happening(on(START), Step.OWED, "placement", 10_000, line=(1, "principal"))]
        if paid_on:
            facts.append(Happening(on(paid_on), Step.RECEIVED, "a", 10_000, account_ids=frozenset({1})))
        debts = [Debt(1, START, accrual=terms(rate=0, late_fee=fee))]
        return replay_until(debts, facts, on(until)).accrued.get((1, "fee"), 0)

    assert fees(date(2026, 1, 10)) == 0
    assert fees(date(2026, 3, 1)) == 200  # 600 by the contract, a fiftieth by the law
    assert fees(date(2026, 3, 1), paid_on=date(2026, 1, 10)) == 0
    assert fees(date(2026, 3, 1), paid_on=date(2026, 1, 11)) == 200


def test_a_remainder_that_counts_as_paid_bears_nothing() -> None:
    assert interest(terms(floor_minor=100), date(2027, 1, 1), principal=100) == 0
    assert interest(terms(floor_minor=100), date(2027, 1, 1), principal=101) == 12


def test_interest_from_the_due_date_counts_what_was_placed_later() -> None:
    placed = Happening(on(date(2026, 7, 2)), Step.OWED, "placement", 1_000_000, line=(1, "principal"))
    got = replay_until([Debt(1, START, accrual=terms())], [placed], on(date(2027, 1, 1)))
    assert got.accrued == {(1, "interest"): 120_000}


FACTS = st.tuples(
    st.sampled_from(["pay", "refund", "dispute", "dispute_won", "adjust"]),
    st.sampled_from("abc"),
    st.integers(1, 900_000),
    st.integers(0, 400),
)
_STEPS = {"refund": Step.REFUNDED, "dispute": Step.DISPUTED, "dispute_won": Step.DISPUTE_WON}


@given(st.lists(FACTS, max_size=10), st.integers(0, 1_000))
def test_order_and_repetition_of_what_is_told_change_nothing(
    told: list[tuple[str, str, int, int]], seed: int
) -> None:
    facts = [Happening(on(START), Step.OWED, "placement", 1_000_000, line=(1, "principal"))]
    paid: set[str] = set()
    for what, key, amount, day in told:
        at = on(START + timedelta(days=day))
        if what == "adjust":
            facts.append(Happening(at, Step.OWED, f"adjust:{day}", amount - 450_000, line=(1, "principal")))
        elif what != "pay":
            facts.append(Happening(at, _STEPS[what], key, amount))
        elif key not in paid:
            paid.add(key)
            facts.append(Happening(at, Step.RECEIVED, key, amount, account_ids=frozenset({1})))
    shuffled = list(facts)
    random.Random(seed).shuffle(shuffled)
    debts = [Debt(1, START, accrual=terms())]
    until = datetime(2027, 6, 1, tzinfo=UTC)
    first, second = replay_until(debts, facts, until), replay_until(debts, shuffled, until)
    assert first == second
    for receipt in first.receipts.values():
        assert sum(receipt.lines.values()) + receipt.suspense == receipt.held
    assert all(amount > 0 for amount in first.accrued.values())


@given(
    steps=st.lists(st.integers(0, 1_000), max_size=20),
    change=st.integers(-50, 1_100),
    count=st.sampled_from(list(DayCount)),
    rates=st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)),
)
def test_each_day_bears_interest_under_the_terms_of_that_day(
    steps: list[int], change: int, count: DayCount, rates: tuple[int, int]
) -> None:
    day, last = START + timedelta(days=change), START + timedelta(days=1_000)
    later = terms(rate=rates[1], day_count=count)
    dated = terms(rate=rates[0], day_count=count, then=(day, later))
    meter = Meter(dated, placed=1_000_000)
    for step in [*sorted(steps), 1_000]:
        meter.run(on(START + timedelta(days=step)), 1_000_000, 1_000_000)
    border = min(max(day, START), last)
    first, second = (count.number(b) - count.number(a) for a, b in ((START, border), (border, last)))
    exact = Fraction(1_000_000 * (rates[0] * first + rates[1] * second), 10_000 * count.year)
    assert meter.accrued.get("interest", 0) == int(exact + Fraction(1, 2))


def test_terms_that_begin_later_bear_nothing_before_their_own_start() -> None:
    later = terms(rate=3650, start=START + timedelta(days=20))
    dated = terms(rate=0, then=(START + timedelta(days=10), later))
    assert interest(dated, START + timedelta(days=30), 100_000) == 1_000


def test_one_late_fee_whatever_terms_come_after_it() -> None:
    later = terms(rate=0, late_fee=LateFee(START + timedelta(days=40), 900, 0, lambda _: None))
    dated = terms(
        rate=0, late_fee=LateFee(START + timedelta(days=5), 500, 0, lambda _: None),
        then=(START + timedelta(days=10), later),
    )  # fmt: skip
    meter = Meter(dated, placed=1_000)
    assert meter.run(on(START + timedelta(days=60)), 1_000, 1_000) == {"fee": 500}
