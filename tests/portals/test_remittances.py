"""Statements from drawing to paying out on the pages, by two people; what the creditor is shown of them."""

import json
import re
from datetime import datetime, timedelta

import pytest
from flask import Flask

from recupero.kernel import clock, jobs, runtime
from recupero.ledger import bank_accounts
from recupero.payments.books import booking
from recupero.reports import prepared, statements
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger import pain001
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor

TAXED = {"commission": {"rates": [], "tax_rate": 1900}}


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    """Two debts of 1,000; 1,000 were paid to the agency (fee 200, tax 38), 500 to the creditor."""
    made = place(platform, world.tenant(), [{"principal": 1000}, {"principal": 1000}], terms=TAXED)
    pay(platform, made, 1000, "a")
    pay(platform, made, 500, "b", "direct")
    clock.advance(timedelta(days=1))
    return made


def pay(
    platform: runtime.Runtime, placed: Placed, amount: int, key: str, kind: str = "gateway",
    currency: str = "CLP",
) -> None:  # fmt: skip
    with platform.database.transaction(placed.scope) as session:
        booking.book_payment(
            session,
            booking.Received(
                external_key=key, kind=kind, amount_minor=amount, currency=currency,
                received_at=clock.now(), debtor_id=placed.debtor_id, account_ids=placed.account_ids,
            ),
        )  # fmt: skip


@pytest.fixture
def ana(visitor: Visitor, placed: Placed) -> Visitor:
    return visitor.sign_in(Role.SUPERVISOR, placed.scope)


@pytest.fixture
def ben(app: Flask, platform: runtime.Runtime, placed: Placed) -> Visitor:
    return Visitor(app.test_client(), platform).sign_in(Role.AGENCY_ADMINISTRATOR, placed.scope)


@pytest.fixture
def eva(app: Flask, platform: runtime.Runtime, placed: Placed) -> Visitor:
    """The creditor's own user."""
    return Visitor(app.test_client(), platform).sign_in(Role.CREDITOR_VIEWER, placed.scope)


def draw(person: Visitor, placed: Placed, currency: str = "") -> str:
    """Draw a statement up to yesterday; its address."""
    day = (clock.today("America/Santiago") - timedelta(days=1)).isoformat()
    answer = person.send(
        "/remittances", tenant=placed.scope.tenant(), currency=currency, period_from=day, period_to=day
    )
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def step(person: Visitor, page: str, name: str, **fields: object) -> int:
    return person.send(f"{page}/{name}", _page=page, **fields).status_code


def issued(ana: Visitor, ben: Visitor, placed: Placed, currency: str = "") -> str:
    page = draw(ana, placed, currency)
    assert step(ana, page, "review") == 302
    assert step(ben, page, "issue") == 302
    return page


def test_a_statement_is_drawn_reviewed_issued_and_paid_by_two_people(
    ana: Visitor, ben: Visitor, placed: Placed
) -> None:
    page = draw(ana, placed)
    text = ana.text(page)
    assert "CLP762" in text.replace("\xa0", "")
    assert "I have looked it through" in text
    assert step(ana, page, "review") == 302
    assert "somebody else issues it" in ana.text(page).replace("\n", " ")
    assert step(ana, page, "issue") == 403
    assert step(ben, page, "issue") == 302
    assert "Statement 1" in ben.text(page)
    assert "somebody else pays it out" in ben.text(page)
    assert "second person pays out" in ben.send(f"{page}/pay", _page=page, reference="x").text
    empty = ana.send(f"{page}/pay", _page=page, reference=" ")
    assert (empty.status_code, "The bank" in empty.text) == (422, True)
    assert step(ana, page, "pay", reference="bank 77") == 302
    assert "Paid out with reference bank 77." in ana.text(page)
    assert step(ana, page, "pay", reference="bank 78") == 422


