"""A settlement is offered by leave, taken once, and written off exactly: whatever the order of receipts."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, Forbidden, UserError
from recupero.ledger import queries as ledger
from recupero.ledger.books import Book
from recupero.payments.agreements import settlement_queries, settlements
from recupero.payments.books import booking, settlement_windows
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.tables import Allocation
from recupero.placements.events import DirectPayment
from recupero.placements.tables import Account
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import books, go_back, pay
from tests.payments.test_direct import statements
from tests.payments.test_plans import AGENT, CREDITOR, SUPERVISOR, settle
from tests.thorough import examples

TODAY = date(2026, 3, 10)
TERMS: dict[str, Any] = {
    "settlement_floor_percent": 60, "offer_limits": [{"role": "agent", "settlement_floor_percent": 70}],
    "commission": {"rates": [{"rate": 1000, "settlement": True}, {"rate": 2000}]},
}  # fmt: skip


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 500, "cost": 100}, {"principal": 400}], terms=TERMS)


def offer(placed: Placed, amount: int = 700, offerer: Any = AGENT, **more: Any) -> Settlement:
    with runtime.current().database.transaction(placed.scope) as session:
        return settlements.offer_settlement(
            session, account_ids=placed.account_ids, amount_minor=amount,
            valid_until=more.pop("valid_until", TODAY + timedelta(days=14)), offerer=offerer, **more,
        )  # fmt: skip


def accept(placed: Placed, settlement_id: int, **more: Any) -> Settlement:
    with runtime.current().database.transaction(placed.scope) as session:
        return settlements.accept(session, settlement_id, accepted_with="page", **more)


def states(scope: Scope) -> list[tuple[str, int]]:
    with runtime.current().database.transaction(scope) as session:
        assert ledger.check(session) == []
        rows = session.execute(select(Settlement.state, Settlement.written_off_minor).order_by(Settlement.id))
        return [(state, off) for state, off in rows]


def accounts(scope: Scope) -> list[tuple[int, str, str | None]]:
    with runtime.current().database.transaction(scope) as session:
        rows = session.execute(
            select(Account.balance_minor, Account.status, Account.close_code).order_by(Account.id)
        )
        return [(balance, status, code) for balance, status, code in rows]


def test_the_sum_settles_the_accounts_and_the_rest_is_written_off_once(placed: Placed) -> None:
    made = offer(placed)
    assert made.state == "offered"
    accept(placed, made.id)
    accept(placed, made.id)
    pay(placed, 300)
    assert states(placed.scope) == [("accepted", 0)]
    pay(placed, 400, "rest")
    assert states(placed.scope) == [("settled", 300)]
    assert accounts(placed.scope) == [(0, "resolved", "PIF"), (0, "resolved", "SIF")]
    books(placed.scope)


def test_what_comes_after_the_settlement_waits_in_suspense(placed: Placed) -> None:
    accept(placed, offer(placed).id)
    pay(placed, 700)
    clock.advance(timedelta(days=1))
    pay(placed, 50, "too much")
    assert states(placed.scope) == [("settled", 300)]
    with runtime.current().database.transaction(placed.scope) as session:
        waiting = session.execute(select(Allocation.amount_minor).where(Allocation.account_id.is_(None)))
        assert waiting.scalars().all() == [50]


def test_a_reversal_opens_the_debt_and_the_settlement_again(placed: Placed) -> None:
    accept(placed, offer(placed).id)
    pay(placed, 700)
    go_back(placed, 200)
    assert states(placed.scope) == [("accepted", 0)]
    assert sum(balance for balance, _, _ in accounts(placed.scope)) == 500
    assert accounts(placed.scope)[1][1:] == ("active", None)
    pay(placed, 200, "again")
    assert states(placed.scope) == [("settled", 300)]


def test_a_payment_that_becomes_known_late_makes_the_write_off_smaller(placed: Placed) -> None:
    clock.advance(timedelta(hours=1))
    accept(placed, offer(placed).id)
    clock.advance(timedelta(hours=1))
    pay(placed, 700)
    pay(placed, 100, "before", received_at=clock.now() - timedelta(hours=2))
    assert states(placed.scope) == [("settled", 200)]
    assert [balance for balance, _, _ in accounts(placed.scope)] == [0, 0]


@settings(
    max_examples=examples(6), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(order=st.permutations(range(4)), back=st.sampled_from([None, 0, 1, 2, 3]))
def test_whatever_the_order_of_receipts_the_books_are_the_same(
    platform: runtime.Runtime, world: World, noon: object, order: list[int], back: int | None
) -> None:
    start, amounts = clock.now(), (150, 350, 250, 200)
    seen = []
    for sequence in (order, sorted(order)):
        placed = place(platform, world.tenant(), [{"principal": 1000}], terms=TERMS)
        mark = placed.scope.tenant()
        accept(placed, offer(placed).id)
        for number in sequence:
            pay(placed, amounts[number], f"{mark}-{number}",
                received_at=start + timedelta(minutes=number + 1))  # fmt: skip
        if back is not None:
            go_back(placed, amounts[back], f"{mark}-{back}", event=f"back-{mark}")
        total = {book.value: amount for book, amount in books(placed.scope).items()}
        seen.append((states(placed.scope), accounts(placed.scope), total))
    assert seen[0] == seen[1]


def test_payments_under_a_settlement_earn_its_rate(placed: Placed) -> None:
    pay(placed, 100, "before")
    clock.advance(timedelta(minutes=1))
    accept(placed, offer(placed, 700).id)
    clock.advance(timedelta(minutes=1))
    pay(placed, 100, "under")
    with runtime.current().database.transaction(placed.scope) as session:
        fees = session.execute(select(Allocation.fee_minor).order_by(Allocation.id)).scalars().all()
        assert fees == [20, 10]
        assert settlement_windows.settled_accounts(session, placed.account_ids, clock.now()) == set(
            placed.account_ids
        )
        assert not settlement_windows.settled_accounts(
            session, placed.account_ids, clock.now() - timedelta(seconds=90)
        )


def test_the_approval_chain(placed: Placed) -> None:
    with pytest.raises(UserError, match="say why"):
        offer(placed, 650)
    below_own = offer(placed, 650, why="old debt")
    assert (below_own.state, below_own.approver) == ("asked", "supervisor")
    below_floor = offer(placed, 500, SUPERVISOR, why="no income")
    assert (below_floor.state, below_floor.approver) == ("asked", "creditor")
    with runtime.current().database.transaction(placed.scope) as session:
        with pytest.raises(Conflict):
            settlements.accept(session, below_floor.id, accepted_with="page")
        with pytest.raises(Forbidden):
            settlements.decide(session, below_floor.id, SUPERVISOR, allow=True, note="yes")
        settlements.decide(session, below_floor.id, CREDITOR, allow=True, note="agreed by phone")
        settlements.decide(session, below_own.id, SUPERVISOR, allow=False, note="too low")
    assert [state for state, _ in states(placed.scope)] == ["refused", "offered"]
    with runtime.current().database.transaction(placed.scope) as session:
        kept = settlement_queries.find(session, below_floor.id)
        assert (kept.why, kept.decided_by, kept.decision_note) == ("no income", "user:3", "agreed by phone")


def test_a_supervisor_allows_their_own_inside_the_terms_with_a_reason(placed: Placed) -> None:
    assert offer(placed, 600, SUPERVISOR).state == "offered"


def test_an_offer_expires_and_can_be_withdrawn(placed: Placed) -> None:
    first = offer(placed, valid_until=TODAY)
    with runtime.current().database.transaction(placed.scope) as session:
        settlements.withdraw(session, first.id, actor="user:1")
    second = offer(placed, valid_until=TODAY)
    clock.advance(timedelta(days=1))
    with pytest.raises(Conflict):
        accept(placed, second.id)
    settle()
    assert [state for state, _ in states(placed.scope)] == ["withdrawn", "expired"]


def test_a_newer_offer_takes_the_place_of_the_standing_one(placed: Placed) -> None:
    first, second = offer(placed, 900), offer(placed, 800)
    with pytest.raises(Conflict):
        accept(placed, first.id)
    assert accept(placed, second.id).state == "accepted"


def test_a_sum_that_does_not_come_lapses_and_everything_is_owed(placed: Placed) -> None:
    accept(placed, offer(placed).id)
    pay(placed, 600)
    clock.advance(timedelta(days=14))
    settle()
    assert states(placed.scope) == [("lapsed", 0)]
    assert sum(balance for balance, _, _ in accounts(placed.scope)) == 400


def test_instalments_become_a_plan_and_its_last_settles(placed: Placed) -> None:
    choice = Choice(TODAY, every="weekly", instalments=2)
    accept(placed, offer(placed, choice=choice).id)
    with runtime.current().database.transaction(placed.scope) as session:
        plan = session.execute(select(Plan)).scalar_one()
        assert (plan.state, plan.total_minor, plan.settlement_id is not None) == ("running", 700, True)
    pay(placed, 350)
    pay(placed, 350, "second")
    assert states(placed.scope) == [("settled", 300)]
    with runtime.current().database.transaction(placed.scope) as session:
        assert session.execute(select(Plan.state)).scalar_one() == "kept"


def test_a_broken_plan_lets_its_settlement_lapse(placed: Placed) -> None:
    accept(placed, offer(placed, choice=Choice(TODAY, every="monthly", instalments=3)).id)
    clock.advance(timedelta(days=6))
    settle()
    clock.advance(timedelta(days=5))
    settle()
    assert states(placed.scope) == [("lapsed", 0)]


@pytest.mark.parametrize("noticed_after", [6, 20])
def test_when_a_broken_plan_is_noticed_changes_neither_days_nor_rate(
    placed: Placed, noticed_after: int
) -> None:
    """The first instalment is missed after five days of grace: then the settlement is due."""
    accept(placed, offer(placed, choice=Choice(TODAY, every="monthly", instalments=3)).id)
    clock.advance(timedelta(days=noticed_after))
    settle()
    clock.advance(timedelta(days=25 - noticed_after))
    pay(placed, 700)
    settle()
    assert states(placed.scope) == [("lapsed", 0)]
    with runtime.current().database.transaction(placed.scope) as session:
        assert session.execute(select(Settlement.pay_by)).scalar_one() == TODAY + timedelta(days=5)
        assert session.execute(select(func.sum(Allocation.fee_minor))).scalar_one() == 70


def test_a_break_that_nobody_has_noticed_counts_too(placed: Placed) -> None:
    """Everything that is owed comes after the plan broke, before any job has looked; it goes back and comes
    again: at no moment was anything settled."""
    accept(placed, offer(placed, choice=Choice(TODAY, every="weekly", instalments=3)).id)
    clock.advance(timedelta(days=16))
    pay(placed, 1000)
    assert states(placed.scope) == [("lapsed", 0)]
    go_back(placed, 1000, kind="dispute")
    assert states(placed.scope) == [("lapsed", 0)]
    clock.advance(timedelta(minutes=1))
    go_back(placed, 0, kind="dispute_won", event="won")
    pay(placed, 300, "second")
    assert states(placed.scope) == [("lapsed", 0)]
    assert books(placed.scope)[Book.SUSPENSE] == -300


@pytest.mark.parametrize(
    ("amount", "valid_until", "field"),
    [(0, TODAY, "amount"), (1000, TODAY, "amount"), (700, date(2026, 3, 9), "valid_until")],
)
def test_what_is_no_settlement_is_refused(placed: Placed, amount: int, valid_until: date, field: str) -> None:
    with pytest.raises(UserError) as refused:
        offer(placed, amount, valid_until=valid_until)
    assert refused.value.field == field


def test_interest_that_grew_until_the_sum_was_there_is_written_off_and_grows_no_more(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    accrual = {"rate": 3650, "day_count": "act/365", "rates": {"interes_corriente": 3000}}
    placed = place(platform, world.tenant(), [{"principal": 100_000}], terms=TERMS | {"accrual": accrual})
    accept(placed, offer(placed, 70_000).id)
    clock.advance(timedelta(days=5))
    pay(placed, 70_000)
    state, written_off = states(placed.scope)[0]
    assert state == "settled"
    assert written_off >= 30_000
    assert accounts(placed.scope) == [(0, "resolved", "SIF")]
    clock.advance(timedelta(days=90))
    with platform.database.transaction(placed.scope) as session:
        booking.settle_suspense(
            session, debtor_id=placed.debtor_id, currency="CLP", trigger="later", at=clock.now()
        )
    assert accounts(placed.scope) == [(0, "resolved", "SIF")]
    go_back(placed, 70_000)
    assert states(placed.scope)[0][0] == "lapsed"
    assert accounts(placed.scope)[0][0] >= 100_000


def test_the_settlements_of_many_debtors_are_judged_together(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    scope = world.tenant()
    each = [place(platform, scope, [{"principal": 1000}], terms=TERMS) for _ in range(9)]
    for placed in each:
        accept(placed, offer(placed).id)

    def paid(some: list[Placed], amount: int, key: str) -> int:
        return statements(scope, [
            DirectPayment(
                2 + number, placed.account_ids[0], "payment", amount, "CLP", "2026-03-10", f"{key}{number}"
            )
            for number, placed in enumerate(some)
        ])  # fmt: skip

    one = paid(each[:1], 100, "one")
    assert paid(each[1:], 100, "many") <= one + 4, "a part of the sum"
    assert paid(each[:1], 600, "last") > 0
    alone = paid(each[1:2], 600, "next")
    assert paid(each[2:], 600, "rest") <= alone + 6 * 5, "all of it: an audit event and a receipt for each"
    assert states(scope) == [("settled", 300)] * 9
    assert accounts(scope) == [(0, "resolved", "SIF")] * 9
