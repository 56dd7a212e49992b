"""Receipts, waiting money and bank statements by machine: two keys, nothing twice, nothing of others."""

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.ledger import queries as ledger
from recupero.ledger.books import Book
from recupero.payments.tables import Payment
from recupero.placements.tables import Account
from recupero.tenancy.permissions import Permission
from tests.api.conftest import Machine, machine
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay

RECEIPT: dict[str, Any] = {
    "means": "transfer",
    "amount_minor": 400,
    "currency": "CLP",
    "received_on": "2026-03-09",
}


@pytest.fixture
def placed(platform: runtime.Runtime, scope: Scope) -> Placed:
    return place(platform, scope, [{"principal": 1000}])


@pytest.fixture
def other(app: Flask, platform: runtime.Runtime, scope: Scope) -> Machine:
    """A second key: two people's eyes are two keys here."""
    return machine(app, platform, scope)


@pytest.fixture
def stranger(app: Flask, platform: runtime.Runtime, world: World) -> Machine:
    """A key of another agency's creditor, with every permission."""
    return machine(app, platform, world.tenant())


@pytest.fixture
def sibling(app: Flask, platform: runtime.Runtime, world: World, scope: Scope) -> Machine:
    """A key of another creditor of the same agency."""
    return machine(app, platform, world.tenant(Scope(scope.agency_id, scope.tenant_ids)))


def tenant(placed: Placed) -> str:
    return f"/api/v1/tenants/{placed.scope.tenant()}"


def books(placed: Placed) -> dict[Book, int]:
    with runtime.current().database.transaction(placed.scope) as session:
        assert ledger.check(session) == []
        return {book: amount for (_, _, book), amount in ledger.trial_balance(session).items() if amount}


def payments(placed: Placed) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(func.count()).select_from(Payment)).scalar_one()


def number(placed: Placed) -> str:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(Account.client_account)).scalar_one()


def send_file(api: Machine, placed: Placed, text: str, **form: Any) -> Any:
    data = {"file": (io.BytesIO(text.encode()), "march.csv"), "account": "77", **form}
    return api.call("POST", f"{tenant(placed)}/bank-statements", data=data)


def done(api: Machine, path: str, **body: Any) -> None:
    """Ask for what answers nothing."""
    answer = api.call("POST", path, json=body)
    assert (answer.status_code, answer.data) == (204, b""), answer.text


def test_a_receipt_is_entered_by_one_key_and_approved_by_another_once(
    api: Machine, other: Machine, placed: Placed
) -> None:
    path = f"{tenant(placed)}/receipts"
    receipt = api.send(path, **RECEIPT, account_ids=placed.account_ids, payer="Ana")["id"]
    assert payments(placed) == 0
    assert "somebody else" in api.send(f"{path}/{receipt}/approve", 409)["message"]
    payment = other.send(f"{path}/{receipt}/approve", 200)["id"]
    assert books(placed)[Book.RECEIVABLE] == 600
    other.send(f"{path}/{receipt}/approve", 409)
    other.send(f"{path}/{receipt}/reject", 409, reason="late")
    assert payments(placed) == 1
    (shown,) = api.get("/api/v1/receipts", state="approved")["items"]
    assert (shown["payment_id"], shown["amount_minor"]) == (payment, 400)
    assert "payer" not in shown


def test_a_rejected_receipt_is_never_money(api: Machine, other: Machine, placed: Placed) -> None:
    path = f"{tenant(placed)}/receipts"
    receipt = api.send(path, **RECEIPT)["id"]
    other.send(f"{path}/{receipt}/reject", 422, reason="")
    done(other, f"{path}/{receipt}/reject", reason="no such transfer")
    other.send(f"{path}/{receipt}/approve", 409)
    assert payments(placed) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": 0}, {"amount_minor": -5}, {"amount_minor": 10**30}, {"amount_minor": "4.5"},
        {"means": "barter"}, {"currency": "XYZ"}, {"currency": "peso"}, {"currency": "EUR"},
        {"received_on": "soon"}, {"received_on": "2027-01-01"}, {"account_ids": [999_999_999]},
        {"account_ids": ["one"]}, {"account_ids": [0]}, {"account_ids": [2**70]}, {"payer": "x" * 501},
        {"colour": "red"},
    ],
)  # fmt: skip
def test_what_cannot_be_received_is_refused(api: Machine, placed: Placed, wrong: dict[str, Any]) -> None:
    given = {**RECEIPT, "account_ids": placed.account_ids, **wrong}
    answer = api.call("POST", f"{tenant(placed)}/receipts", json=given)
    assert answer.status_code in (404, 422), answer.text
    assert api.get("/api/v1/receipts")["items"] == []


