"""Money paid straight to the creditor earns the fee and never touches the trust account."""

import itertools
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.events import publish
from recupero.ledger.books import Book
from recupero.payments.books import booking
from recupero.placements.debts import debts_by_id
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from recupero.tenancy import queries as tenancy
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import account, books, parts, pay


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


Refused = dict[int, tuple[str, str]]


def report(placed: Placed, kind: str, amount: int, key: str = "line", **changes: object) -> Refused:
    """Tell of one line; what was refused of it."""
    values = {"row_number": 2, "account_id": placed.account_ids[0], "kind": kind, "amount_minor": amount,
              "currency": "CLP", "paid_on": "2026-03-10", "external_key": key, **changes}  # fmt: skip
    row = DirectPayment(**values)  # type: ignore[arg-type]  # from the caller
    return tell(placed.scope, row)


def tell(scope: Scope, *rows: DirectPayment) -> Refused:
    reported = DirectPaymentsReported(1, rows)
    with runtime.current().database.transaction(scope) as session:
        publish(session, reported)
    return reported.refused


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


def test_taking_back_more_than_was_paid_is_refused_and_the_other_lines_are_booked(
    platform: runtime.Runtime, scope: Scope
) -> None:
    placed = place(platform, scope)
    line = DirectPayment(2, placed.account_ids[0], "payment", 100, "CLP", "2026-03-10", "a")
    more = replace(line, row_number=3, kind="reversal", amount_minor=150, external_key="b")
    last = replace(line, row_number=4, amount_minor=50, external_key="c")
    assert tell(scope, line, more, last) == {3: ("amount", "reversal_excess")}
    assert account(placed).balance_minor == 850
    assert tell(scope, more) == {}  # enough has been paid since
    assert account(placed).balance_minor == 1000


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
    assert report(placed, "payment", 100, currency="USD") == {2: ("currency", "currency_differs")}
    assert account(placed).balance_minor == 1000


def test_an_adjustment_of_nothing_is_refused(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    assert report(placed, "adjustment", -5, part="tax") == {2: ("amount", "no_change")}


LINES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 1),
        st.sampled_from(["payment", "payment", "reversal", "adjustment"]),
        st.integers(1, 1500),
        st.booleans(),
        st.integers(1, 10),
        st.sampled_from([None, "R1", "R2"]),
        st.sampled_from([None, "interest"]),
    ),
    max_size=14,
)


@pytest.fixture
def two_creditors(world: World, noon: object) -> tuple[Scope, Scope]:
    return world.tenant(), world.tenant()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(LINES)
def test_a_file_books_what_its_lines_book_one_by_one(
    platform: runtime.Runtime, two_creditors: tuple[Scope, Scope], drawn: list[tuple[Any, ...]]
) -> None:
    """Money, commission, suspense and the traces of each move are the same; and payments are what
    `book_payment` makes of them."""
    together, singly = (three_debtors(platform, scope) for scope in two_creditors)
    example = next(EXAMPLES)
    at_once = tell(together[0].scope, *lines_of(together, drawn, example))
    one_by_one: Refused = {}
    for row in lines_of(singly, drawn, example):
        if row.kind == "payment":
            pay_directly(singly[0].scope, row)
        else:
            one_by_one |= tell(singly[0].scope, row)
    assert at_once == one_by_one
    assert books(together[0].scope) == books(singly[0].scope)
    assert [parts(placed) for placed in together] == [parts(placed) for placed in singly]
    assert moves(together) == moves(singly)


EXAMPLES = itertools.count()


def three_debtors(platform: runtime.Runtime, scope: Scope) -> list[Placed]:
    debts = [{"principal": 700, "interest": 90, "cost": 30}, {"principal": 400, "fee": 10}]
    return [place(platform, scope, debts, rate=1575) for _ in range(3)]


def lines_of(placed: list[Placed], drawn: list[tuple[Any, ...]], example: int) -> list[DirectPayment]:
    return [
        DirectPayment(number, placed[who].account_ids[which], kind,
                      -amount if kind == "adjustment" and down else amount, "CLP", f"2026-03-{day:02}",
                      f"line-{example}-{number}", reference, part if kind == "adjustment" else None)
        for number, (who, which, kind, amount, down, day, reference, part) in enumerate(drawn, 2)
    ]  # fmt: skip


def pay_directly(scope: Scope, row: DirectPayment) -> None:
    """As `book_payment` books it alone."""
    with runtime.current().database.transaction(scope) as session:
        debt = debts_by_id(session, [row.account_id])[0]
        zone = ZoneInfo(tenancy.tenant(session).timezone)
        at = min(datetime.combine(date.fromisoformat(row.paid_on), time.max, zone), clock.now())
        booking.book_payment(
            session,
            booking.Received(
                external_key=f"direct:{row.external_key}", kind="direct", amount_minor=row.amount_minor,
                currency=row.currency, received_at=at, debtor_id=debt.debtor_id,
                account_ids=[row.account_id], note=row.reference,
            ),
        )  # fmt: skip


def moves(placed: list[Placed]) -> list[tuple[Any, ...]]:
    """Every move of every payment, with accounts named by their place, in no order: those of one moment have
    none."""
    places = {identity: (debtor, which) for debtor, one in enumerate(placed)
              for which, identity in enumerate(one.account_ids)}  # fmt: skip
    query = text(
        "SELECT p.external_key, p.state, a.account_id, a.part, a.amount_minor, a.fee_minor, a.at, t.kind"
        " FROM allocations a JOIN payments p ON p.tenant_id = a.tenant_id AND p.id = a.payment_id"
        " JOIN ledger_transactions t ON t.tenant_id = a.tenant_id AND t.id = a.transaction_id"
        " WHERE p.debtor_id = ANY(:debtors)"
    )
    with runtime.current().database.transaction(placed[0].scope) as session:
        rows = session.execute(query, {"debtors": [one.debtor_id for one in placed]}).all()
    return sorted(
        (tuple(places.get(value, value) if name == "account_id" else value
               for name, value in row._mapping.items()) for row in rows),
        key=repr,
    )  # fmt: skip


def test_a_long_file_takes_no_more_statements_than_a_short_one(
    platform: runtime.Runtime, scope: Scope
) -> None:
    placed = [place(platform, scope, [{"principal": 1000}]) for _ in range(40)]
    one = [DirectPayment(2, placed[0].account_ids[0], "payment", 10, "CLP", "2026-03-09", "first")]
    many = [
        DirectPayment(number, each.account_ids[0], kind, 10, "CLP", "2026-03-10", f"{kind}-{number}")
        for number, each in enumerate(placed) for kind in ("payment", "adjustment", "reversal")
    ]  # fmt: skip
    few = statements(scope, one)
    assert statements(scope, many) <= few + 12
    assert {account(each).balance_minor for each in placed[1:]} == {1010}


def statements(scope: Scope, rows: list[DirectPayment]) -> int:
    """How many statements telling of the rows takes."""
    seen: list[str] = []

    def note(*given: Any) -> None:
        seen.append(str(given[2]))

    engine = runtime.current().database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert tell(scope, *rows) == {}
    finally:
        event.remove(engine, "before_cursor_execute", note)

    return len(seen)
