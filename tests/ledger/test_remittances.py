"""Statements hold everything once, are locked when issued, and what they say is what leaves trust."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, UserError
from recupero.ledger import queries, remittances, trust
from recupero.ledger.tables import Remittance, RemittanceItem
from recupero.payments.books import booking
from recupero.tenancy import service as tenancy
from tests.factories import World
from tests.ledger.placed import Placed, place

TAXED = {"commission": {"rates": [], "tax_rate": 1900}}
ANA, BEN, CARLA = "user:1", "user:2", "user:3"


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    """Two debts; the fee is 20%, taxed at 19%."""
    return place(platform, world.tenant(), [{"principal": 1000}, {"principal": 1000}], terms=TAXED)


@pytest.fixture
def session(platform: runtime.Runtime, placed: Placed) -> Iterator[Session]:
    with platform.database.transaction(placed.scope) as opened:
        yield opened
        assert queries.check(opened) == []


def pay(session: Session, placed: Placed, amount: int, key: str, kind: str = "gateway") -> None:
    booking.book_payment(
        session,
        booking.Received(
            external_key=key, kind=kind, amount_minor=amount, currency="CLP", received_at=clock.now(),
            debtor_id=placed.debtor_id, account_ids=placed.account_ids,
        ),
    )  # fmt: skip


def refund(session: Session, key: str, total: int) -> None:
    booking.reverse_payment(
        session, payment_key=key, event_key=f"back:{key}", kind="refund", total_minor=total,
        occurred_at=clock.now(),
    )  # fmt: skip


def items(session: Session, remittance_id: int) -> list[RemittanceItem]:
    query = select(RemittanceItem).where(RemittanceItem.remittance_id == remittance_id)
    return list(session.execute(query.order_by(RemittanceItem.id)).scalars())


def until_yesterday(session: Session) -> Remittance:
    """A statement of everything so far, drawn the day after."""
    first, last = clock.today("America/Santiago"), clock.today("America/Santiago")
    clock.advance(timedelta(days=1))
    return remittances.draw(session, currency="CLP", period_from=first, period_to=last, actor=ANA)


def issued(session: Session, remittance: Remittance) -> Remittance:
    remittances.review(session, remittance.id, actor=ANA)
    return remittances.issue(session, remittance.id, actor=BEN)


def method(session: Session, placed: Placed, name: str) -> None:
    tenancy.configure_tenant(session, placed.scope.tenant(), actor=ANA, remittance_method=name)


@pytest.mark.parametrize(
    ("name", "payable", "invoiced", "takeable"),
    [("net", 762, 119, 238), ("gross", 1000, 357, 0), ("combined", 643, 0, 357)],
)
def test_each_method_pays_out_what_its_statement_says(
    session: Session, placed: Placed, name: str, payable: int, invoiced: int, takeable: int
) -> None:
    """1,000 paid to the agency (fee 200, tax 38) and 500 to the creditor (fee 100, tax 19)."""
    method(session, placed, name)
    pay(session, placed, 1000, "a")
    pay(session, placed, 500, "b", kind="direct")
    statement = issued(session, until_yesterday(session))
    assert (statement.payable_minor, statement.invoiced_minor) == (payable, invoiced)
    assert [item.kind for item in items(session, statement.id)] == [
        "paid_to_agency", "paid_to_client",
    ]  # fmt: skip
    assert (statement.statement_number, statement.invoice_number) == (1, 1 if invoiced else None)
    remittances.pay_out(session, statement.id, reference="bank 77", actor=CARLA)
    held = trust.position(session, "CLP")
    assert (held.remitted_minor, held.balance_minor) == (payable, 1000 - payable)
    assert held.takeable_minor == takeable
    if takeable:
        assert trust.take_fees(session, currency="CLP", reference="bank 78", actor=ANA) == takeable
    if invoiced:
        trust.creditor_paid(session, currency="CLP", amount_minor=invoiced, reference="x", actor=ANA)
    assert trust.position(session, "CLP").balance_minor == 0
    with pytest.raises(Conflict, match="no fees"):
        trust.take_fees(session, currency="CLP", reference="bank 79", actor=ANA)


def test_a_line_says_parts_fee_tax_and_the_balance_it_left(session: Session, placed: Placed) -> None:
    pay(session, placed, 1300, "a")
    statement = until_yesterday(session)
    lines = [
        (
            item.account_id,
            item.amount_minor,
            item.parts,
            item.fee_minor,
            item.tax_minor,
            item.balance_after_minor,
        )
        for item in items(session, statement.id)
    ]
    first, second = placed.account_ids
    assert lines == [
        (first, 1000, {"principal": 1000}, 200, 38, 0),
        (second, 300, {"principal": 300}, 60, 11, 700),
    ]


def test_a_reversal_after_issuing_comes_on_the_next_and_a_debt_is_carried_over(
    session: Session, placed: Placed
) -> None:
    pay(session, placed, 1000, "a")
    first = issued(session, until_yesterday(session))
    remittances.pay_out(session, first.id, reference="bank", actor=CARLA)
    trust.take_fees(session, currency="CLP", reference="bank", actor=ANA)
    refund(session, "a", 1000)
    assert trust.position(session, "CLP").advances_minor == 1000  # the agency's own money went back
    second = issued(session, until_yesterday(session))
    assert (second.payable_minor, second.closing_minor) == (0, -762)
    assert [item.kind for item in items(session, second.id)] == ["reversal"]
    assert [item.amount_minor for item in items(session, first.id)] == [1000]
    remittances.pay_out(session, second.id, reference="nothing to pay", actor=CARLA)
    pay(session, placed, 2000, "c")
    third = issued(session, until_yesterday(session))
    assert (third.opening_minor, third.collected_minor, third.payable_minor) == (-762, 2000, 762)
    remittances.pay_out(session, third.id, reference="bank", actor=CARLA)
    assert trust.take_fees(session, currency="CLP", reference="bank", actor=ANA) == 238
    held = trust.position(session, "CLP")
    assert (held.balance_minor, held.advances_minor) == (0, 0)


def test_money_that_no_debt_takes_is_never_remitted(session: Session, placed: Placed) -> None:
    pay(session, placed, 2500, "a")
    statement = issued(session, until_yesterday(session))
    assert statement.collected_minor == 2000
    remittances.pay_out(session, statement.id, reference="bank", actor=CARLA)
    trust.take_fees(session, currency="CLP", reference="bank", actor=ANA)
    assert trust.position(session, "CLP").balance_minor == 500


def test_changing_the_method_with_money_outstanding_loses_and_doubles_nothing(
    session: Session, placed: Placed
) -> None:
    pay(session, placed, 1000, "a")
    drawn = until_yesterday(session)
    assert drawn.method == "net"
    method(session, placed, "gross")
    again = remittances.draw(
        session, currency="CLP", period_from=drawn.period_from, period_to=drawn.period_to, actor=ANA
    )
    assert (again.method, again.payable_minor) == ("gross", 1000)
    issued(session, again)
    remittances.pay_out(session, again.id, reference="bank", actor=CARLA)
    method(session, placed, "combined")
    pay(session, placed, 500, "b", kind="direct")
    later = issued(session, until_yesterday(session))
    assert (later.collected_minor, later.payable_minor, later.closing_minor) == (0, 0, -119)
    assert [item.amount_minor for item in items(session, later.id)] == [500]


def test_two_people_look_at_money_that_leaves(session: Session, placed: Placed) -> None:
    pay(session, placed, 1000, "a")
    statement = until_yesterday(session)
    with pytest.raises(Conflict, match="moved on"):
        remittances.issue(session, statement.id, actor=BEN)
    remittances.review(session, statement.id, actor=BEN)
    for same in (ANA, BEN):
        with pytest.raises(Conflict, match="second person"):
            remittances.issue(session, statement.id, actor=same)
    remittances.issue(session, statement.id, actor=CARLA)
    with pytest.raises(Conflict, match="second person"):
        remittances.pay_out(session, statement.id, reference="bank", actor=CARLA)
    with pytest.raises(UserError, match="reference"):
        remittances.pay_out(session, statement.id, reference=" ", actor=ANA)


def test_the_database_locks_what_is_issued(platform: runtime.Runtime, placed: Placed) -> None:
    with platform.database.transaction(placed.scope) as session:
        pay(session, placed, 1000, "a")
        statement = issued(session, until_yesterday(session))
    changes = [
        update(Remittance).where(Remittance.id == statement.id).values(payable_minor=1),
        delete(Remittance).where(Remittance.id == statement.id),
        update(RemittanceItem).where(RemittanceItem.remittance_id == statement.id).values(amount_minor=1),
        delete(RemittanceItem).where(RemittanceItem.remittance_id == statement.id),
    ]
    for change in changes:
        with (
            pytest.raises(DBAPIError, match="locked"),
            platform.database.transaction(placed.scope) as session,
        ):
            session.execute(change.execution_options(synchronize_session=False))


def test_periods_follow_each_other_and_have_ended(session: Session, placed: Placed) -> None:
    today = clock.today("America/Santiago")
    with pytest.raises(UserError, match="not ended"):
        remittances.draw(session, currency="CLP", period_from=today, period_to=today, actor=ANA)
    with pytest.raises(UserError, match="before it begins"):
        remittances.draw(
            session, currency="CLP", period_from=date(2026, 2, 2), period_to=date(2026, 2, 1), actor=ANA
        )
    with pytest.raises(UserError, match="unknown currency"):
        remittances.draw(session, currency="XXQ", period_from=today, period_to=today, actor=ANA)
    statement = issued(session, until_yesterday(session))
    with pytest.raises(UserError, match="issued already"):
        remittances.draw(
            session, currency="CLP", period_from=statement.period_to, period_to=statement.period_to, actor=ANA
        )


def test_numbers_have_no_gaps_when_an_issue_fails(platform: runtime.Runtime, placed: Placed) -> None:
    with platform.database.transaction(placed.scope) as session:
        pay(session, placed, 1000, "a")
        statement = until_yesterday(session)
        remittances.review(session, statement.id, actor=ANA)
    with pytest.raises(RuntimeError), platform.database.transaction(placed.scope) as session:
        assert remittances.issue(session, statement.id, actor=BEN).statement_number == 1
        raise RuntimeError("the power fails")
    with platform.database.transaction(placed.scope) as session:
        assert remittances.issue(session, statement.id, actor=BEN).statement_number == 1


def test_another_tenant_sees_no_statement(platform: runtime.Runtime, placed: Placed, world: World) -> None:
    other: Scope = world.tenant()
    with platform.database.transaction(placed.scope) as session:
        pay(session, placed, 1000, "a")
        statement = until_yesterday(session)
    with platform.database.transaction(other) as session:
        assert items(session, statement.id) == []
        with pytest.raises(UserError, match="no such statement"):
            remittances.review(session, statement.id, actor=BEN)
