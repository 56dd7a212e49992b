"""A debtor's papers behind their payment link: receipts, letters, the original invoice."""

from flask import Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel import rest
from recupero.kernel.errors import NotFound
from recupero.payments import queries as payments
from recupero.payments.agreements import wishes
from recupero.payments.debts import accruing
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door, debtor_of
from recupero.payments.papers import documents, invoice_requests
from recupero.payments.papers.document_tables import Document
from recupero.portals.debtor.door import WHY, blueprint, proven, transaction_of, wear_house
from recupero.portals.frame.forms import Form
from recupero.portals.words.language import language
from recupero.tenancy.guard import public


@blueprint.get("/p/<token>/papers")
@public(WHY)
@proven
def papers(token: str, door: Door) -> ResponseReturnValue:
    """All papers, and what may be asked for."""
    return _page(token, door)


def _page(token: str, door: Door, asked: bool = False) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        wear_house(opened)
        debtor_id = debtor_of(opened, door.link_id)
        return render_template(
            "debtor/papers.html", token=token, papers=documents.documents_of(opened, debtor_id),
            can=charges.payable(opened, door.link_id), asked=asked,
            paid=wishes.paid_accounts(opened, door.link_id),
        )  # fmt: skip


@blueprint.get("/p/<token>/papers/<int:document_id>")
@public(WHY)
@proven
def paper(token: str, door: Door, document_id: int) -> ResponseReturnValue:
    """One paper, to keep."""
    with transaction_of(door) as opened:
        found = documents.document(opened, document_id, debtor_id=debtor_of(opened, door.link_id))
        return own_file(found)


@blueprint.get("/p/<token>/receipts/<int:charge_id>")
@public(WHY)
@proven
def receipt(token: str, door: Door, charge_id: int) -> ResponseReturnValue:
    """The receipt of what was just paid, made now where nobody has made it yet."""
    with transaction_of(door) as opened:
        payment = payments.latest_payment(opened, door.link_id, charge_id)
        if payment is None:
            raise NotFound("no such payment")
        return own_file(documents.receipt(opened, payment.id, actor="debtor"))


@blueprint.get("/p/<token>/receipt")
@public(WHY)
@proven
def last_receipt(token: str, door: Door) -> ResponseReturnValue:
    """The receipt of their last payment, for whom it was promised to when they asked for it."""
    with transaction_of(door) as opened:
        wear_house(opened)
        payment = documents.last_paid(opened, debtor_of(opened, door.link_id))
        made = documents.receipt(opened, payment.id, actor="debtor") if payment else None
        return render_template("debtor/receipt.html", token=token, payment=payment, paper=made)


@blueprint.post("/p/<token>/papers")
@public(WHY)
@proven
def ask_paper(token: str, door: Door) -> ResponseReturnValue:
    """A balance letter, a letter that all is paid, or the invoice that never came."""
    form = Form.sent()
    kind = form.text("kind")
    with transaction_of(door) as opened:
        if kind == "invoice":
            account = wishes.account_of(opened, door.link_id, form.whole("account"))
            invoice_requests.ask(opened, account, asked_with="page")
        else:
            made = _letter(opened, door, kind, form)
            return redirect(url_for("debtor.paper", token=token, document_id=made.id))
    return _page(token, door, asked=True)


def _letter(opened: Session, door: Door, kind: str, form: Form) -> Document:
    if kind == "paid_in_full":
        account = wishes.account_of(opened, door.link_id, form.whole("account"))
        return documents.paid_letter(opened, account, actor="debtor")
    if kind != "balance":
        raise NotFound("no such document")
    accruing.accrue_link(opened, door.link_id)
    currency = charges.payable(opened, door.link_id).currency
    return documents.balance_letter(opened, debtor_of(opened, door.link_id), currency, actor="debtor")


def own_file(found: Document) -> Response:
    """A paper for the debtor, in the language in which they read the page."""
    return file_response(found, language())


def file_response(found: Document, spoken: str | None = None) -> Response:
    """A paper as a file to keep, in this language or, as staff see what a debtor has, as it was issued."""
    from recupero.reports import letters  # the typesetter stays out of processes that set nothing

    response = rest.file(letters.render(found, spoken), found.media_type, letters.file_name(found))
    response.headers["Cache-Control"] = "private, no-store"
    return response
