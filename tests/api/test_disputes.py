"""A creditor's system answers disputes and requests for invoices, sees complaints and why it is not
paid; what belongs to others is not there."""

import io

import pytest
from flask import Flask

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.outreach.debtors import tellings
from recupero.outreach.debtors.tellings import Told
from recupero.payments.papers import invoice_requests
from tests.api.conftest import Machine, machine
from tests.factories import World
from tests.ledger.placed import Placed, place

PDF = b"%PDF-1.7 the invoice"


@pytest.fixture
def placed(world: World, scope: Scope) -> Placed:
    return place(world.platform, scope, [{"principal": 90_000}])


@pytest.fixture
def other(app: Flask, world: World, noon: object) -> Machine:
    """Another creditor of the same country, of another agency."""
    return machine(app, world.platform, world.tenant())


def test_a_dispute_is_answered_once(api: Machine, placed: Placed, other: Machine) -> None:
    account = placed.account_ids[0]
    dispute = api.send(f"/api/v1/accounts/{account}/holds", kind="dispute")["id"]
    (waits,) = api.get("/api/v1/disputes")["items"]
    assert (waits["id"], waits["account_id"], waits["answer"]) == (dispute, account, None)
    path = f"/api/v1/disputes/{dispute}/answer"
    assert api.send(path, 422, verdict="corrected", words="Twice")["field"] == "balance"
    assert api.send(path, 422, verdict="owed", words=" ")["field"] == "words"
    other.send(path, 404, verdict="owed", words="Signed in May")
    given = api.send(path, verdict="corrected", words="Counted twice", balance_minor=40_000)
    assert (given["verdict"], given["balance_minor"]) == ("corrected", 40_000)
    api.send(path, 409, verdict="owed", words="Signed in May")
    assert [one["answer"]["words"] for one in api.get("/api/v1/disputes")["items"]] == ["Counted twice"]
    assert api.get(f"/api/v1/accounts/{account}")["balance_minor"] == 40_000
    assert other.get("/api/v1/disputes") == {"items": []}


def test_complaints_have_their_day(api: Machine, placed: Placed, other: Machine) -> None:
    hold = api.send(f"/api/v1/accounts/{placed.account_ids[0]}/holds", kind="complaint")["id"]
    (found,) = api.get("/api/v1/complaints", state="open")["items"]
    assert (found["id"], found["state"], found["due"] > found["since"]) == (hold, "open", True)
    assert api.get("/api/v1/complaints", state="ended")["items"] == []
    assert api.call("GET", "/api/v1/complaints?state=gone").status_code == 422
    assert other.get("/api/v1/complaints")["items"] == []


def test_invoices_are_given_or_refused(
    api: Machine, placed: Placed, other: Machine, platform: runtime.Runtime
) -> None:
    def asked() -> int:
        with platform.database.transaction(placed.scope) as session:
            invoice_requests.ask(session, placed.account_ids[0], asked_with="page")
        (one,) = api.get("/api/v1/invoice-requests")["items"]
        return int(one["id"])

    def given(to: Machine, request: int, content: bytes) -> int:
        path = f"/api/v1/invoice-requests/{request}/file"
        data = {"file": (io.BytesIO(content), "invoice.pdf")}
        return to.call("POST", path, data=data, content_type="multipart/form-data").status_code

    first = asked()
    assert [given(other, first, PDF), given(api, first, b"GIF89a"), given(api, first, PDF)] == [404, 422, 201]
    assert api.get("/api/v1/invoice-requests")["items"] == []
    assert given(api, first, PDF) == 409
    second = asked()
    api.send(f"/api/v1/invoice-requests/{second}/refuse", 422, why="")
    why = {"why": "It was lost in a fire"}
    assert api.call("POST", f"/api/v1/invoice-requests/{second}/refuse", json=why).status_code == 204
    assert api.get("/api/v1/invoice-requests")["items"] == []


def test_causes_come_with_the_accounts_behind_them(
    api: Machine, placed: Placed, platform: runtime.Runtime, scope: Scope, other: Machine
) -> None:
    account = placed.account_ids[0]
    with platform.database.transaction(placed.scope) as session:
        tellings.tell(session, Told(account, "NO_INVOICE"))
    path = f"/api/v1/tenants/{scope.tenant()}/report/causes"
    told = api.get(path)
    assert told["causes"] == [{"reason": "NO_INVOICE", "acts": "creditor", "accounts": 1, "of_accounts": 1}]
    assert [one["account_id"] for one in told["examples"]] == [account]
    assert api.get(path, reason="FORGOT")["examples"] == []
    assert api.get(path, limit=0)["examples"] == []
    assert other.call("GET", path).status_code == 404
