"""What the creditor orders for accounts: rest, let go on, recall. First what it means, then the order."""

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.money import Money
from recupero.outreach import queries as outreach
from recupero.payments import queries as payments
from recupero.payments.agreements import plans
from recupero.placements import browse, orders
from recupero.placements.orders import OwnAccount
from recupero.portals.creditor.own import acting, reading
from recupero.portals.frame.forms import Form, ids_of
from recupero.portals.frame.pages import blueprint
from recupero.tenancy.guard import requires, the_caller
from recupero.tenancy.permissions import Permission

ORDERS = ("hold", "release", "recall")
SHOWN = 100  # accounts that a preview names one by one


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do. `touched` are the accounts that it changes, `sums` their balances by currency,
    `spared` those that it does not change: they have ended, or do not rest. `queued` messages and calls would
    be stopped."""

    touched: list[OwnAccount]
    spared: list[OwnAccount]
    sums: list[Money]
    queued: int
    plans: int
    promises: int
    recall_days: int


@blueprint.get("/portal/orders")
@requires(Permission.PLACEMENTS_IMPORT)
def creditor_orders() -> ResponseReturnValue:
    """Choose accounts by their numbers."""
    return _choosing(Form({"do": request.args.get("do", "hold")}))


@blueprint.post("/portal/orders")
@requires(Permission.PLACEMENTS_IMPORT)
def creditor_order() -> ResponseReturnValue:
    """What the order means; with `confirmed`, the order."""
    form = Form.sent()
    if form.optional("do") not in ORDERS:
        raise NotFound("There is no such order.")
    try:
        account_ids, unknown = _asked(form)
    except UserError as error:
        if error.status == 404:
            raise
        form.refuse(error, "accounts")
        return _choosing(form)
    if form.optional("confirmed"):
        try:
            return _carry_out(form, account_ids)
        except UserError as error:
            if error.status == 404:
                raise
            form.refuse(error, "why", "until")
    return _previewed(form, account_ids, unknown)


def _choosing(form: Form) -> ResponseReturnValue:
    return render_template("creditor/choose.html", form=form, orders=ORDERS, words=_words()), form.status


def _asked(form: Form) -> tuple[list[int], list[str]]:
    """Ids of the accounts chosen in the list, or typed by their numbers; and numbers that no account has."""
    if form.optional("numbers"):
        numbers = [
            line.strip() for line in form.text("numbers").replace(",", "\n").splitlines() if line.strip()
        ]
        with reading() as session:
            found, unknown = orders.named(session, numbers)
        if not found:
            raise UserError("none of these numbers is one of your accounts", field="numbers")
        return found, unknown
    ticked = ids_of("account")
    if len(ticked) < len(request.form.getlist("account")):
        raise NotFound("no such account")
    return ticked, []


def _previewed(form: Form, account_ids: list[int], unknown: list[str]) -> ResponseReturnValue:
    do = form.optional("do")
    try:
        with reading() as session:
            preview = _preview(session, do, orders.chosen(session, account_ids))
    except UserError as error:
        if error.status == 404:
            raise
        form.refuse(error, "accounts")
        return _choosing(form)
    page = render_template(
        "creditor/preview.html", form=form, do=do, preview=preview, unknown=unknown, shown=SHOWN,
        words=_words(), ids=account_ids,
    )  # fmt: skip
    return page, form.status


def _preview(session: Session, do: str, chosen: list[OwnAccount]) -> Preview:
    touched = [one for one in chosen if (one.rests if do == "release" else not one.ended)]
    ids = [one.id for one in touched]
    portfolios = {one.portfolio_id for one in touched}
    days = [one.terms.get("recall_days", 0) for one in browse.portfolios(session) if one.id in portfolios]
    return Preview(
        touched, [one for one in chosen if one not in touched], _sums(touched),
        0 if do == "release" else outreach.count_waiting(session, ids), len(plans.running(session, ids)),
        sum(one.state == "open" for one in payments.promises_of(session, ids)), max(days, default=0),
    )  # fmt: skip


def _sums(accounts: list[OwnAccount]) -> list[Money]:
    currencies = sorted({one.currency for one in accounts})
    return [
        Money(sum(one.balance_minor for one in accounts if one.currency == currency), currency)
        for currency in currencies
    ]


def _carry_out(form: Form, account_ids: list[int]) -> ResponseReturnValue:
    do, actor, why = form.optional("do"), the_caller().actor, form.optional("why")
    with acting() as session:
        if do == "hold":
            until = form.day("until") if form.optional("until") else None
            done = orders.hold(session, account_ids, until=until, why=why, actor=actor)
        else:
            done = {"release": orders.release, "recall": orders.recall}[do](
                session, account_ids, why=why, actor=actor
            )
    number = len(done)
    texts = {
        "hold": ngettext("%(num)s account rests.", "%(num)s accounts rest.", number),
        "release": ngettext(
            "Work goes on with %(num)s account.", "Work goes on with %(num)s accounts.", number
        ),
        "recall": ngettext("%(num)s account is recalled.", "%(num)s accounts are recalled.", number),
    }
    flash(texts[do])
    if len(account_ids) == 1:
        return redirect(url_for("portals.creditor_account", account_id=account_ids[0]))
    return redirect(url_for("portals.creditor_accounts"))


def _words() -> dict[str, dict[str, Any]]:
    """What each order is called and does."""
    return {
        "hold": {
            "title": _("Rest accounts"), "do": _("Rest them"),
            "told": _("Nobody is contacted about them until you let work go on, or the day that you choose is"
                      " over. Debtors can still pay."),
        },
        "release": {
            "title": _("Let work go on"), "do": _("Let work go on"),
            "told": _("Your own rest ends at once. Whatever else stops the work, such as a dispute, stays."),
        },
        "recall": {
            "title": _("Recall accounts"), "do": _("Recall them"),
            "told": _("The accounts come back to you and nobody is contacted about them any more."
                      " To have them worked again they are placed anew."),
        },
    }  # fmt: skip
