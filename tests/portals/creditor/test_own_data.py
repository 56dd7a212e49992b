"""Other creditors' rows do not exist for a creditor, on whatever page, form, file or filter it tries."""

import re

import pytest
from werkzeug.routing import Rule

from recupero.kernel.database import Scope
from recupero.payments.papers import invoice_requests
from recupero.placements import service as placements
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor

#: Pages of one creditor that say its id or the id of something of its.
AREAS = ("/portal", "/report", "/reports", "/placements", "/invoices", "/remittances", "/tenants")


@pytest.fixture
def theirs(world: World, noon: object) -> Placed:
    return place(world.platform, world.tenant(), [{"principal": 777_777}])


@pytest.fixture
def creditor(visitor: Visitor, world: World, theirs: Placed) -> Visitor:
    """The administrator of another creditor of the same agency, which has accounts of its own."""
    mine = place(world.platform, world.tenant(Scope(theirs.scope.agency_id)), national_id="9.876.543-3")
    return visitor.sign_in(Role.CREDITOR_ADMINISTRATOR, mine.scope)


def _addresses(visitor: Visitor, ids: dict[str, int]) -> list[tuple[str, Rule]]:
    """Every address with an id in it, filled with the other creditor's."""
    found = []
    for rule in visitor.client.application.url_map.iter_rules():
        path, named = rule.rule, sorted(rule.arguments)
        if path.startswith(AREAS) and any(name in ids for name in named):
            filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids.get(found[1], "pdf")), path)
            found.append((filled, rule))
    return found


def test_no_address_leads_to_another_creditors_rows(creditor: Visitor, world: World, theirs: Placed) -> None:
    with world.platform.database.transaction(theirs.scope) as session:
        hold = placements.open_hold(
            session, debtor_id=theirs.debtor_id, account_id=theirs.account_ids[0], kind="dispute",
            source="page:other",
        )  # fmt: skip
        request = invoice_requests.ask(session, theirs.account_ids[0], asked_with="page")
    ids = {
        "account_id": theirs.account_ids[0], "tenant_id": theirs.scope.tenant(), "hold_id": hold,
        "portfolio_id": theirs.portfolio_id, "request_id": request or 0, "batch_id": 1, "remittance_id": 1,
    }  # fmt: skip
    tried = _addresses(creditor, ids)
    assert len(tried) >= 12
    for address, rule in tried:
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            sent = {"confirmed": "yes", "verdict": "owed", "words": "w", "why": "w"}
            answer = creditor.get(address) if method == "GET" else creditor.send(
                address, "/portal/orders", **sent
            )  # fmt: skip
            status = answer.status_code
            assert status in (403, 404), f"{method} {address}: {status}"


def test_no_filter_and_no_file_shows_another_creditors_rows(creditor: Visitor, theirs: Placed) -> None:
    filters = f"portfolio={theirs.portfolio_id}&left_portfolio={theirs.portfolio_id}&creditor=1&tenant=1"
    for page in ("", "/accounts", "/payments", "/promises", "/causes", "/disputes", "/months", "/activity",
                 "/costs", "/compare", "/rolls"):  # fmt: skip
        for form in ("", "&as=csv", "&as=json"):
            text = creditor.text(f"/portal{page}?{filters}{form}")
            assert "777,777" not in text, page
            assert "777777" not in text, page
