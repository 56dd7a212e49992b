"""A creditor reports what a debtor paid to it: tried first, booked once, and effective at once."""

from datetime import datetime

import pytest

from recupero.kernel.database import Scope
from recupero.placements import orders
from recupero.placements.orders import OwnAccount
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(world: World, noon: datetime) -> Placed:
    return place(world.platform, world.tenant(), [{"principal": 125_000}])


@pytest.fixture
def creditor(visitor: Visitor, placed: Placed) -> Visitor:
    return visitor.sign_in(Role.CREDITOR_ADMINISTRATOR, placed.scope)


def _account(visitor: Visitor, placed: Placed) -> OwnAccount:
    with visitor.platform.database.transaction(Scope(None, placed.scope.tenant_ids)) as session:
        return orders.account(session, placed.account_ids[0])


def _form(placed: Placed) -> str:
    return f"/portal/accounts/{placed.account_ids[0]}/payment"


PAID = {"entry": "payment", "amount": "25,000", "paid_on": "2026-03-09", "reference": "T-1"}


def test_it_is_seen_first_and_then_booked_once(creditor: Visitor, placed: Placed) -> None:
    tried = creditor.send(_form(placed), **PAID)
    assert tried.status_code == 200
    assert "CLP100,000" in tried.text.replace("\xa0", "")
    assert _account(creditor, placed).balance_minor == 125_000
    assert creditor.send(_form(placed), **PAID, confirmed="yes").status_code == 302
    assert _account(creditor, placed).balance_minor == 100_000
    again = creditor.send(_form(placed), **PAID, confirmed="yes")
    assert again.status_code == 422
    assert "reported already" in again.text
    assert _account(creditor, placed).balance_minor == 100_000


def test_what_pays_everything_ends_the_account_and_can_be_undone(creditor: Visitor, placed: Placed) -> None:
    everything = {**PAID, "amount": "130,000"}
    assert "more than is owed" in creditor.send(_form(placed), **everything).text
    creditor.send(_form(placed), **everything, confirmed="yes")
    assert _account(creditor, placed).close_code == "PIF"
    undone = {**everything, "entry": "reversal"}
    assert creditor.send(_form(placed), **undone, confirmed="yes").status_code == 302
    assert _account(creditor, placed).balance_minor == 125_000
    too_much = creditor.send(_form(placed), **{**undone, "reference": "T-2"})
    assert too_much.status_code == 422
    assert "more than was reported" in too_much.text


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("amount", "", "Please fill this in."),
        ("amount", "a lot", "This is not an amount of money."),
        ("amount", "0", "The amount must be above zero"),
        ("amount", "-5", "The amount must be above zero"),
        ("paid_on", "2026-03-11", "Choose today or an earlier day"),
        ("paid_on", "yesterday", "This is not a date."),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    creditor: Visitor, placed: Placed, field: str, typed: str, said: str
) -> None:
    answer = creditor.send(_form(placed), **{**PAID, field: typed})
    assert answer.status_code == 422
    assert f'id="{field}-error">{said}' in answer.text
    assert 'value="T-1"' in answer.text
