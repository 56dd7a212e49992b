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


def test_several_receipts_are_looked_at_and_then_approved_together(
    app: Flask, platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}])
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, placed.scope)
    supervisor = Visitor(app.test_client(), platform).sign_in(Role.SUPERVISOR, placed.scope)
    typed = {"tenant": placed.scope.tenant(), "means": "cash", "received_on": "2026-03-10", "amount": "100"}
    entered = []
    for somebody in (agent, agent, supervisor):  # nobody approves what they entered
        somebody.send("/receipts", **typed, accounts=number(placed))
        entered.append(one(placed, Receipt))
    refused = supervisor.send(f"/receipts/{placed.scope.tenant()}/{entered[0]}", "/receipts", do="reject")
    assert refused.status_code == 422
    assert f'aria-describedby="reason-{entered[0]}-error"' in refused.text
    looked = supervisor.send("/receipts/many", "/receipts", receipt=entered)
    assert looked.status_code == 200
    assert f'name="receipt" value="{entered[1]}"' in looked.text
    assert f'value="{entered[2]}"' not in looked.text
    assert Book.TRUST_CASH not in books(placed)
    for _again in range(2):  # a form that is sent twice books nothing twice
        sent = supervisor.send("/receipts/many", "/receipts", receipt=entered, confirmed="yes")
        assert sent.status_code == 302
        assert books(placed)[Book.TRUST_CASH] == 200
    assert agent.send("/receipts/many", "/receipts", receipt=entered).status_code == 403


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


def test_who_may_only_read_payments_looks_and_acts_on_nothing(
    app: Flask, platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}])
    tenant = placed.scope.tenant()
    books_it = Visitor(app.test_client(), platform).sign_in(Role.SUPERVISOR, placed.scope)
    text = b"Fecha;Monto;Nombre\n10/03/2026;90;Juan\n10/03/2026;70;Rosa\n"
    sent = {"tenant": tenant, "account": "1"}
    assert books_it.send("/bank", **sent, file=(io.BytesIO(text), "a.csv")).status_code == 302
    line = f"/bank/lines/{tenant}/{one(placed, BankLine)}"
    assert (
        books_it.send(f"/bank/lines/{tenant}/{one(placed, BankLine) - 1}", do="suspense").status_code == 302
    )
    payment = f"/suspense/{tenant}/{one(placed, Payment)}"
    pay(placed, 1020, "a")
    task = f"/suspense/{tenant}/tasks/{one(placed, RefundTask)}"
    statement = f"/bank/statements/{one(placed, BankStatement)}"
    looked_at = ("/suspense", payment, "/bank", line, statement, "/reconciliation")
    forms = {path: books_it.text(path).count('method="post"') for path in looked_at}
    assert 'data-label="Creditor"' in books_it.text("/bank")
    assert all(forms[path] > 1 for path in looked_at if path != statement), forms  # one is the sign-out
    for role in (Role.COMPLIANCE_OFFICER, Role.CREDITOR_ADMINISTRATOR):
        reader = Visitor(app.test_client(), platform).sign_in(role, placed.scope)
        for path in looked_at:
            assert reader.text(path).count('method="post"') == forms[statement], path
        assert 'href="/suspense"' in reader.text("/bank")
        whose = 'data-label="Creditor"' in reader.text("/bank")
        assert whose is (role is Role.COMPLIANCE_OFFICER)  # a creditor's people know whose it is
        for path, fields in (
            (payment, {"do": "refund"}), (line, {"do": "suspense"}), (task, {"means": "cash"}),
            (f"{task}/dismiss", {"reason": "no"}), ("/reconciliation", {"tenant": tenant}), ("/bank", sent),
        ):  # fmt: skip
            assert reader.send(path, "/suspense", **fields).status_code == 403, path
    assert "Rosa" in books_it.text("/bank")
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, placed.scope)
    assert {agent.get(path).status_code for path in looked_at} == {403}
