"""What the agency earns and how it settles is changed on pages, from then on, and is kept in the audit."""

from datetime import datetime

import pytest
from sqlalchemy import text

from recupero.kernel import runtime
from recupero.ledger import remittances
from recupero.payments.books import booking
from recupero.placements import browse
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    return place(platform, world.tenant(), [{"principal": 9000, "cost": 1000}], rate=2000)


@pytest.fixture
def ben(visitor: Visitor, placed: Placed) -> Visitor:
    return visitor.sign_in(Role.AGENCY_ADMINISTRATOR, placed.scope)


def page(placed: Placed) -> str:
    return f"/tenants/{placed.scope.tenant()}/portfolios/{placed.portfolio_id}/terms"


def terms(platform: runtime.Runtime, placed: Placed) -> dict[str, object]:
    with platform.database.transaction(placed.scope) as session:
        found: dict[str, object] = browse.portfolio(session, placed.portfolio_id).terms
        return found


SCHEDULE = {
    "commission_rate": "20", "tax_rate": "19", "minimum": "100", "maximum": "2,000", "parts": "principal",
    "rate_0": "25.5", "from_age_0": "360", "legal_0": "no", "rate_1": "18", "to_balance_1": "50,000",
    "rate_2": "", "from_age_2": "7",
}  # fmt: skip


def test_a_schedule_is_typed_and_shown_again(ben: Visitor, platform: runtime.Runtime, placed: Placed) -> None:
    assert ben.send(page(placed), **SCHEDULE).status_code == 302
    assert terms(platform, placed) == {
        "commission_rate": 2000,
        "commission": {
            "rates": [
                {"rate": 2550, "from_age_days": 360, "legal": False},
                {"rate": 1800, "to_balance_minor": 50_000},
            ],
            "tax_rate": 1900, "minimum_minor": 100, "maximum_minor": 2000, "parts": ["principal"],
        },
    }  # fmt: skip
    shown = ben.text(page(placed))
    assert 'name="rate_0" aria-label="Percent" inputmode="decimal" value="25.5"' in shown
    assert ben.send(page(placed), **SCHEDULE, lang="en").status_code == 302  # as it was: nothing to audit
    assert ben.text("/audit").count("placements.set_terms") == 1


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("minimum", "3000", "The least commission is above the highest"),
        ("rate_0", "x", "This is not a number."),
        ("rate_0", "101", "must be a percentage from 0 to 100."),
        ("from_age_0", "-1", "must be a whole number"),
        ("parts", "", "choose at least one part"),
    ],
)
def test_what_does_not_hold_is_said_and_nothing_changes(
    ben: Visitor, platform: runtime.Runtime, placed: Placed, field: str, value: str, message: str
) -> None:
    before = terms(platform, placed)
    answer = ben.send(page(placed), **{**SCHEDULE, field: value})
    assert answer.status_code == 422
    assert message.lower() in answer.text.lower()
    assert terms(platform, placed) == before


def test_new_terms_hold_for_payments_yet_to_come(
    ben: Visitor, platform: runtime.Runtime, placed: Placed, noon: datetime
) -> None:
    def pay(key: str) -> None:
        with platform.database.transaction(placed.scope) as session:
            received = booking.Received(
                key, "gateway", 1000, "CLP", noon, placed.debtor_id, placed.account_ids
            )
            booking.book_payment(session, received)

    def earned() -> list[tuple[int, int]]:
        with platform.database.transaction(placed.scope) as session:
            rows = session.execute(
                text("SELECT sum(fee_minor), sum(tax_minor) FROM allocations GROUP BY payment_id ORDER BY 1")
            )
            return [(int(fee), int(tax)) for fee, tax in rows]

    pay("1")  # the costs
    assert ben.send(page(placed), commission_rate="50", tax_rate="10", parts="principal").status_code == 302
    pay("2")
    assert earned() == [(200, 0), (500, 50)]


def test_a_creditor_is_settled_with_by_another_method(
    ben: Visitor, platform: runtime.Runtime, placed: Placed
) -> None:
    address = f"/tenants/{placed.scope.tenant()}/remitting"
    assert ben.send(address, method="gross", currency="CLP").status_code == 302
    with platform.database.transaction(placed.scope) as session:
        assert remittances.method_of(session) == "gross"
    assert ben.send(address, method="half", currency="CLP").status_code == 422
    assert "tenancy.configure_tenant" in ben.text("/audit")
    assert "ledger.set_bank_account" not in ben.text("/audit")
