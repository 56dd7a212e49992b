"""Statements go from drawing to paying out by machines, too: two keys, and nothing twice."""

from datetime import timedelta

import pytest
from flask import Flask

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.payments.books import booking
from recupero.tenancy.permissions import Permission
from tests.api.conftest import Machine, machine
from tests.ledger.placed import Placed, place


@pytest.fixture
def placed(platform: runtime.Runtime, scope: Scope) -> Placed:
    terms = {"commission": {"rates": [], "tax_rate": 1900}}
    made = place(platform, scope, [{"principal": 1000}, {"principal": 1000}], terms=terms)
    with platform.database.transaction(scope) as session:
        for key, kind, amount in (("a", "gateway", 1000), ("b", "direct", 500)):
            received = booking.Received(
                key, kind, amount, "CLP", clock.now(), made.debtor_id, made.account_ids
            )
            booking.book_payment(session, received)
    clock.advance(timedelta(days=1))
    return made


@pytest.fixture
def other(app: Flask, platform: runtime.Runtime, scope: Scope) -> Machine:
    """A second key."""
    return machine(app, platform, scope)


def test_a_statement_by_two_keys(api: Machine, other: Machine, placed: Placed) -> None:
    tenant = f"/api/v1/tenants/{placed.scope.tenant()}"
    day = (clock.today("America/Santiago") - timedelta(days=1)).isoformat()
    drawn = api.send(f"{tenant}/remittances", currency="CLP", period_from=day, period_to=day)
    assert (drawn["state"], drawn["payable_minor"], drawn["invoiced_minor"]) == ("draft", 762, 119)
    one = f"{tenant}/remittances/{drawn['id']}"
    lines = api.get(f"{one}/lines", limit=1)
    assert [line["due_to_client_minor"] for line in lines["items"]] == [762]
    rest = api.get(f"{one}/lines", after=lines["next"])
    assert [(line["kind"], line["fee_rate"]) for line in rest["items"]] == [("paid_to_client", 2000)]
    assert api.send(f"{one}/review", 200)["state"] == "reviewed"
    assert "second person" in api.send(f"{one}/issue", 409)["message"]
    assert other.send(f"{one}/issue", 200)["statement_number"] == 1
    other.send(f"{one}/payout", 409, reference="bank 1")
    assert api.send(f"{one}/payout", 200, reference="bank 1")["state"] == "paid"
    api.send(f"{one}/payout", 409, reference="bank 1")
    assert api.get("/api/v1/remittances", state="paid")["items"][0]["payment_reference"] == "bank 1"
    for form in ("csv", "json"):
        assert api.call("GET", f"{one}/statement.{form}").status_code == 200
    assert api.call("GET", f"{one}/statement.odt").status_code == 404
    assert api.call("GET", f"{one}/invoice.pdf").data.startswith(b"%PDF")


def test_trust_by_machine(api: Machine, other: Machine, placed: Placed) -> None:
    test_a_statement_by_two_keys(api, other, placed)
    tenant = f"/api/v1/tenants/{placed.scope.tenant()}/trust"
    assert api.send(f"{tenant}/fees", currency="CLP", reference="bank 2") == {"amount_minor": 238}
    api.send(f"{tenant}/fees", 409, currency="CLP", reference="bank 2")
    paid = {"currency": "CLP", "reference": "bank 3", "amount_minor": 19}
    assert api.call("POST", f"{tenant}/invoice-payments", json=paid).status_code == 204
    again = api.call("POST", f"{tenant}/invoice-payments", json=paid)
    assert (again.status_code, again.get_json()["field"]) == (409, "reference")
    (held,) = api.get("/api/v1/trust")["items"]
    assert held["balance_minor"] == 0 == held["takeable_minor"]
    assert (held["received_minor"], held["remitted_minor"], held["fees_taken_minor"]) == (1000, 762, 238)
    assert held["invoiced_minor"] == 100


def test_a_key_for_terms_sets_offers_and_interest_but_not_the_commission(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    """As on the pages: the commission is the matter of who manages creditors."""
    key = machine(app, platform, placed.scope, Permission.TERMS_MANAGE, Permission.PLACEMENTS_READ)
    path = f"/api/v1/portfolios/{placed.portfolio_id}/terms"
    terms = key.get(path)["terms"]
    offers = {
        **terms,
        "max_instalments": 3,
        "allocation_order": ["principal", "interest", "fee", "cost", "tax"],
    }
    assert key.send(path, 200, "PUT", terms=offers)["terms"]["max_instalments"] == 3
    refused = key.send(path, 403, "PUT", terms={**offers, "commission_rate": 1})
    assert "tenancy" in refused["message"] or "creditors" in refused["message"]
    key.send(path, 403, "PUT", terms={"max_instalments": 3})  # which would take the commission out
    assert key.get(path)["terms"]["commission_rate"] == terms["commission_rate"]


def test_terms_and_method_by_machine(api: Machine, placed: Placed) -> None:
    path = f"/api/v1/portfolios/{placed.portfolio_id}/terms"
    wanted = {"commission_rate": 1000, "commission": {"rates": [{"rate": 500, "legal": True}]}}
    assert api.send(path, 200, "PUT", terms=wanted) == {"terms": wanted}
    assert api.get(path) == {"terms": wanted}
    assert api.send(path, 422, "PUT", terms={"commission_rate": -1})["field"] == "commission_rate"
    method = f"/api/v1/tenants/{placed.scope.tenant()}/remittance-method"
    for wanted_method, status in (("gross", 204), ("half", 422)):
        assert api.call("PUT", method, json={"method": wanted_method}).status_code == status


def test_a_key_does_only_what_it_may(
    app: Flask, platform: runtime.Runtime, scope: Scope, placed: Placed
) -> None:
    reader = machine(app, platform, scope, Permission.REMITTANCES_READ)
    day = (clock.today("America/Santiago") - timedelta(days=1)).isoformat()
    body = {"currency": "CLP", "period_from": day, "period_to": day}
    reader.send(f"/api/v1/tenants/{scope.tenant()}/remittances", 403, **body)
    assert reader.get("/api/v1/remittances") == {"items": [], "next": None}
    assert reader.call("GET", "/api/v1/trust").status_code == 403
