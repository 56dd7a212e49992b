"""Money paid straight to the creditor earns the fee and never touches the trust account."""

import pytest

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.kernel.events import publish
from recupero.ledger.books import Book
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import account, books, parts, pay


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def report(placed: Placed, kind: str, amount: int, key: str = "line", **changes: object) -> None:
    values = {"row_number": 2, "account_id": placed.account_ids[0], "kind": kind, "amount_minor": amount,
              "currency": "CLP", "paid_on": "2026-03-10", "external_key": key, **changes}  # fmt: skip
    row = DirectPayment(**values)  # type: ignore[arg-type]  # from the caller
    with runtime.current().database.transaction(placed.scope) as session:
        publish(session, DirectPaymentsReported(1, (row,)))


def test_a_direct_payment_lowers_the_debt_and_earns_the_fee(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 1000}], rate=2000)
    for _ in range(2):
        report(placed, "payment", 400)
    assert books(scope) == {
        Book.RECEIVABLE: 600, Book.PLACEMENT_CONTROL: -1000, Book.DIRECT_PAYMENTS: 400,
        Book.CREDITOR_PAYABLE: 80, Book.COMMISSION_EARNED: -80,
    }  # fmt: skip
    assert account(placed).balance_minor == 600


def test_its_reversal_gives_everything_back_once(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    before = books(scope)
    report(placed, "payment", 400)
    for _ in range(2):
        report(placed, "reversal", 400, "undo")
    assert books(scope) == before


def test_a_reversal_takes_the_payment_of_its_reference_first(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 900, "cost": 100}])
    report(placed, "payment", 100, "a", reference="R1")
    report(placed, "payment", 200, "b", reference="R2")
    report(placed, "reversal", 100, "undo", reference="R1")
    assert parts(placed) == [{"principal": 700, "cost": 100}]


def test_taking_back_more_than_was_paid_names_the_row(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    report(placed, "payment", 100, "a")
    with pytest.raises(UserError) as refused:
        report(placed, "reversal", 150, "undo")
    assert refused.value.row == 2
    assert account(placed).balance_minor == 900


def test_paid_twice_to_the_creditor_is_seen_but_not_ours(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    report(placed, "payment", 1200)
    assert books(scope)[Book.DIRECT_EXCESS] == -200
    assert Book.TRUST_CASH not in books(scope)


def test_an_adjustment_changes_what_is_owed(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope, [{"principal": 900, "cost": 100}])
    for _ in range(2):
        report(placed, "adjustment", -150, "less")
    assert parts(placed) == [{"principal": 850}]
    report(placed, "adjustment", 50, "more", part="interest")
    assert parts(placed) == [{"principal": 850, "interest": 50}]


def test_an_adjustment_never_goes_below_nothing(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    report(placed, "adjustment", -5000, "less")
    assert books(scope) == {}
    assert account(placed).status == "resolved"


def test_a_rise_is_paid_from_what_waits_in_suspense(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    pay(placed, 1100)
    assert books(scope)[Book.SUSPENSE] == -100
    report(placed, "adjustment", 60, "more")
    assert books(scope)[Book.SUSPENSE] == -40
    assert account(placed).balance_minor == 0


def test_another_currency_than_the_accounts_is_refused(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    with pytest.raises(UserError, match="currency"):
        report(placed, "payment", 100, currency="USD")
