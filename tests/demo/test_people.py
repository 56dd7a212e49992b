"""What people do in the demonstration is done by its own users, through the doors of the pages."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recupero.demo import agency as demo
from recupero.demo.agency import DemoTenant
from recupero.demo.people import People
from recupero.demo.population import BOOKS
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.listing import Part
from recupero.ledger import statements
from recupero.ledger.tables import Remittance
from recupero.outreach.answer_tables import DisputeAnswer
from recupero.outreach.debtors import tellings
from recupero.outreach.understanding import hand_overs
from recupero.payments.books import booking
from recupero.payments.papers.document_tables import InvoiceRequest
from recupero.placements import cases
from recupero.reports import causes
from recupero.reports.periods import parse_period
from tests.factories import World
from tests.ledger.placed import Placed, place


def _at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 21, tzinfo=UTC)


@pytest.fixture
def february(world: World) -> Iterator[datetime]:
    with clock.simulated(_at(2, 20)):
        yield clock.now()


@pytest.fixture
def placed(world: World, february: datetime) -> Placed:
    return place(
        world.platform, world.tenant(), [{"principal": one} for one in (90_000, 50_000, 30_000, 9_000)]
    )


@pytest.fixture
def people(world: World, placed: Placed) -> People:
    agency = Scope(placed.scope.agency_id, placed.scope.tenant_ids)
    tenant = DemoTenant(replace(BOOKS[0], currency="CLP"), placed.scope, placed.portfolio_id)
    demo.create_users(world.platform, agency, [tenant])
    return People(world.platform, agency, [tenant])


def test_what_debtors_tell_is_answered_in_time(world: World, placed: Placed, people: People) -> None:
    first, second, third, fourth = placed.account_ids
    with world.platform.database.transaction(placed.scope) as session:
        tellings.tell(session, tellings.Told(first, "NO_INVOICE"))
        tellings.tell(session, tellings.Told(second, "DISPUTE", detail="already_paid"))
        tellings.tell(session, tellings.Told(third, "PAYMENT_MEANS"))
        tellings.tell(session, tellings.Told(fourth, "SERVICE_COMPLAINT"))
        assert hand_overs.open_for(session, placed.debtor_id) is not None
    for day in (1, 2, 8, 9, 13, 14):
        clock.set_to(_at(2, 20) + timedelta(days=day))
        people.day()
    with world.platform.database.transaction(placed.scope) as session:
        assert session.query(InvoiceRequest.state).all() == [("answered",)]
        assert session.query(DisputeAnswer).count() == 1
        assert hand_overs.open_for(session, placed.debtor_id) is None
        assert [one.ended is not None for one in cases.complaints(session, Part(limit=None))] == [True]
        told = causes.shares(session, parse_period("2026-02..2026-03"))
    assert {one.reason: one.share.numerator for one in told} == dict.fromkeys(
        ("NO_INVOICE", "DISPUTE", "PAYMENT_MEANS", "SERVICE_COMPLAINT"), 1
    )


def test_each_month_is_settled_by_two_people_and_paid(world: World, placed: Placed, people: People) -> None:
    with world.platform.database.transaction(placed.scope) as session:
        booking.book_payment(session, booking.Received(
            external_key="p", kind="gateway", amount_minor=40_000, currency="CLP", received_at=clock.now(),
            debtor_id=placed.debtor_id, account_ids=placed.account_ids,
        ))  # fmt: skip
    clock.set_to(_at(3, 1))
    people.day()
    issued = _only(world, placed)
    assert (issued.state, str(issued.period_from), str(issued.period_to)) == (
        "issued", "2026-02-01", "2026-02-28",
    )  # fmt: skip
    assert issued.issued_by != issued.drawn_by
    clock.set_to(_at(3, 5))
    people.day()
    paid = _only(world, placed)
    assert paid.state == "paid"
    assert paid.payable_minor == 32_000  # 40,000 less a fee of 20%


def _only(world: World, placed: Placed) -> Remittance:
    with world.platform.database.transaction(placed.scope) as session:
        found = session.query(Remittance).one()
        return statements.one(session, found.id)
