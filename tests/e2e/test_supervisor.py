"""A supervisor's day in a browser, at a desk and on a phone: search by key, a debtor, an order and back."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from recupero.kernel import runtime
from recupero.placements import service
from recupero.placements.tables import Debtor
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.e2e.conftest import OFFICE, Person, make_user
from tests.factories import World

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LONG = "محمد 👩‍👩‍👧 Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschafers <b>"


@pytest.mark.parametrize("phone", OFFICE)
def test_a_supervisor_finds_looks_and_orders(
    somebody: Callable[..., Person], platform: runtime.Runtime, world: World, noon: datetime, phone: bool
) -> None:
    scope = world.tenant()
    with platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        owed = [debts.debt(session, portfolio, client_account=f"S-{number}") for number in range(3)]
        service.open_hold(
            session, debtor_id=owed[0].debtor_id, account_id=None, kind="complaint", source="page:other"
        )
        session.execute(update(Debtor).where(Debtor.id == owed[1].debtor_id).values(name=LONG))
    person = somebody(phone)
    page = person.page
    person.sign_in(make_user(platform, Role.SUPERVISOR, scope))
    person.look("supervisor-home")
    page.keyboard.press("/")
    page.keyboard.type("s-1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("S-1 ·")).to_be_visible()
    person.look("supervisor-account")
    person.follow(page.get_by_role("heading", level=1).get_by_role("link"))
    person.look("supervisor-debtor")
    person.open("/search?q=S-1&all=1")
    person.look("supervisor-search")
    person.go("Complaints and disputes")
    expect(page.get_by_role("cell", name="Complaint")).to_be_visible()
    person.look("supervisor-cases")
    person.go("Queues and people")
    person.look("supervisor-staffing")
    person.go("Plan of the day")
    person.look("supervisor-plan")
    person.go("Accounts")
    page.locator("input[name=account]").first.check()
    person.look("supervisor-accounts")
    person.follow(page.get_by_role("button", name="Put on hold"))
    person.look("supervisor-preview")
    page.get_by_label("Why").fill("Files are missing")
    person.follow(page.get_by_role("button", name="Put on hold"))
    expect(page.get_by_text("Done: 1 account.")).to_be_visible()
    person.look("supervisor-orders")
    person.follow(page.get_by_role("button", name="Take back"))
    expect(page.get_by_text("Taken back on 1 account.")).to_be_visible()