def test_fees_are_taken_and_invoices_paid_on_the_trust_page(
    ana: Visitor, ben: Visitor, placed: Placed
) -> None:
    page = issued(ana, ben, placed)
    position = f"/trust/{placed.scope.tenant()}/CLP"
    assert "CLP1,000" in ana.text("/trust").replace("\xa0", "")
    assert step(ana, page, "pay", reference="bank 77") == 302
    assert "CLP238" in ana.text(position).replace("\xa0", "")
    assert ana.send(f"{position}/fees", _page=position, reference="").status_code == 422
    assert ana.send(f"{position}/fees", _page=position, reference="bank 78").status_code == 302
    assert "No fees can be taken now" in ana.text(position)
    much = ana.send(f"{position}/invoices", _page=position, amount="120", invoice_reference="t1")
    assert "no more than is invoiced" in much.text
    for amount, reference, status in (("100", "t1", 302), ("19", "t1", 422), ("19", "t2", 302)):
        sent = ana.send(f"{position}/invoices", _page=position, amount=amount, invoice_reference=reference)
        assert sent.status_code == status, sent.text
    assert "Nothing is invoiced and unpaid." in ana.text(position)
    assert "The books hold" in ana.text("/books")


def test_every_document_comes_as_a_file(ana: Visitor, ben: Visitor, placed: Placed) -> None:
    page = issued(ana, ben, placed)
    for form in ("pdf", "xlsx", "csv"):
        answer = ana.get(f"{page}/statement.{form}")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Type"].count("charset") == (form == "csv")
    sheet = ana.get(f"{page}/statement.csv").data.decode("utf-8-sig").splitlines()
    assert sheet[0].startswith("Fecha,Número de cuenta")  # the creditor's language, not the reader's
    assert len(sheet) == 1 + 2 + 11
    told = json.loads(ana.get(f"{page}/statement.json").data)
    assert (told["payable_minor"], told["invoiced_minor"], told["invoice_number"]) == (762, 119, 1)
    assert [line["due_to_client_minor"] for line in told["lines"]] == [762, 0]
    for name in ("statement", "invoice"):
        for code in ("pt", "en"):
            assert f"/Lang({code})".encode() in ana.get(f"{page}/{name}.pdf?lang={code}").data
    assert ana.get(f"{page}/statement.doc").status_code == 422


