"""Why it is not paid: each reason gets an honest next step, which holds at once. Disputes with papers."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel.errors import NotFound
from recupero.outreach.conversations.files import KINDS, LARGEST, LARGEST_TOGETHER
from recupero.outreach.debtors import tellings
from recupero.payments.agreements import wishes
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door, debtor_of
from recupero.payments.offers import hardship
from recupero.placements.debts import OpenDebt
from recupero.portals.debtor.advice import advice_for
from recupero.portals.debtor.door import WHY, blueprint, proven, transaction_of, tried, wear_house
from recupero.portals.debtor.owed import own_account, settles, splits
from recupero.portals.frame.forms import Form
from recupero.tenancy.guard import public
from recupero_sdk.inbound import Attachment

#: In which order people are shown the reasons: what happens most, first; each is named in the template.
SHOWN = (
    "CASH_SHORT", "JOB_LOSS", "WAITING_INCOME", "NO_INVOICE", "FORGOT", "OVERINDEBTED", "ILLNESS",
    "PRICE_OR_BILLING_ERROR", "DISPUTE", "SERVICE_COMPLAINT", "PAYMENT_MEANS", "DECEASED", "UNWILLING",
    "OTHER",
)  # fmt: skip


@blueprint.get("/p/<token>/why")
@public(WHY)
@proven
def why(token: str, door: Door) -> ResponseReturnValue:
    """The reasons to choose from."""
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
    return render_template("debtor/why.html", token=token, creditor=creditor, reasons=SHOWN)


@blueprint.route("/p/<token>/why/<reason>", methods=["GET", "POST"])
@public(WHY)
@proven
def because(token: str, door: Door, reason: str) -> ResponseReturnValue:
    """What happens for a reason, before it is told; then it is done."""
    if reason not in tellings.STEPS:
        raise NotFound("no such reason")
    step, form = tellings.STEPS[reason], Form.sent()
    if step == "dispute" and not form.is_sent:
        about = "wrong_amount" if reason == "PRICE_OR_BILLING_ERROR" else None
        return redirect(url_for("debtor.dispute", token=token, why=about))
    if form.is_sent and (answer := tried(form, lambda: _tell(token, door, form, reason), *_FIELDS)):
        return answer
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        page = render_template(
            "debtor/because.html", token=token, form=form, agency=agency, creditor=creditor, reason=reason,
            step=step, debts=_debts(opened, door), days=hardship.SEVERITIES["medium"],
            invoice_days=tellings.INVOICE_REST.days, limits=_LIMITS,
        )  # fmt: skip
    return page, form.status


#: How many papers, and of how many bytes each and together; the page says so before they are sent.
_LIMITS = {"files": tellings.MOST_FILES, "each": LARGEST, "together": LARGEST_TOGETHER}
_TAKEN = ("application/pdf", "image/jpeg", "image/png")  # told by their first bytes
_FIELDS = ("account", "words", "papers", "dispute_account", "dispute_why")


def _tell(token: str, door: Door, form: Form, reason: str) -> ResponseReturnValue:
    if reason == "OTHER":
        form.text("words")
    with transaction_of(door) as opened:
        account_id = own_account(opened, door, form, "account")
        made = tellings.tell(
            opened, tellings.Told(account_id, reason, words=form.optional("words"), papers=_papers())
        )
    return redirect(url_for("debtor.told", token=token, telling_id=made.id))


@blueprint.get("/p/<token>/told/<int:telling_id>")
@public(WHY)
@proven
def told(token: str, door: Door, telling_id: int) -> ResponseReturnValue:
    """What was told, what holds now because of it, and what can be done next."""
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        debtor_id = debtor_of(opened, door.link_id)
        found = next(
            (one for one in tellings.of_debtors(opened, [debtor_id]) if one[0].id == telling_id), None
        )
        if found is None:
            raise NotFound("nothing of the kind was told")
        can, case = charges.payable(opened, door.link_id), hardship.open_of(opened, debtor_id)
        return render_template(
            "debtor/told.html", token=token, told=found[0], papers=found[1], agency=agency,
            creditor=creditor, can=can, splits=splits(opened, can), settles=settles(opened, can), case=case,
            advice=advice_for(creditor.country),
        )  # fmt: skip


@blueprint.route("/p/<token>/dispute", methods=["GET", "POST"])
@public(WHY)
@proven
def dispute(token: str, door: Door) -> ResponseReturnValue:
    """The debtor says that it is not owed, and shows why."""
    form = Form.sent() if request.method == "POST" else Form({"dispute_why": request.args.get("why", "")})
    if form.is_sent and (answer := tried(form, lambda: _dispute(token, door, form), *_FIELDS)):
        return answer
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
        debts = _debts(opened, door)
    page = render_template(
        "debtor/dispute.html", token=token, form=form, creditor=creditor, debts=debts,
        disputes=list(tellings.DISPUTES), limits=_LIMITS,
    )  # fmt: skip
    return page, form.status


def _dispute(token: str, door: Door, form: Form) -> ResponseReturnValue:
    detail = form.one_of("dispute_why", tellings.DISPUTES)
    with transaction_of(door) as opened:
        made = tellings.tell(opened, tellings.Told(
            account_id=own_account(opened, door, form, "dispute_account"), reason=tellings.DISPUTES[detail],
            words=form.optional("words"), detail=detail, papers=_papers(),
        ))  # fmt: skip
    return redirect(url_for("debtor.told", token=token, telling_id=made.id))


def _debts(opened: Session, door: Door) -> list[OpenDebt]:
    """What it can be about: what is owed, else whatever the link is over."""
    return list(charges.payable(opened, door.link_id).debts) or wishes.debts(opened, door.link_id)


def _kind(told: str | None, content: bytes) -> str:
    """What a file is: as the browser tells, or by its first bytes where it does not know, as some phones."""
    if told not in (None, "", "application/octet-stream"):
        return told or ""
    return next((kind for kind in _TAKEN if content.startswith(KINDS[kind])), told or "")


def _papers() -> list[Attachment]:
    """The files that were sent, no more of each than tells that it is too large; an empty field is none."""
    found = []
    for one in request.files.getlist("papers")[: tellings.MOST_FILES + 1]:
        if one.filename:
            content = one.read(LARGEST + 1)
            found.append(Attachment(one.filename, _kind(one.mimetype, content), len(content), content))
    return found