def test_waiting_money_is_assigned_or_paid_back_once(api: Machine, other: Machine, placed: Placed) -> None:
    path = tenant(placed)
    receipts = [api.send(f"{path}/receipts", **RECEIPT)["id"] for _ in range(2)]
    first, second = (other.send(f"{path}/receipts/{one}/approve", 200)["id"] for one in receipts)
    waiting = api.get(f"{path}/suspense")
    assert [one["payment_id"] for one in waiting["items"]] == [first, second]
    assert waiting["ages"][0] == {"currency": "CLP", "age": "0-7", "number": 2, "amount_minor": 800}
    api.send(f"{path}/suspense/{first}/assign", 422, account_ids=[])
    done(api, f"{path}/suspense/{first}/assign", account_ids=placed.account_ids)
    assert api.call(
        "POST", f"{path}/suspense/{first}/assign", json={"account_ids": placed.account_ids}
    ).status_code in (404, 409)
    assert books(placed)[Book.RECEIVABLE] == 600
    task = api.send(f"{path}/suspense/{second}/refund")["id"]
    assert api.send(f"{path}/suspense/{second}/refund")["id"] == task
    paid = {"means": "transfer", "reference": "OP-1"}
    api.send(f"{path}/refund-tasks/{task}/paid-back", 422, means="transfer", reference="")
    api.send(f"{path}/refund-tasks/{task}/paid-back", 422, means="gateway", reference="re_1")
    done(api, f"{path}/refund-tasks/{task}/paid-back", **paid)
    api.send(f"{path}/refund-tasks/{task}/paid-back", 409, **paid)
    assert books(placed)[Book.REFUNDS] == -400
    assert api.get("/api/v1/refund-tasks", state="done")["items"][0]["reference"] == "OP-1"


def test_a_refund_task_is_dismissed_with_a_reason_and_not_opened_again(api: Machine, placed: Placed) -> None:
    pay(placed, 1_090, "over")
    (task,) = api.get("/api/v1/refund-tasks", state="open")["items"]
    path = f"{tenant(placed)}/refund-tasks/{task['id']}/dismiss"
    assert api.send(path, 422, reason=" ")["field"] == "reason"
    done(api, path, reason="the debtor leaves it to the creditor")
    api.send(path, 409, reason="again")
    (closed,) = api.get("/api/v1/refund-tasks", state="dismissed")["items"]
    assert closed["reason"] == "the debtor leaves it to the creditor"
    trail = [row["action"] for row in api.get("/api/v1/audit")["items"]]
    assert "payments.refund_dismissed" in trail
    waits = api.get(f"{tenant(placed)}/suspense")["items"]
    assert [one["amount_minor"] for one in waits] == [task["amount_minor"]]
    pay(placed, 10, "z")  # only what is new is to be paid back
    (new,) = api.get("/api/v1/refund-tasks", state="open")["items"]
    assert new["amount_minor"] == 10


def test_a_statement_told_twice_adds_nothing_and_its_lines_are_dealt_with_once(
    api: Machine, placed: Placed
) -> None:
    text = (
        f"Fecha;Monto;Glosa;Saldo\n09/03/2026;300;{number(placed)};5.300\n"
        "09/03/2026;90;nobody;5.390\n10/03/2026;-7;fee;5.383\n"
    )
    taken = send_file(api, placed, text).json
    assert (taken["lines"], taken["added"], taken["matched"]) == (3, 3, 1)
    again = send_file(api, placed, text).json
    assert (again["statement_ids"], again["added"], again["matched"]) == (taken["statement_ids"], 0, 0)
    unknown, fee = api.get("/api/v1/bank-lines", state="open")["items"]
    line = f"{tenant(placed)}/bank-lines"
    api.send(f"{line}/{fee['id']}/book", 422)  # no money came in by it
    done(api, f"{line}/{fee['id']}/aside", reason="the bank's fee")
    api.send(f"{line}/{fee['id']}/aside", 409, reason="the bank's fee")
    done(api, f"{line}/{fee['id']}/reopen")
    done(api, f"{line}/{fee['id']}/aside", reason="the bank's fee")
    done(api, f"{line}/{unknown['id']}/book", account_ids=placed.account_ids)
    api.send(f"{line}/{unknown['id']}/book", 409, account_ids=placed.account_ids)
    api.send(f"{line}/{unknown['id']}/reopen", 409)
    assert books(placed)[Book.RECEIVABLE] == 610
    (position,) = api.get("/api/v1/bank-positions")["items"]
    assert (position["closing_minor"], position["opening_minor"]) == (5383, 5000)
    assert (position["aside_minor"], position["books_minor"], position["difference_minor"]) == (-7, 390, 0)
    assert [one["added"] for one in api.get("/api/v1/bank-statements")["items"]] == [3]


