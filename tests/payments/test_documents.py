"""Papers for debtors: numbered without gaps, issued once, the same when printed again."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.payments.papers import documents, invoice_requests
from recupero.payments.papers.document_tables import Document
from recupero.payments.papers.documents import said
from recupero.payments.tables import Payment
from recupero.reports import letters
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import account, go_back, pay

PDF = b"%PDF-1.7 an invoice"


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 900, "interest": 100}, {"principal": 500}])


def issue_all(placed: Placed) -> list[Document]:
    with runtime.current().database.transaction(placed.scope) as session:
        documents.issue_receipts(session)
        return list(documents.documents_of(session, placed.debtor_id))


def receipt(scope: Scope, payment_id: int) -> Document:
    with runtime.current().database.transaction(scope) as session:
        return documents.receipt(session, payment_id, actor="debtor")


def balance(placed: Placed) -> Document:
    with runtime.current().database.transaction(placed.scope) as session:
        return documents.balance_letter(session, placed.debtor_id, "CLP", actor="debtor")


def test_each_payment_gets_one_receipt_that_says_where_it_went(placed: Placed) -> None:
    pay(placed, 1200, "a")
    pay(placed, 500, "b")
    made = issue_all(placed)
    assert [one.number for one in made] == [2, 1]
    assert [one.id for one in issue_all(placed)] == [one.id for one in made]
    second, first = map(said, made)
    assert [line["parts"] for line in first["lines"]] == [
        {"interest": 100, "principal": 900}, {"principal": 200},
    ]  # fmt: skip
    assert (second["total_minor"], second["waiting_minor"], second["left_minor"]) == (500, 200, 0)


def test_a_receipt_after_all_went_back_says_so_and_what_is_left(placed: Placed) -> None:
    payment = pay(placed, 300, "a")
    assert payment is not None
    go_back(placed, 300, "a")
    assert issue_all(placed) == []  # nobody is thanked for what they have again
    made = receipt(placed.scope, payment)
    says = said(made)
    assert (says["total_minor"], says["back_minor"], says["left_minor"]) == (300, 300, 1000)
    assert [line["parts"] for line in says["lines"]] == [{}]
    assert made.account_ids == placed.account_ids[:1]
    assert letters.render(made).startswith(b"%PDF")


def test_a_debtor_need_not_wait_for_the_receipt(placed: Placed) -> None:
    payment = pay(placed, 300)
    assert payment is not None
    made = receipt(placed.scope, payment)
    assert receipt(placed.scope, payment).id == made.id
    assert [one.id for one in issue_all(placed)] == [made.id]
    go_back(placed, 300)
    assert said(receipt(placed.scope, payment)) == said(made)  # what was received was received


def test_no_receipt_is_given_for_what_the_creditor_received(placed: Placed) -> None:
    payment = pay(placed, 300, kind="direct")
    assert issue_all(placed) == []
    assert payment is not None
    with pytest.raises(NotFound):
        receipt(placed.scope, payment)


def test_a_receipt_is_of_its_own_creditor(placed: Placed, world: World) -> None:
    payment = pay(placed, 300)
    assert payment is not None
    with pytest.raises(NotFound):
        receipt(world.tenant(), payment)


def test_numbers_have_no_gaps_when_many_ask_at_once_and_some_fail(
    platform: runtime.Runtime, placed: Placed
) -> None:
    ids = [pay(placed, 10, f"{number}") for number in range(12)]

    def ask(number: int) -> None:
        try:
            with platform.database.transaction(placed.scope) as session:
                documents.receipt(session, ids[number] or 0, actor="debtor")
                if number % 3 == 0:
                    raise RuntimeError("the power fails")
        except RuntimeError:
            pass

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(issue_all(placed)) == 12
    with platform.database.transaction(placed.scope) as session:
        numbers = session.execute(select(Document.number).order_by(Document.number)).scalars().all()
        assert list(numbers) == list(range(1, 13))
        assert len(session.execute(select(Payment.id)).all()) == 12


def test_a_balance_letter_says_what_is_owed_that_day(placed: Placed) -> None:
    pay(placed, 400)
    first = balance(placed)
    assert (first.number, said(first)["total_minor"]) == (1, 1100)
    assert [line["parts"] for line in said(first)["lines"]] == [{"principal": 600}, {"principal": 500}]
    assert balance(placed).id == first.id  # asked twice on a day, nothing changed
    pay(placed, 100, "more")
    assert (balance(placed).number, said(balance(placed))["total_minor"]) == (2, 1000)
    clock.advance(timedelta(days=1))
    assert balance(placed).number == 3


def test_that_all_is_paid_is_said_only_when_it_is(platform: runtime.Runtime, placed: Placed) -> None:
    def letter() -> Document:
        with platform.database.transaction(placed.scope) as session:
            return documents.paid_letter(session, placed.account_ids[0], actor="debtor")

    pay(placed, 999)
    with pytest.raises(Conflict):
        letter()
    pay(placed, 1, "rest")
    assert account(placed).close_code == "PIF"
    made = letter()
    assert letter().id == made.id
    go_back(placed, 1, "rest")
    with pytest.raises(Conflict):
        letter()


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_papers_are_set_in_the_debtors_language_and_the_same_again(
    platform: runtime.Runtime, world: World, noon: object, language: str
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 900}], language=language)
    pay(placed, 950)
    made = issue_all(placed)[0]
    assert made.language == language
    first = letters.render(made)
    assert first.startswith(b"%PDF-")
    assert letters.render(made) == first
    assert made.printed_number == "R-000001"
    assert letters.render(balance(placed)) != first
    with platform.database.transaction(placed.scope) as session:
        paid = documents.paid_letter(session, placed.account_ids[0], actor="debtor")
        assert letters.render(paid).startswith(b"%PDF-")


def test_the_creditor_answers_a_request_for_the_invoice(platform: runtime.Runtime, placed: Placed) -> None:
    with platform.database.transaction(placed.scope) as session:
        asked = invoice_requests.ask(session, placed.account_ids[0], asked_with="page")
        assert asked is not None
        assert invoice_requests.ask(session, placed.account_ids[0], asked_with="page") is None
        assert [one.id for one in invoice_requests.waiting(session)] == [asked]
        made = invoice_requests.answer(session, asked, PDF, actor="user:1")
        assert letters.render(made) == PDF
        assert invoice_requests.waiting(session) == []
        with pytest.raises(Conflict):
            invoice_requests.answer(session, asked, PDF, actor="user:1")
    with platform.database.transaction(placed.scope) as session:
        stored = session.connection().exec_driver_sql("SELECT contents FROM documents").scalar_one()
        assert b"invoice" not in bytes(stored)


@pytest.mark.parametrize("content", [b"", b"MZ a program", b"%PDF-" + b"x" * invoice_requests.MOST_BYTES])
def test_what_is_no_invoice_is_refused(platform: runtime.Runtime, placed: Placed, content: bytes) -> None:
    with platform.database.transaction(placed.scope) as session:
        asked = invoice_requests.ask(session, placed.account_ids[0], asked_with="page") or 0
        with pytest.raises(UserError):
            invoice_requests.answer(session, asked, content, actor="user:1")
        with pytest.raises(UserError):
            invoice_requests.refuse(session, asked, why=" ", actor="user:1")
        invoice_requests.refuse(session, asked, why="lost in a fire", actor="user:1")
        assert invoice_requests.request(session, asked).note == "lost in a fire"
