"""Money is booked once, allocated whole, and the account follows."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select, text

from recupero.contacts import answers, judging
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.ledger import queries as ledger
from recupero.ledger.books import Book
from recupero.payments.books import booking
from recupero.payments.tables import Allocation, Payment
from recupero.placements.tables import Account
from recupero_sdk.law import Event
from tests.factories import World
from tests.ledger.placed import Placed, place


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def pay(placed: Placed, amount: int, key: str = "one", **changes: object) -> int | None:
    values = {
        "external_key": f"gateway:{key}", "kind": "gateway", "amount_minor": amount, "currency": "CLP",
        "received_at": clock.now(), "debtor_id": placed.debtor_id, "account_ids": placed.account_ids,
        **changes,
    }  # fmt: skip
    with runtime.current().database.transaction(placed.scope) as session:
        return booking.book_payment(session, booking.Received(**values))  # type: ignore[arg-type]  # from the caller


def go_back(placed: Placed, total: int, key: str = "one", kind: str = "refund", event: str = "back") -> bool:
    with runtime.current().database.transaction(placed.scope) as session:
        return booking.reverse_payment(
            session, payment_key=f"gateway:{key}", event_key=event, kind=kind, total_minor=total,
            occurred_at=clock.now(),
        )  # fmt: skip


def books(scope: Scope) -> dict[Book, int]:
    with runtime.current().database.transaction(scope) as session:
        assert ledger.check(session) == []
        return {book: amount for (_, _, book), amount in ledger.trial_balance(session).items() if amount}


def account(placed: Placed, number: int = 0) -> Account:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.get_one(Account, (placed.scope.tenant(), placed.account_ids[number]))


def parts(placed: Placed) -> list[dict[str, int]]:
    with runtime.current().database.transaction(placed.scope) as session:
        found = ledger.balances(session, placed.account_ids)
        return [
            {part: amount for part, amount in found[one].parts.items() if amount}
            for one in placed.account_ids
        ]


def test_a_payment_goes_to_costs_fees_interest_principal_of_the_oldest_debt_first(
    platform: runtime.Runtime, scope: Scope
) -> None:
    debt = {"principal": 1000, "interest": 100, "fee": 50, "cost": 20, "tax": 5}
    placed = place(platform, scope, [debt, {"principal": 500}])
    pay(placed, 120)
    assert parts(placed) == [{"principal": 1000, "interest": 55}, {"principal": 500}]
    pay(placed, 1155, "two")
    assert parts(placed) == [{}, {"principal": 400}]


def test_the_account_follows_its_payment(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 1000}])
    pay(placed, 400)
    assert (account(placed).balance_minor, account(placed).status) == (600, "active")
    pay(placed, 600, "two")
    assert (account(placed).balance_minor, account(placed).status, account(placed).close_code) == (
        0, "resolved", "PIF",
    )  # fmt: skip


def test_money_is_held_for_the_creditor_less_the_fee(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 1000}], rate=1575)
    pay(placed, 333)
    assert books(scope) == {
        Book.RECEIVABLE: 667, Book.PLACEMENT_CONTROL: -667, Book.TRUST_CASH: 333,
        Book.CREDITOR_PAYABLE: -281, Book.COMMISSION_EARNED: -52,
    }  # fmt: skip


def test_the_same_payment_told_twice_is_booked_once(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    assert pay(placed, 400) is not None
    before = books(scope)
    assert pay(placed, 400) is None
    assert books(scope) == before


def test_an_over_payment_waits_in_suspense(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    pay(placed, 1300)
    assert books(scope)[Book.SUSPENSE] == -300
    assert books(scope)[Book.TRUST_CASH] == 1300
    assert account(placed).balance_minor == 0


def test_a_refund_mirrors_the_allocation_gives_the_fee_back_and_reopens_the_account(
    platform: runtime.Runtime, scope: Scope
) -> None:
    placed = place(platform, scope, [{"principal": 900, "cost": 100}])
    before = books(scope)
    pay(placed, 1000)
    assert account(placed).status == "resolved"
    clock.advance(timedelta(days=1))
    assert go_back(placed, 1000)
    assert not go_back(placed, 1000)
    assert books(scope) == before | {Book.TRUST_CASH: 1000, Book.REFUNDS: -1000}
    assert parts(placed) == [{"principal": 900, "cost": 100}]
    assert (account(placed).status, account(placed).balance_minor) == ("active", 1000)


def test_the_law_is_told_of_payments_that_stand(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 1000}])

    def told() -> tuple[Event, ...]:
        (ask,) = [(placed.account_ids[0], None)]
        with platform.database.transaction(scope) as session:
            return judging.law_facts(session, [ask])[ask].events

    first = clock.now().date()
    pay(placed, 300)
    clock.advance(timedelta(days=40))
    pay(placed, 200, "two")
    assert told() == (Event("payment", first), Event("payment", first + timedelta(days=40)))
    assert go_back(placed, 300)
    assert told() == (Event("payment", first + timedelta(days=40)),)


def test_a_part_refund_takes_back_what_was_paid_last(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 900, "cost": 100}])
    pay(placed, 500)
    go_back(placed, 150)
    assert parts(placed) == [{"principal": 650}]
    go_back(placed, 450, event="more")
    assert parts(placed) == [{"principal": 900, "cost": 50}]
    assert (books(scope)[Book.TRUST_CASH], books(scope)[Book.REFUNDS]) == (500, -450)


def test_a_refund_that_comes_before_its_payment_waits_for_it(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    before = books(scope)
    assert go_back(placed, 400)
    assert books(scope) == before
    pay(placed, 400, received_at=clock.now() - timedelta(hours=1))
    assert books(scope) == before | {Book.TRUST_CASH: 400, Book.REFUNDS: -400}


def test_a_reversal_uses_the_suspense_of_another_payment(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    pay(placed, 800)
    clock.advance(timedelta(hours=1))
    pay(placed, 500, "two")
    assert books(scope)[Book.SUSPENSE] == -300
    clock.advance(timedelta(hours=1))
    go_back(placed, 800)
    assert Book.SUSPENSE not in books(scope)
    assert account(placed).balance_minor == 500


def test_a_won_dispute_gives_the_money_back(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    pay(placed, 1000)
    paid = books(scope)
    clock.advance(timedelta(days=1))
    go_back(placed, 1000, kind="dispute", event="opened")
    assert books(scope)[Book.RECEIVABLE] == 1000
    clock.advance(timedelta(days=1))
    go_back(placed, 1000, kind="dispute_won", event="won")
    assert books(scope) == paid


def test_a_late_payment_leaves_the_books_as_if_it_had_come_in_time(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    results = []
    for order in ((1, 2), (2, 1)):
        scope = world.tenant()
        placed = place(platform, scope, [{"principal": 500, "cost": 100}, {"principal": 300}])
        for number in order:
            moment = clock.now() + timedelta(hours=number)
            pay(placed, 350 * number, f"{number}", received_at=moment)
        with platform.database.transaction(scope) as session:
            lies = session.execute(
                select(Payment.external_key, Allocation.part, func.sum(Allocation.amount_minor))
                .join(Allocation, Allocation.payment_id == Payment.id)
                .group_by(Payment.external_key, Allocation.part)
                .having(func.sum(Allocation.amount_minor) != 0)
                .order_by(Payment.external_key, Allocation.part)
            ).all()  # fmt: skip
        results.append((lies, books(scope)))
    assert results[0] == results[1]


def test_an_unknown_currency_or_no_amount_is_refused(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    with pytest.raises(UserError, match="unknown currency"):
        pay(placed, 100, currency="QQQ")
    with pytest.raises(UserError, match="above zero"):
        pay(placed, 0)
    assert Book.TRUST_CASH not in books(scope)


def test_a_payment_is_counted_to_the_newest_contact_of_thirty_days(
    platform: runtime.Runtime, scope: Scope
) -> None:
    placed = place(platform, scope)
    with platform.database.transaction(scope) as session:
        called = answers.record_inbound(session, account_id=placed.account_ids[0], channel="call")
    clock.advance(timedelta(days=20))
    first = pay(placed, 100, "soon")
    clock.advance(timedelta(days=11))
    second = pay(placed, 100, "late")
    with platform.database.transaction(scope) as session:
        counted = [session.get_one(Payment, (scope.tenant(), one or 0)) for one in (first, second)]
        assert [(one.contact_id, one.channel) for one in counted] == [(called, "call"), (None, None)]


def test_a_booking_reads_only_the_payments_of_its_debtor(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 1000}])
    pay(placed, 100)
    with platform.database.transaction(scope) as session:
        session.execute(_OTHERS, {"many": 20_000})
    with create_engine(platform.config.owner_database_url).begin() as owner:
        owner.execute(text("ANALYZE payments"))
    with platform.database.transaction(scope) as session:
        before = session.execute(_READ).scalar_one()
        booking.book_payment(
            session,
            booking.Received("two", "manual", 2000, "CLP", clock.now(), placed.debtor_id, placed.account_ids),
        )
        assert 1 <= session.execute(_READ).scalar_one() - before < 100


#: Payments as the one that is there, of debtors who owe nothing.
_OTHERS = text("""
INSERT INTO payments (tenant_id, debtor_id, external_key, kind, amount_minor, currency, account_ids, rates,
                      state, received_at, booked_at, transaction_id)
SELECT tenant_id, -i, 'other-' || i, kind, amount_minor, currency, '{}', rates, state, received_at, booked_at,
       transaction_id
FROM payments, generate_series(1, :many) i
""")
#: Rows of payments that this connection has read and not reported yet.
_READ = text("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'payments'")
