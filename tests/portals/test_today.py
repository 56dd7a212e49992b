"""Every figure of the home page leads to its rows."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from recupero.decisions.service import plan_tenant
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.outreach.service import NewAction, schedule
from recupero.payments import figures
from recupero.payments import service as payments
from recupero.payments.books import booking
from recupero.payments.offers.policy import PAGE
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def test_the_figures_of_the_day_lead_to_their_rows(visitor: Visitor, scope: Scope) -> None:
    with visitor.platform.database.transaction(scope) as session:
        owed = debts.debt(session, debts.portfolio(session), client_account="DAY-1")
        at = clock.now() + timedelta(hours=1)
        schedule(session, [
            NewAction(owed.account_id, owed.debtor_id, owed.person_id, "email", "first_notice", at,
                      at + timedelta(days=1)),
        ])  # fmt: skip
        payments.make_promise(
            session, account_id=owed.account_id, amount_minor=5_000, due_date=clock.now().date(),
            made_with="agent", offerer=PAGE,
        )  # fmt: skip
    visitor.sign_in(Role.SUPERVISOR, scope)
    home = visitor.text("/")
    for path in ("/today/due", "/today/payments", "/today/promises", "/today/plan"):
        assert f'href="{path}"' in home, path
    assert "CLP\xa05,000" in visitor.text("/today/promises")
    assert "DAY-1" in visitor.text("/today/promises?sort=-amount")
    assert "Nothing today" in visitor.text("/today/payments")
    assert "Nothing has been planned yet" in visitor.text("/today/plan")


def test_what_is_due_of_a_creditor_leads_to_the_rows_of_that_creditor(
    visitor: Visitor, world: World, scope: Scope
) -> None:
    other = world.tenant(Scope(scope.agency_id))
    for one, number in ((scope, "MINE-1"), (other, "OTHER-1")):
        with visitor.platform.database.transaction(one) as session:
            owed = debts.debt(session, debts.portfolio(session), client_account=number)
            at = clock.now() + timedelta(hours=1)
            schedule(session, [
                NewAction(owed.account_id, owed.debtor_id, owed.person_id, "call", "first_notice", at,
                          at + timedelta(days=1)),
            ])  # fmt: skip
    visitor.sign_in(Role.SUPERVISOR, Scope(scope.agency_id, (scope.tenant(), other.tenant())))
    found = re.findall(r'href="(/today/due[^"]*)">1</a>', visitor.text("/staffing"))
    assert found == [f"/today/due?channel=call&amp;tenant={one.tenant()}" for one in (scope, other)]
    shown = [visitor.text(address.replace("&amp;", "&")) for address in found]
    assert ["MINE-1" in page for page in shown] == [True, False]
    assert ["OTHER-1" in page for page in shown] == [False, True]
    assert 'href="/today/due?channel=call">2 calls<' in visitor.text("/")  # who leads agents sees them


def test_the_contacts_of_the_day_are_as_many_as_the_figure_says(visitor: Visitor, scope: Scope) -> None:
    with visitor.platform.database.transaction(scope) as session:
        owed = debts.debt(session, debts.portfolio(session), client_account="SENT-1")
        for state, days in (("sent", 0), ("answered", 0), ("failed", 0), ("answered", 2)):
            debts.contact(session, owed, clock.now() - timedelta(days=days), state=state)
    visitor.sign_in(Role.SUPERVISOR, scope)
    home = visitor.text("/")
    for figure, number in (("outbound", 2), ("answered", 1), ("inbound", 0)):
        address = f"/today/contacts?figure={figure}"
        assert re.search(rf'href="{re.escape(address)}">{number}\b', home), figure
        assert visitor.text(address).count(">SENT-1<") == number


def test_what_came_in_is_drawn_day_by_day_on_the_clock_of_the_house(visitor: Visitor, scope: Scope) -> None:
    began = clock.now()
    with visitor.platform.database.transaction(scope) as session:
        owed = debts.debt(session, debts.portfolio(session))
        for key in ("a", "b"):
            booking.book_payment(session, booking.Received(
                external_key=key, kind="gateway", amount_minor=700, currency="CLP", received_at=clock.now(),
                debtor_id=owed.debtor_id, account_ids=[owed.account_id],
            ))  # fmt: skip
            clock.advance(timedelta(days=1))
        found = figures.received_by_day(session, began, "Asia/Tokyo")
    first = began.astimezone(ZoneInfo("Asia/Tokyo")).date()
    assert found == {"CLP": {first: 700, first + timedelta(days=1): 700}}
    home = visitor.sign_in(Role.SUPERVISOR, scope).text("/")
    assert "Collected on each of the last 14 days, CLP" in home


def test_the_plan_of_the_day_says_what_is_due_and_what_was_left_out(visitor: Visitor, scope: Scope) -> None:
    with visitor.platform.database.transaction(scope) as session:
        debts.debt(session, debts.portfolio(session, daily={"email": 5}), client_account="DAY-1")
    plan_tenant(visitor.platform.database, scope)
    visitor.sign_in(Role.SUPERVISOR, scope)
    page = visitor.text("/today/plan")
    assert "What there is of what is scarce" in page
    assert "Most a day" in page
    assert "scale:" not in page
    portuguese = visitor.text("/today/plan?lang=pt")
    assert re.search(r"\d{2}/\d{2}/\d{4}", portuguese)
    assert " de 2026" not in portuguese
    visitor.text("/?lang=en")
    agent = Visitor(visitor.client.application.test_client(), visitor.platform)
    assert agent.sign_in(Role.AGENT, scope).get("/today/plan").status_code == 403