def test_a_statement_too_long_for_paper_says_where_its_lines_are(
    ana: Visitor, placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = draw(ana, placed)
    said = "Too many lines for paper"
    assert said not in ana.get(address).text
    whole, lines = ana.get(f"{address}/statement.pdf").data, ana.get(f"{address}/statement.csv").data
    monkeypatch.setattr(statements, "MOST_PRINTED", 1)
    assert said in ana.get(address).text
    short = ana.get(f"{address}/statement.pdf").data
    assert short.startswith(b"%PDF")
    assert len(short) < len(whole)
    assert ana.get(f"{address}/statement.csv").data == lines


def test_a_creditor_sees_what_is_issued_and_never_a_draft(
    ana: Visitor, ben: Visitor, eva: Visitor, placed: Placed, world: World
) -> None:
    page = draw(ana, placed)
    assert page not in eva.text("/remittances")
    for address in (page, f"{page}/statement.json", f"{page}/invoice.pdf"):
        assert eva.get(address).status_code == 404
    step(ana, page, "review")
    step(ben, page, "issue")
    listed = eva.text("/remittances")
    assert page in listed
    assert 'name="currency"' not in listed  # all are in one
    shown = eva.text(page)
    assert "CLP762" in shown.replace("\xa0", "") or "$762" in shown
    assert "Ana Prueba" not in shown.split("</header>")[1]  # who of the agency looked at it is its own matter
    for name in ("statement.pdf", "statement.xlsx", "invoice.pdf"):
        assert eva.get(f"{page}/{name}").status_code == 200
    assert step(eva, page, "pay", reference="x") == 403
    assert eva.get("/trust").status_code == 403
    stranger = Visitor(eva.client.application.test_client(), eva.platform)
    stranger.sign_in(Role.CREDITOR_VIEWER, world.tenant())
    assert stranger.get(page).status_code == 404


def test_a_period_that_does_not_hold_is_said_at_its_field(ana: Visitor, placed: Placed) -> None:
    today = clock.today("America/Santiago").isoformat()
    answer = ana.send(
        "/remittances", tenant=placed.scope.tenant(), currency="", period_from=today, period_to=today
    )
    assert answer.status_code == 422
    assert "The period has not ended yet" in answer.text


def test_what_waits_is_written_as_a_bank_file(
    app: Flask, platform: runtime.Runtime, world: World, noon: datetime
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 100_000}], currency="EUR")
    pay(platform, placed, 100_000, "e", currency="EUR")
    clock.advance(timedelta(days=1))
    ana = Visitor(app.test_client(), platform).sign_in(Role.SUPERVISOR, placed.scope)
    ben = Visitor(app.test_client(), platform).sign_in(Role.AGENCY_ADMINISTRATOR, placed.scope)
    assert "no issued statement waits" in ana.get("/remittances/payments/EUR.xml").text.lower()
    issued(ana, ben, placed, "EUR")
    assert "Tell the bank accounts" in ana.get("/remittances/payments/EUR.xml").text
    settings = f"/tenants/{placed.scope.tenant()}/remitting"
    accounts = {
        "method": "net", "currency": "EUR", "creditor_holder": "Luz S.A.", "creditor_bank": "",
        "creditor_number": "FR14 2004 1010 0505 0001 3M02 606", "trust_holder": "Agencia",
        "trust_number": "ES9121000418450200051332", "trust_bank": "CAIXESBBXXX",
    }  # fmt: skip
    wrong = ben.send(settings, **{**accounts, "creditor_number": "FR14 2004 1010 0505 0001 3M02 607"})
    assert "This is not an IBAN" in wrong.text
    assert "This is not a BIC" in ben.send(settings, **{**accounts, "trust_bank": "CAIX"}).text
    assert ben.send(settings, **accounts).status_code == 302
    sent = ana.get("/remittances/payments/EUR.xml")
    pain001.read(sent.data)
    assert re.findall(r"InstdAmt Ccy=\"EUR\">([\d.]+)<", sent.text) == ["800.00"]
    assert "FR1420041010050500013M02606" in ana.get("/remittances/payments/EUR.csv").text
    with platform.database.transaction(placed.scope) as session:
        kept = bank_accounts.of_tenants(session)[placed.scope.tenant(), "creditor", "EUR"]
    assert kept.number == "FR1420041010050500013M02606"
    audit = ben.text("/audit")
    assert "ledger.set_bank_account" in audit
    assert "FR14" not in audit


def test_a_long_statement_is_written_by_a_worker_once_and_then_offered(
    ana: Visitor, ben: Visitor, eva: Visitor, placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "LONG", 1)
    page = draw(ana, placed)
    assert ana.get(f"{page}/statement.pdf").mimetype == "application/pdf", "totals are there at once"
    waiting = f"{page}?file=xlsx"
    for _ in range(2):
        sent = ana.get(f"{page}/statement.xlsx")
        assert (sent.status_code, sent.headers["Location"]) == (302, waiting)
    assert "The XLSX file is being prepared" in ana.text(waiting)
    assert 'http-equiv="refresh"' in ana.text(waiting)
    assert eva.get(f"{page}/statement.xlsx").status_code == 404, "a draft is not the creditor's"
    jobs.drain()
    assert "The XLSX file is ready" in ana.text(waiting)
    assert 'http-equiv="refresh"' not in ana.text(waiting)
    workbook = ana.get(f"{page}/statement.xlsx")
    assert (workbook.status_code, workbook.data[:2]) == (200, b"PK")
    folder = runtime.current().config.data_dir / "statements"
    made = [path.stat().st_mtime_ns for path in folder.iterdir()]
    with runtime.current().database.transaction(placed.scope) as session:
        prepared.make(session, int(page.rsplit("/", 1)[1]), "xlsx", None)
    assert [path.stat().st_mtime_ns for path in folder.iterdir()] == made, "it is made once"
    assert (step(ana, page, "review"), step(ben, page, "issue")) == (302, 302)
    assert "is not there" in eva.text(waiting), "what was written of the draft is not offered any more"
    assert eva.get(f"{page}/statement.xlsx").status_code == 302
    jobs.drain()
    assert "The XLSX file is ready" in eva.text(waiting)
    assert eva.get(f"{page}/statement.xlsx").data != workbook.data
    clock.advance(timedelta(days=8))
    assert prepared.forget_old() >= 1
