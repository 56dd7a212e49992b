"""Statements and the trust account in a browser, at a desk and on a phone, by two people and the creditor."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from recupero.kernel import clock, runtime
from recupero.payments.books import booking
from recupero.tenancy.permissions import Role
from tests.e2e.conftest import OFFICE, Person, make_user
from tests.factories import World
from tests.ledger.placed import Placed, place

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TERMS = {
    "commission": {
        "rates": [{"rate": 2500, "from_age_days": 360}, {"rate": 1800, "to_balance_minor": 50_000}],
        "minimum_minor": 500, "tax_rate": 1900,
    }
}  # fmt: skip


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    debts = [{"principal": 100_000, "cost": 4_000}, {"principal": 250_000, "interest": 12_500}]
    made = place(platform, world.tenant(), debts, terms=TERMS)
    with platform.database.transaction(made.scope) as session:
        for key, amount, kind in (
            ("a", 90_000, "gateway"),
            ("b", 60_000, "direct"),
            ("c", 900_000, "manual"),
        ):
            booking.book_payment(
                session,
                booking.Received(
                    external_key=key, kind=kind, amount_minor=amount, currency="CLP",
                    received_at=clock.now(), debtor_id=made.debtor_id, account_ids=made.account_ids,
                ),
            )  # fmt: skip
        booking.reverse_payment(
            session, payment_key="a", event_key="back", kind="refund", total_minor=30_000,
            occurred_at=clock.now(),
        )  # fmt: skip
    clock.advance(timedelta(days=1))
    return made


@pytest.mark.parametrize("phone", OFFICE)
def test_money_goes_to_the_creditor(
    somebody: Callable[..., Person], platform: runtime.Runtime, placed: Placed, phone: bool
) -> None:
    ana, ben, eva = somebody(phone), somebody(phone), somebody(phone)
    ana.sign_in(make_user(platform, Role.SUPERVISOR, placed.scope))
    ben.sign_in(make_user(platform, Role.AGENCY_ADMINISTRATOR, placed.scope))
    eva.sign_in(make_user(platform, Role.CREDITOR_VIEWER, placed.scope))
    day = (clock.today("America/Santiago") - timedelta(days=1)).isoformat()
    ana.go("Statements")
    ana.page.get_by_label("From").fill(day)
    ana.page.get_by_label("To, this day included").fill(day)
    ana.look("remittances-empty")
    ana.page.get_by_role("button", name="Draw").click()
    expect(ana.page.get_by_role("heading", name="Draft statement")).to_be_visible()
    ana.look("statement-draft")
    ana.page.get_by_role("button", name="I have looked it through").click()
    expect(ana.page.get_by_text("somebody else issues it")).to_be_visible()
    ana.look("statement-reviewed")
    ben.open(ana.page.url)
    ben.page.get_by_role("button", name="Issue").click()
    expect(ben.page.get_by_role("heading", name=re.compile("Statement 1"))).to_be_visible()
    ben.look("statement-issued")
    ben.go("Statements")
    ben.look("remittances")
    ana.open(ben.page.url)
    ana.follow(ana.page.get_by_role("link", name=re.compile("No. 1")))
    ana.page.get_by_label("The bank's reference").fill("transfer 77")
    ana.page.get_by_role("button", name="Note the payment").click()
    expect(ana.page.get_by_text("Paid out with reference transfer 77.")).to_be_visible()
    ana.go("Trust account")
    ana.look("trust")
    position = ana.page.get_by_role("region", name="Trust account")
    ana.follow(position.get_by_role("link", name=re.compile("Acreedor")))
    ana.look("trust-position")
    eva.go("Statements")
    eva.look("creditor-statements")
    eva.follow(eva.page.get_by_role("link", name=re.compile("No. 1")))
    eva.look("creditor-statement")
    assert "Ana Prueba" not in eva.page.get_by_role("main").inner_text()
    eva.page.emulate_media(media="print")
    eva.page.set_viewport_size({"width": 718, "height": 1040})  # A4 within its margins
    row = eva.page.locator("main .table tbody tr").first
    assert row.evaluate("row => getComputedStyle(row).display") == "table-row", "no cards on paper"


@pytest.mark.parametrize("phone", OFFICE)
def test_terms_and_bank_accounts_are_told(
    somebody: Callable[..., Person], platform: runtime.Runtime, placed: Placed, phone: bool
) -> None:
    ben = somebody(phone)
    ben.sign_in(make_user(platform, Role.AGENCY_ADMINISTRATOR, placed.scope))
    ben.open(f"/tenants/{placed.scope.tenant()}")
    ben.look("tenant-money")
    ben.follow(ben.page.get_by_role("link", name=re.compile("and by schedule")))
    ben.look("terms")
    ben.page.get_by_label("Highest commission on a payment").fill("100")
    ben.page.get_by_role("button", name="Save").click()
    expect(ben.page.get_by_text("The least commission is above the highest")).to_be_visible()
    ben.look("terms-refused")
    ben.page.get_by_label("Highest commission on a payment").fill("9,000")
    ben.page.get_by_role("button", name="Save").click()
    expect(ben.page.get_by_text("The new terms hold for payments from now on.")).to_be_visible()
    ben.follow(ben.page.get_by_role("link", name="How the creditor is paid"))
    ben.look("remitting")
