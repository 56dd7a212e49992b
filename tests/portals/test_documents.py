"""Papers: the debtor gets them after the proof only, staff on the account; the creditor gives invoices."""

import io
import re

import pytest
from flask import Flask

from recupero.kernel import runtime
from recupero.payments.gateways import links
from recupero.payments.papers import documents
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay
from tests.portals.conftest import Visitor

PDF = b"%PDF-1.7 the invoice"


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}, {"principal": 500}])


def address(platform: runtime.Runtime, placed: Placed) -> str:
    with platform.database.transaction(placed.scope) as session:
        url = links.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    return "/p/" + url.rpartition("/p/")[2]


def debtor(app: Flask, platform: runtime.Runtime, placed: Placed) -> tuple[Visitor, str]:
    """A debtor who has just proven who they are, and their page."""
    visitor, page = Visitor(app.test_client(), platform), address(platform, placed)
    visitor.send(page, national_id="6785", birth_date="1980-05-17")
    return visitor, page


def test_the_debtor_keeps_receipts_and_letters(app: Flask, platform: runtime.Runtime, placed: Placed) -> None:
    pay(placed, 1000)
    visitor, page = debtor(app, platform, placed)
    with platform.database.transaction(placed.scope) as session:
        documents.issue_receipts(session)
    assert "/papers" in visitor.text(page)
    letter = visitor.send(f"{page}/papers", kind="balance")
    paid = visitor.send(f"{page}/papers", kind="paid_in_full", account=placed.account_ids[0])
    for answer in (letter, paid):
        assert answer.status_code == 302
        file = visitor.get(answer.location)
        assert (file.mimetype, file.data[:5]) == ("application/pdf", b"%PDF-")
    for code in ("pt", "es"):
        visitor.get(f"{page}?lang={code}")
        assert f"/Lang({code})".encode() in visitor.get(letter.location).data, "as they read the page"
    refused = visitor.send(f"{page}/papers", kind="paid_in_full", account=placed.account_ids[1])
    assert refused.status_code == 302  # it is not paid: back to the page
    assert visitor.text(f"{page}/papers").count(f"{page}/papers/") == 3
    assert visitor.get(f"{page}/papers/999999").status_code == 404


def test_who_asked_for_a_receipt_finds_that_of_the_last_payment_or_a_person(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    visitor, page = debtor(app, platform, placed)
    nothing = visitor.text(f"{page}/receipt")
    assert f"{page}/talk" in nothing
    assert f"{page}/papers/" not in nothing
    pay(placed, 300)
    (paper,) = set(re.findall(rf"{page}/papers/\d+", visitor.text(f"{page}/receipt")))
    assert visitor.get(paper).data[:5] == b"%PDF-"
    assert visitor.text(f"{page}/receipt").count(paper) == 1  # the same one again


def test_nothing_is_shown_before_the_proof(app: Flask, platform: runtime.Runtime, placed: Placed) -> None:
    stranger, page = Visitor(app.test_client(), platform), address(platform, placed)
    for path in (f"{page}/papers", f"{page}/papers/1", f"{page}/receipts/1", f"{page}/receipt"):
        assert stranger.get(path).location.endswith(page)


def test_one_debtors_paper_is_not_anothers(
    app: Flask, platform: runtime.Runtime, world: World, placed: Placed
) -> None:
    other = place(platform, placed.scope, [{"principal": 10}], national_id="9.876.543-3")
    visitor, page = debtor(app, platform, placed)
    answer = visitor.send(f"{page}/papers", kind="balance")
    number = answer.location.rpartition("/")[2]
    stranger, elsewhere = Visitor(app.test_client(), platform), address(platform, other)
    stranger.send(elsewhere, national_id="5433", birth_date="1980-05-17")
    assert "papers" in stranger.text(elsewhere)
    assert stranger.get(f"{elsewhere}/papers/{number}").status_code == 404


def test_an_invoice_is_asked_for_answered_and_kept_for_the_debtor(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    visitor, page = debtor(app, platform, placed)
    visitor.send(f"{page}/papers", kind="invoice", account=placed.account_ids[0])
    creditor = Visitor(app.test_client(), platform).sign_in(Role.CREDITOR_ADMINISTRATOR, placed.scope)
    path = _asked(creditor)
    for wrong, said in (
        ({"file": (io.BytesIO(b"MZ"), "invoice.exe")}, "Send a PDF, PNG or JPEG file"),
        ({"file": (io.BytesIO(PDF + b"<< /S /Launch >>"), "invoice.pdf")}, "holds a program or other files"),
        ({"file": (io.BytesIO(PDF), "invoice.pdf"), "why": "None"}, "not both"),
        ({"why": " "}, "Send a file, or say why there is none"),
    ):
        refused = creditor.send(path, **wrong)
        assert (refused.status_code, said in refused.text) == (422, True), said
    assert path in creditor.text("/invoices?state=open")
    assert creditor.get(f"{path}/file").status_code == 404
    assert creditor.send(path, file=(io.BytesIO(PDF), "invoice.pdf")).status_code == 302
    assert path not in creditor.text("/invoices?state=open")
    assert path in creditor.text("/invoices?state=answered")
    assert creditor.get(f"{path}/file").data == PDF
    assert "The invoice stands on the debtor" in creditor.text(path)
    link = visitor.text(f"{page}/papers").split(f'href="{page}/papers/')[1].split('"')[0]
    file = visitor.get(f"{page}/papers/{link}")
    assert (file.mimetype, file.data) == ("application/pdf", PDF)


def _asked(visitor: Visitor) -> str:
    """The page of the newest request for an invoice."""
    return re.findall(r'href="(/invoices/\d+)"', visitor.text("/invoices"))[0]


def test_staff_see_and_issue_papers_on_the_account(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, placed.scope)
    page = f"/accounts/{placed.account_ids[0]}"
    assert agent.send(f"{page}/documents", page, kind="balance").status_code == 302
    link = agent.text(page).split('href="/documents/')[1].split('"')[0]
    assert agent.get(f"/documents/{link}").data[:5] == b"%PDF-"
    agent.send(f"{page}/documents", page, kind="paid_in_full")
    assert set(re.findall(r'href="/documents/(\d+)"', agent.text(page))) == {link}
    agent.send(f"{page}/documents", page, kind="invoice")
    viewer = Visitor(app.test_client(), platform).sign_in(Role.CREDITOR_VIEWER, placed.scope)
    assert "<form" not in viewer.text(_asked(viewer)).split("<main")[-1]
    assert agent.get("/documents/999").status_code == 404


def test_the_account_says_which_interest_accrues_or_why_none(
    app: Flask, platform: runtime.Runtime, world: World, noon: object
) -> None:
    scope = world.tenant()
    rates = {"maximum_conventional_rate": 3000, "current_interest_rate": 2500}
    agreed = place(platform, scope, terms={"accrual": {"rate": 1250, "rates": rates}})
    unknown = place(platform, scope, terms={"accrual": {"rate": 1250}})
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, scope)
    assert "a year, act/365" in agent.text(f"/accounts/{agreed.account_ids[0]}")
    assert "none accrues: " in agent.text(f"/accounts/{unknown.account_ids[0]}")