def test_a_line_clears_exactly_what_it_is(api: Machine, other: Machine, placed: Placed) -> None:
    path = tenant(placed)
    receipts = [api.send(f"{path}/receipts", **RECEIPT)["id"] for _ in range(2)]
    first, second = (other.send(f"{path}/receipts/{one}/approve", 200)["id"] for one in receipts)
    send_file(api, placed, "Fecha;Monto;Glosa\n10/03/2026;400;deposito\n10/03/2026;399;deposito\n")
    whole, less = api.get("/api/v1/bank-lines", state="open")["items"]
    line = f"{path}/bank-lines"
    api.send(f"{line}/{less['id']}/match", 409, subject="payment", subject_id=first)
    api.send(f"{line}/{whole['id']}/match", 422, subject="poem", subject_id=first)
    api.send(f"{line}/{whole['id']}/match", 409, subject="payment", subject_id=999_999)
    done(api, f"{line}/{whole['id']}/match", subject="payment", subject_id=first)
    api.send(f"{line}/{whole['id']}/match", 409, subject="payment", subject_id=second)
    assert [one["subject_id"] for one in api.get("/api/v1/bank-positions")["uncleared"]] == [second]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", {}), ("hello", {}), ("Fecha;Monto\nayer;5\n", {}), ("<a", {}),
        ("Fecha;Monto\n10/03/2026;1\n", {"currency": "x"}),
        ("Fecha;Monto\n10/03/2026;1\n", {"closing_minor": "much"}),
    ],
)  # fmt: skip
def test_a_file_that_is_no_statement_is_refused_whole(
    api: Machine, placed: Placed, text: str, form: dict[str, str]
) -> None:
    answer = send_file(api, placed, text, **form)
    assert answer.status_code == 422, answer.text
    assert api.get("/api/v1/bank-statements")["items"] == []
    assert api.call("POST", f"{tenant(placed)}/bank-statements", data={"account": "1"}).status_code == 422


def test_nothing_of_another_creditor(
    api: Machine, other: Machine, stranger: Machine, sibling: Machine, placed: Placed
) -> None:
    path = tenant(placed)
    receipt = api.send(f"{path}/receipts", **RECEIPT)["id"]
    payment = other.send(f"{path}/receipts/{receipt}/approve", 200)["id"]
    open_ = api.send(f"{path}/receipts", **RECEIPT)["id"]
    send_file(api, placed, "Fecha;Monto;Glosa\n10/03/2026;77;x\n")
    (line,) = api.get("/api/v1/bank-lines", state="open")["items"]
    for foreign in (stranger, sibling):
        assert foreign.call("GET", f"{path}/suspense").status_code == 404
        for inner, body in (
            ("/receipts", RECEIPT), (f"/receipts/{open_}/approve", {}),
            (f"/receipts/{open_}/reject", {"reason": "x"}), (f"/suspense/{payment}/refund", {}),
            (f"/suspense/{payment}/assign", {"account_ids": placed.account_ids}),
            (f"/bank-lines/{line['id']}/aside", {"reason": "x"}), (f"/bank-lines/{line['id']}/book", {}),
            ("/reconciliations", {}),
        ):  # fmt: skip
            foreign.send(path + inner, 404, **body)
        assert send_file(foreign, placed, "Fecha;Monto\n10/03/2026;1\n").status_code == 404
        for listed in ("receipts", "refund-tasks", "bank-statements", "bank-lines", "bank-positions"):
            assert foreign.get(f"/api/v1/{listed}")["items"] == []
        mine = foreign.get("/api/v1/tenants")["items"][0]["id"]
        foreign.send(f"/api/v1/tenants/{mine}/receipts/{open_}/approve", 404)
        foreign.send(f"/api/v1/tenants/{mine}/bank-lines/{line['id']}/book", 404)
        answer = foreign.call(
            "POST", f"/api/v1/tenants/{mine}/receipts", json={**RECEIPT, "account_ids": placed.account_ids}
        )
        assert answer.status_code in (404, 422)
    assert payments(placed) == 1


def test_each_door_asks_for_its_permission(
    app: Flask, platform: runtime.Runtime, api: Machine, placed: Placed
) -> None:
    path = tenant(placed)
    receipt = api.send(f"{path}/receipts", **RECEIPT)["id"]
    reader = machine(app, platform, placed.scope, Permission.PAYMENTS_READ)
    worker = machine(app, platform, placed.scope, Permission.ACCOUNTS_WORK)
    for listed in (
        "receipts",
        "refund-tasks",
        "bank-statements",
        "bank-lines",
        "bank-positions",
        "reconciliations",
    ):
        assert reader.call("GET", f"/api/v1/{listed}").status_code == 200
        assert worker.call("GET", f"/api/v1/{listed}").status_code == 403
    reader.send(f"{path}/receipts", 403, **RECEIPT)
    worker.send(f"{path}/receipts", 201, **RECEIPT)
    for inner in (
        f"/receipts/{receipt}/approve",
        "/suspense/1/refund",
        "/bank-lines/1/book",
        "/reconciliations",
    ):
        reader.send(path + inner, 403)
        worker.send(path + inner, 403)
    assert send_file(reader, placed, "Fecha;Monto\n10/03/2026;1\n").status_code == 403
    assert app.test_client().get("/api/v1/receipts").status_code == 401


def test_a_reconciliation_is_asked_for(api: Machine, placed: Placed) -> None:
    assert api.call("POST", f"{tenant(placed)}/reconciliations").status_code == 202
    assert api.get("/api/v1/reconciliations")["items"] == []
