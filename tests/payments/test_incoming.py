"""Receipts by hand, money that waits, and paying back: two people approve, nothing is lost, all is booked."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from recupero.kernel import clock, crypto, jobs, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.ledger.books import TRUST, Book
from recupero.payments.incoming import paying_back, receipts, suspense
from recupero.payments.incoming_tables import RefundTask
from recupero.payments.tables import Payment
from recupero.placements.normalise import name_key
from recupero.placements.tables import Account, Debtor
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay
from tests.payments.test_events import check


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}])


def enter(placed: Placed, amount: int = 400, known: bool = True, **more: Any) -> int:
    given: dict[str, Any] = {
        "means": "transfer", "amount_minor": amount, "currency": "CLP", "received_on": date(2026, 3, 9),
        "account_ids": placed.account_ids if known else [], "actor": "user:1", **more,
    }  # fmt: skip
    with runtime.current().database.transaction(placed.scope) as session:
        return receipts.enter_receipt(session, **given)


def approve(placed: Placed, receipt: int, actor: str = "user:2") -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        return receipts.approve_receipt(session, receipt, actor=actor)


def waiting(placed: Placed) -> list[suspense.Waiting]:
    with runtime.current().database.transaction(placed.scope) as session:
        return suspense.waiting(session)


def tasks(placed: Placed) -> list[tuple[str, int]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(select(RefundTask.state, RefundTask.amount_minor).order_by(RefundTask.id))
        return [(state, amount) for state, amount in rows]


def held(placed: Placed) -> int:
    books = check(placed)
    return sum(books.get(book, 0) for book in TRUST)


def test_a_receipt_is_booked_when_somebody_else_approves_it(placed: Placed) -> None:
    receipt = enter(placed)
    assert Book.TRUST_CASH not in check(placed)
    with pytest.raises(Conflict, match="somebody else"):
        approve(placed, receipt, "user:1")
    approve(placed, receipt)
    books = check(placed)
    assert (books[Book.TRUST_CASH], books[Book.RECEIVABLE]) == (400, 600)
    with pytest.raises(Conflict, match="decided"):
        approve(placed, receipt, "user:3")
    assert check(placed) == books


def test_a_rejected_receipt_is_not_money(placed: Placed) -> None:
    receipt = enter(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        with pytest.raises(UserError, match="why"):
            receipts.reject_receipt(session, receipt, reason=" ", actor="user:2")
        receipts.reject_receipt(session, receipt, reason="no such transfer", actor="user:2")
    with pytest.raises(Conflict):
        approve(placed, receipt)
    assert Book.TRUST_CASH not in check(placed)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"means": "barter"}, "means"), ({"amount_minor": 0}, "amount"), ({"currency": "XYZ"}, "currency"),
        ({"received_on": date(2026, 3, 11)}, "received_on"), ({"currency": "EUR"}, "currency"),
        ({"account_ids": [999_999]}, "accounts"),
    ],
)  # fmt: skip
def test_a_receipt_that_cannot_be_is_refused_at_its_field(
    placed: Placed, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(UserError) as raised:
        enter(placed, **wrong)
    assert raised.value.field == field


def test_another_creditors_receipt_is_not_found(
    platform: runtime.Runtime, world: World, placed: Placed
) -> None:
    receipt, other = enter(placed), world.tenant()
    with platform.database.transaction(other) as session, pytest.raises(NotFound):
        receipts.approve_receipt(session, receipt, actor="user:2")


def test_unidentified_money_waits_by_age_until_a_person_finds_whose_it_is(placed: Placed) -> None:
    payment = approve(placed, enter(placed, known=False, reference="sin glosa"))
    assert check(placed)[Book.SUSPENSE] == -400
    ages = []
    for days in (0, 8, 24, 60):
        clock.advance(timedelta(days=days))
        ages.append(waiting(placed)[0].age)
    assert ages == ["0-7", "8-30", "31-90", "90+"]
    with runtime.current().database.transaction(placed.scope) as session:
        suspense.assign(session, payment, placed.account_ids, actor="user:1")
    assert waiting(placed) == []
    books = check(placed)
    assert books[Book.RECEIVABLE] == 600
    assert books[Book.COMMISSION_EARNED] == -80
    assert Book.SUSPENSE not in books


def test_the_same_books_whether_it_was_known_at_once_or_found_later(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    at_once, later = (place(platform, world.tenant(), [{"principal": 1000, "cost": 90}]) for _ in range(2))
    approve(at_once, enter(at_once))
    payment = approve(later, enter(later, known=False))
    with platform.database.transaction(later.scope) as session:
        suspense.assign(session, payment, later.account_ids, actor="user:1")
    assert check(at_once) == check(later)


def name_it(placed: Placed, name: str = "María Pérez") -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        debtor = session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id))
        debtor.name_index = crypto.keyring().blind_index(name_key(name))


def test_suggestions_by_number_name_and_amount(
    platform: runtime.Runtime, world: World, placed: Placed
) -> None:
    other = place(platform, placed.scope, [{"principal": 555}])
    name_it(other, "Otra Persona")
    name_it(placed)
    with platform.database.transaction(placed.scope) as session:
        number = session.get_one(Account, (placed.scope.tenant(), other.account_ids[0])).client_account
    approve(placed, enter(placed, 1000, known=False, payer="PEREZ MARIA"))
    approve(placed, enter(placed, 20, known=False, reference=f"pago {number.lower()}, gracias"))
    approve(placed, enter(placed, 77, known=False, reference="nada"))
    with platform.database.transaction(placed.scope) as session:
        found = suspense.waiting(session)
        proposed = suspense.suggestions(session, found)
    why = [[(one.debt.account_id, one.why) for one in proposed[item.payment_id]] for item in found]
    assert why == [
        [(placed.account_ids[0], {"name", "amount"})], [(other.account_ids[0], {"number"})], [],
    ]  # fmt: skip


def test_too_much_is_to_be_paid_back_and_is_booked_when_it_was(placed: Placed) -> None:
    pay(placed, 1300, "a")
    assert tasks(placed) == [("open", 300)]
    task = waiting(placed)[0].task_id
    assert task is not None
    with runtime.current().database.transaction(placed.scope) as session:
        with pytest.raises(UserError, match="reference"):
            paying_back.paid_back(session, task, means="transfer", reference=" ", actor="user:1")
        paying_back.paid_back(session, task, means="transfer", reference="OP-1", actor="user:1")
    books = check(placed)
    assert (books[Book.TRUST_CASH], books[Book.REFUNDS]) == (1300, -300)
    assert Book.SUSPENSE not in books
    assert tasks(placed) == [("done", 300)]
    with runtime.current().database.transaction(placed.scope) as session, pytest.raises(Conflict):
        paying_back.paid_back(session, task, means="transfer", reference="OP-1", actor="user:1")


def test_a_later_refund_of_the_gateway_adds_to_what_was_paid_back(placed: Placed) -> None:
    from recupero.payments.books.booking import reverse_payment

    pay(placed, 1300, "a")
    with runtime.current().database.transaction(placed.scope) as session:
        task = suspense.waiting(session)[0].task_id or 0
        paying_back.paid_back(session, task, means="transfer", reference="OP-1", actor="user:1")
        reverse_payment(session, payment_key="gateway:a", event_key="r", kind="refund", total_minor=200,
                        occurred_at=clock.now())  # fmt: skip
    assert held(placed) == 800
    assert check(placed)[Book.RECEIVABLE] == 200


def test_a_debt_that_takes_the_money_after_all_voids_the_task(
    platform: runtime.Runtime, placed: Placed
) -> None:
    from tests.payments.test_faults import _file

    pay(placed, 1300, "a")
    _file(platform, placed, 0, "adjustment", 300, 1)
    assert tasks(placed) == [("void", 300)]
    assert waiting(placed) == []


def test_money_of_a_mismatch_waits_without_a_task_until_a_person_decides(placed: Placed) -> None:
    payment = approve(placed, enter(placed, known=False))
    assert tasks(placed) == []
    with runtime.current().database.transaction(placed.scope) as session:
        task = paying_back.ask_refund(session, payment, actor="user:1")
        assert paying_back.ask_refund(session, payment, actor="user:1") == task
        paying_back.paid_back(session, task, means="cash", reference="caja 12", actor="user:1")
    assert held(placed) == 0


def test_what_has_paid_one_debtor_is_not_moved_to_another(platform: runtime.Runtime, placed: Placed) -> None:
    other = place(platform, Scope(placed.scope.agency_id, placed.scope.tenant_ids), [{"principal": 500}])
    pay(placed, 1300, "a")
    with platform.database.transaction(placed.scope) as session:
        payment = session.execute(select(Payment.id)).scalar_one()
        with pytest.raises(Conflict, match="another debtor"):
            suspense.assign(session, payment, other.account_ids, actor="user:1")
    jobs.drain()
