"""Interest and late fees in the books: as contract and country allow, the same whenever money is told."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.ledger import queries as ledger
from recupero.payments.books.booking import Received, book_payment, reverse_payment
from recupero.payments.debts import accruing
from recupero.payments.tables import Payment
from recupero.placements import service as placements
from recupero.placements.tables import Portfolio
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import account, parts, pay
from tests.payments.test_faults import Books, books

JANUARY = datetime(2026, 1, 1, 15, 0, tzinfo=UTC)
#: Chile's caps go by rates that the authority publishes; without them nothing accrues.
PUBLISHED = {"maximum_conventional_rate": 3000, "current_interest_rate": 2500}
TWELVE = {"accrual": {"rate": 1200, "rates": PUBLISHED}}
MILLION = ({"principal": 1_000_000},)


@pytest.fixture
def scope(world: World) -> Scope:
    with clock.simulated(JANUARY):
        return world.tenant()


def placed_in_january(
    platform: runtime.Runtime, scope: Scope, terms: dict[str, Any], debts: Any = MILLION
) -> Placed:
    with clock.simulated(JANUARY):
        return place(platform, scope, debts, terms=terms)


def accrued(placed: Placed, until: datetime) -> list[dict[str, int]]:
    """What is owed by part after the monthly job has run at a moment."""
    with clock.simulated(until):
        run(placed)
        books(placed)
        return parts(placed)


def run(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        after: int | None = 0
        while after is not None:
            after = accruing.accrue_some(session, after)


def year_later(platform: runtime.Runtime, scope: Scope, accrual: dict[str, Any]) -> dict[str, int]:
    placed = placed_in_january(platform, scope, {"accrual": accrual})
    return accrued(placed, JANUARY + timedelta(days=365))[0]


def test_nothing_accrues_unless_the_terms_say_so(platform: runtime.Runtime, scope: Scope) -> None:
    placed = placed_in_january(platform, scope, {})
    assert accrued(placed, JANUARY + timedelta(days=400)) == [{"principal": 1_000_000}]


def test_each_month_is_booked_once(platform: runtime.Runtime, scope: Scope) -> None:
    placed = placed_in_january(platform, scope, TWELVE)
    assert accrued(placed, datetime(2026, 2, 1, 6, tzinfo=UTC))[0]["interest"] == 10_192  # 31 days
    assert accrued(placed, datetime(2026, 2, 20, 6, tzinfo=UTC))[0]["interest"] == 10_192
    assert accrued(placed, datetime(2026, 3, 1, 6, tzinfo=UTC))[0]["interest"] == 19_397  # 59 days
    assert account(placed).balance_minor == 1_019_397


def test_the_scheduled_job_accrues_for_every_creditor(platform: runtime.Runtime, world: World) -> None:
    with clock.simulated(JANUARY):
        agency = world.agency()
        both = [place(platform, world.tenant(agency), MILLION, terms=TWELVE) for _ in range(2)]
    with clock.simulated(datetime(2026, 2, 1, 6, tzinfo=UTC)):
        with platform.database.transaction(agency) as session:
            jobs.enqueue(session, "payments.accrue_all")
        jobs.drain()
        assert [parts(placed)[0]["interest"] for placed in both] == [10_192, 10_192]


def test_the_page_brings_a_debt_up_to_today(platform: runtime.Runtime, scope: Scope) -> None:
    placed = placed_in_january(platform, scope, TWELVE)
    with clock.simulated(JANUARY + timedelta(days=10)):
        for _ in range(2):
            with platform.database.transaction(scope) as session:
                accruing.accrue_debtor(session, placed.debtor_id)
        assert parts(placed) == [{"principal": 1_000_000, "interest": 3_288}]
        pay(placed, 1_003_288)
        assert account(placed).close_code == "PIF"


@pytest.mark.parametrize(
    ("accrual", "interest"),
    [
        ({"rate": 1200}, 0),  # the country's caps cannot be known
        ({"rate": 4000, "rates": PUBLISHED}, 250_000),  # nor can more than the lower of them be asked
        ({"rate": 1200, "rates": PUBLISHED, "day_count": "act/360"}, 121_667),
        ({"rate": 1200, "rates": PUBLISHED, "day_count": "30/360"}, 120_000),
        ({"rate": 1200, "rates": PUBLISHED, "from": "due"}, 240_000),
        ({"rate": "contract", "rates": PUBLISHED}, 0),  # the creditor placed none
    ],
)
def test_a_year_as_contract_and_country_allow(
    platform: runtime.Runtime, scope: Scope, accrual: dict[str, Any], interest: int
) -> None:
    owed = year_later(platform, scope, accrual)
    assert owed == {"principal": 1_000_000} | ({"interest": interest} if interest else {})


def test_a_late_fee_is_booked_once(platform: runtime.Runtime, scope: Scope) -> None:
    terms = {"rate": 0, "late_fee_minor": 5_000, "late_fee_rate": 50, "late_fee_after_days": 30}
    assert year_later(platform, scope, terms) == {"principal": 1_000_000, "fee": 10_000}


@pytest.mark.parametrize(
    ("kind", "stopped_by", "interest"),
    [("insolvency", [], 3_288), ("breathing_space", [], 3_288), ("dispute", [], 120_000),
     ("dispute", ["dispute"], 3_288)],
)  # fmt: skip
def test_interest_rests_during_holds(
    platform: runtime.Runtime, scope: Scope, kind: str, stopped_by: list[str], interest: int
) -> None:
    accrual = {"rate": 1200, "rates": PUBLISHED, "stopped_by": stopped_by}
    placed = placed_in_january(platform, scope, {"accrual": accrual})
    with clock.simulated(JANUARY + timedelta(days=10)), platform.database.transaction(scope) as session:
        placements.open_hold(session, debtor_id=placed.debtor_id, account_id=None, kind=kind, source="test")
    assert accrued(placed, JANUARY + timedelta(days=365))[0]["interest"] == interest


def test_a_recalled_account_bears_nothing_more(platform: runtime.Runtime, scope: Scope) -> None:
    placed = placed_in_january(platform, scope, TWELVE)
    with clock.simulated(JANUARY + timedelta(days=10)), platform.database.transaction(scope) as session:
        placements.recall_accounts(session, placed.account_ids)
    with clock.simulated(JANUARY + timedelta(days=100)):
        pay(placed, 503_288)
        books(placed)
        assert parts(placed) == [{"principal": 500_000}]


def test_the_contract_says_which_part_is_paid_first(platform: runtime.Runtime, scope: Scope) -> None:
    terms = {"allocation_order": ["principal", "interest", "fee", "cost", "tax"]}
    placed = placed_in_january(platform, scope, terms, [{"principal": 700, "cost": 50}])
    with clock.simulated(JANUARY):
        pay(placed, 700)
        assert parts(placed) == [{"cost": 50}]


def test_a_payment_told_late_takes_back_the_interest_it_saved(
    platform: runtime.Runtime, scope: Scope
) -> None:
    placed = placed_in_january(platform, scope, TWELVE)
    assert accrued(placed, JANUARY + timedelta(days=365))[0]["interest"] == 120_000
    with clock.simulated(JANUARY + timedelta(days=365)):
        pay(placed, 1_000_000, received_at=JANUARY)
        books(placed)
        assert account(placed).close_code == "PIF"


def test_what_has_accrued_stays_owed_when_the_terms_no_longer_let_interest_grow(
    platform: runtime.Runtime, scope: Scope
) -> None:
    placed = placed_in_january(platform, scope, TWELVE)
    accrued(placed, JANUARY + timedelta(days=31))
    from recupero.placements.tables import Portfolio

    with platform.database.transaction(scope) as session:
        session.get_one(Portfolio, (scope.tenant(), placed.portfolio_id)).terms = {"commission_rate": 0}
    with clock.simulated(JANUARY + timedelta(days=365)):
        pay(placed, 1_010_192)
        books(placed)
        assert account(placed).close_code == "PIF"


# (what, payment, amount, day): one payment has one amount and one day, whoever tells it.
TOLD = st.tuples(
    st.sampled_from(["pay", "pay", "refund", "dispute", "dispute_won"]),
    st.integers(0, 2),
    st.integers(1, 900_000),
    st.integers(0, 80),
)
END = JANUARY + timedelta(days=150)
Tell = Callable[[Placed], None]


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=st.lists(TOLD, max_size=7), seed=st.integers(0, 1000))
def test_told_in_time_or_late_and_in_any_order_the_books_are_the_same(
    platform: runtime.Runtime, world: World, told: list[tuple[str, int, int, int]], seed: int
) -> None:
    """One creditor hears everything when it happens and accrues each month; the other hears it at the end."""
    debts = ({"principal": 700_000, "cost": 300}, {"principal": 500_000, "interest": 10_000})
    with clock.simulated(JANUARY):
        in_time, late = (place(platform, world.tenant(), debts, terms=TWELVE) for _ in range(2))
    days = sorted((_day(one), number) for number, one in enumerate(told))
    for day, number in [*days, (150, -1)]:
        with clock.simulated(JANUARY + timedelta(days=day)):
            run(in_time)
            if number >= 0:
                _tell(in_time, told[number])
    with clock.simulated(END):
        again = told * 2
        random.Random(seed).shuffle(again)
        for one in again:
            _tell(late, one)
        assert _at_the_end(in_time) == _at_the_end(late)


def _day(told: tuple[str, int, int, int]) -> int:
    what, number, _, day = told
    return 20 * number + (0 if what == "pay" else 1 + day)


def _tell(placed: Placed, told: tuple[str, int, int, int]) -> None:
    what, number, amount, _ = told
    key, at = f"gateway:{number}", JANUARY + timedelta(days=_day(told))
    with runtime.current().database.transaction(placed.scope) as session:
        if what == "pay":
            book_payment(session, Received(key, "gateway", 250_000 * (number + 1), "CLP", at,
                                           placed.debtor_id, placed.account_ids))  # fmt: skip
        else:
            reverse_payment(
                session, payment_key=key, event_key=f"{what}-{number}-{amount}-{at}", kind=what,
                total_minor=amount, occurred_at=at,
            )  # fmt: skip


def _at_the_end(placed: Placed) -> tuple[Books, list[dict[str, int]], list[tuple[Any, ...]]]:
    with runtime.current().database.transaction(placed.scope) as session:
        accruing.accrue_debtor(session, placed.debtor_id)
    found = books(placed), parts(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        payments = session.query(Payment).order_by(Payment.external_key)
        rates = [
            (one.external_key, one.state, one.refunded_minor, one.charged_back_minor) for one in payments
        ]
        assert ledger.check(session) == []
    return (*found, rates)


def new_terms(placed: Placed, terms: dict[str, Any], day: date | None = None) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        placements.set_terms(session, placed.portfolio_id, terms, actor="user:1", holds_from=day)


FREE = {
    "accrual": {"rate": 3650, "rates": {"maximum_conventional_rate": 9000, "current_interest_rate": 9000}}
}


def test_a_change_of_terms_leaves_what_accrued_before_it(platform: runtime.Runtime, scope: Scope) -> None:
    placed = placed_in_january(platform, scope, FREE)
    at = JANUARY + timedelta(days=10)
    with clock.simulated(at):
        new_terms(placed, {"accrual": {**FREE["accrual"], "rate": 730}})
    (owed,) = accrued(placed, JANUARY + timedelta(days=40))
    assert owed["interest"] == 10 * 1_000 + 30 * 200


def test_interest_agreed_later_begins_on_its_day(platform: runtime.Runtime, scope: Scope) -> None:
    placed = placed_in_january(platform, scope, {})
    with clock.simulated(JANUARY + timedelta(days=2)):
        new_terms(placed, FREE, date(2026, 1, 11))
    (owed,) = accrued(placed, JANUARY + timedelta(days=20))
    assert owed["interest"] == 10 * 1_000


def test_a_debt_placed_after_a_change_knows_the_new_terms_only(
    platform: runtime.Runtime, scope: Scope
) -> None:
    before = {**FREE, "before": [{"until": "2026-01-01", "accrual": {"rate": 9000}}]}
    with clock.simulated(JANUARY):
        old = place(platform, scope, MILLION)
        with platform.database.transaction(scope) as session:
            session.execute(update(Portfolio).where(Portfolio.id == old.portfolio_id).values(terms=before))
    (owed,) = accrued(old, JANUARY + timedelta(days=10))
    assert owed["interest"] == 10 * 1_000


def test_a_payment_of_before_the_change_told_after_it_leaves_the_same_books(
    platform: runtime.Runtime, world: World
) -> None:
    """Rate and order of parts change between the payment and its telling."""
    last = {"commission_rate": 2000, "allocation_order": ["principal", "interest", "fee", "cost", "tax"],
            "accrual": {**FREE["accrual"], "rate": 730}}  # fmt: skip
    found = []
    for late in (False, True):
        with clock.simulated(JANUARY):
            placed = place(platform, world.tenant(), MILLION, terms=FREE)
        paid_at = JANUARY + timedelta(days=5)
        with clock.simulated(JANUARY + timedelta(days=6)):
            if not late:
                pay(placed, 400_000, "early", received_at=paid_at)
        with clock.simulated(JANUARY + timedelta(days=10)):
            new_terms(placed, last)
        with clock.simulated(JANUARY + timedelta(days=20)):
            pay(placed, 3_000, "second")
            if late:
                pay(placed, 400_000, "early", received_at=paid_at)
        (owed,) = accrued(placed, JANUARY + timedelta(days=40))
        found.append((owed, books(placed)))
    assert found[0] == found[1]
    # 5 days, then 605,000 of principal left for 5 days; then at a fifth, and 3,000 paid on it first
    assert found[0][0]["principal"] == 605_000 - 3_000
