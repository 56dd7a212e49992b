"""Pages of money by other ways than a link: entered, approved, matched, paid back, compared."""

import io

from flask import Flask
from sqlalchemy import select

from recupero.kernel import jobs, runtime
from recupero.ledger import queries as ledger
from recupero.ledger.books import Book
from recupero.payments.incoming_tables import BankLine, BankStatement, Receipt, RefundTask
from recupero.payments.tables import Payment
from recupero.placements.tables import Account
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay
from tests.portals.conftest import Visitor


def one(placed: Placed, table: type) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(table.id).order_by(table.id.desc()).limit(1)).scalar_one()  # type: ignore[attr-defined]  # any table with an id


def number(placed: Placed) -> str:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(Account.client_account)).scalar_one()


def books(placed: Placed) -> dict[Book, int]:
    with runtime.current().database.transaction(placed.scope) as session:
        assert ledger.check(session) == []
        return {book: amount for (_, _, book), amount in ledger.trial_balance(session).items() if amount}


def test_an_agent_enters_and_a_supervisor_approves(
    app: Flask, platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}])
    tenant = placed.scope.tenant()
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, placed.scope)
    typed = {"tenant": tenant, "means": "cash", "received_on": "2026-03-10", "amount": "400"}
    assert agent.send("/receipts", **typed, accounts="NO-1").status_code == 422
    assert agent.send("/receipts", **typed, accounts=number(placed), payer="Ana").status_code == 302
    path = f"/receipts/{tenant}/{one(placed, Receipt)}"
    assert agent.send(path, "/receipts", do="approve").status_code == 403
    supervisor = Visitor(app.test_client(), platform).sign_in(Role.SUPERVISOR, placed.scope)
    assert "Ana" in supervisor.text("/receipts")
    assert supervisor.send(path, "/receipts", do="approve").status_code == 302
    assert books(placed)[Book.TRUST_CASH] == 400
    assert supervisor.send(path, "/receipts", do="approve").status_code == 409


def test_waiting_money_is_given_to_an_account_or_goes_back(
    platform: runtime.Runtime, visitor: Visitor, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}])
    tenant = placed.scope.tenant()
    visitor.sign_in(Role.SUPERVISOR, placed.scope)
    file = {"tenant": tenant, "account": "1"}
    text = b"Fecha;Monto;Nombre\n10/03/2026;90;Juan\n10/03/2026;-7;Banco\n"
    assert visitor.send("/bank", **file, file=(io.BytesIO(b"x"), "a.csv")).status_code == 422
    assert visitor.send("/bank", **file, file=(io.BytesIO(text), "a.csv")).status_code == 302
    page = visitor.text("/bank")
    assert "Juan" in page
    assert "Banco" in page
    fee = one(placed, BankLine)
    line = f"/bank/lines/{tenant}/{fee - 1}"
    assert visitor.send(line, do="suspense").status_code == 302
    assert visitor.send(f"/bank/lines/{tenant}/{fee}", do="aside", reason="").status_code == 422
    assert visitor.send(f"/bank/lines/{tenant}/{fee}", do="aside", reason="fee").status_code == 302
    payment = f"/suspense/{tenant}/{one(placed, Payment)}"
    assert "Juan" in visitor.text("/suspense")
    assert visitor.send(payment, do="assign", accounts=number(placed)).status_code == 302
    assert books(placed)[Book.RECEIVABLE] == 910
    assert visitor.get(payment).status_code == 404
    pay(placed, 1000, "a")
    task = f"/suspense/{tenant}/tasks/{one(placed, RefundTask)}"
    assert visitor.send(f"{task}/dismiss", "/suspense", reason=" ").status_code == 422
    assert visitor.send(task, "/suspense", means="transfer", reference="OP-9").status_code == 302
    assert books(placed)[Book.REFUNDS] == -90
    assert "Juan" in visitor.text(f"/bank/statements/{one(placed, BankStatement)}")


def test_a_comparison_is_asked_for(
    platform: runtime.Runtime, visitor: Visitor, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}])
    visitor.sign_in(Role.SUPERVISOR, placed.scope)
    assert visitor.send("/reconciliation", tenant=placed.scope.tenant()).status_code == 302
    jobs.drain()
    assert visitor.get("/reconciliation").status_code == 200
