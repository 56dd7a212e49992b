"""The page that says what of unpaid debts lies with the creditor, and the accounts behind it."""

import json
from datetime import datetime

from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor
from tests.reports.rows import Rows


def test_what_lies_most_with_the_creditor_stands_first(
    visitor: Visitor, world: World, noon: datetime
) -> None:
    rows = Rows(world.platform, world.tenant())
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    codes = ["NOIN"] * 7 + ["UTPY"] * 20 + ["RTPY"] * 3
    for code in codes:
        account = rows.account(portfolio, batch, "2026-01-10", 1000)
        rows.contact(account, "2026-03-04", channel="call", state="answered", disposition=code)
    visitor.sign_in(Role.CREDITOR_VIEWER, rows.scope)
    page = visitor.text("/portal/causes")
    assert "23.3%" in page
    assert "7 of 30 accounts" in page
    assert "Persona" not in page
    listed = json.loads(visitor.text("/portal/causes?reason=NO_INVOICE&as=json"))
    assert len(listed) == 7
    assert {one["how"] for one in listed} == {"contact"}
    assert "No reason was told" in visitor.text("/portal/causes?from=2026-01")
    assert visitor.get("/portal/causes?from=x").status_code == 422
