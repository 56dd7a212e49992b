"""A payment that a debtor made straight to the creditor, reported by form. It goes the way of a financial
file of one line: tried first, then taken in; the same payment told twice is booked once."""

import csv
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock, runtime
from recupero.kernel.errors import UserError
from recupero.kernel.money import minor_units
from recupero.placements import orders
from recupero.placements.orders import OwnAccount
from recupero.portals.creditor.own import acting_scope, reading
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller
from recupero.tenancy.permissions import Permission

ENTRIES = ("payment", "reversal")
_HEADINGS = ("client_account", "amount", "paid_on", "reference", "entry")
_MAPPING = {"columns": {name: name for name in _HEADINGS}, "dates": "ymd", "decimal": "."}


@dataclass(frozen=True, slots=True)
class Reported:
    """What the form says: an amount above 0 in minor units, on a day of the creditor's."""

    entry: str
    amount_minor: int
    paid_on: date
    reference: str

    def left(self, account: OwnAccount) -> int:
        """What is owed afterwards; more than was owed is owed to nobody."""
        change = self.amount_minor if self.entry == "reversal" else -self.amount_minor
        return max(0, account.balance_minor + change)

    def over(self, account: OwnAccount) -> int:
        """What was paid beyond the balance."""
        return max(0, self.amount_minor - account.balance_minor) if self.entry == "payment" else 0


@blueprint.get("/portal/accounts/<int:account_id>/payment")
@requires(Permission.PLACEMENTS_IMPORT)
def creditor_payment(account_id: int) -> ResponseReturnValue:
    account, today = _account(account_id)
    return _page(account, Form({"entry": "payment", "paid_on": today.isoformat()}), None)


@blueprint.post("/portal/accounts/<int:account_id>/payment")
@requires(Permission.PLACEMENTS_IMPORT)
def creditor_payment_sent(account_id: int) -> ResponseReturnValue:
    """Tried first; with `confirmed`, booked."""
    account, today = _account(account_id)
    form = Form.sent()
    try:
        reported = _reported(form, account, today)
        _take_in(account, reported, dry_run=not form.optional("confirmed"))
    except UserError as error:
        form.refuse(error, "amount", "paid_on", "reference", "entry")
        return _page(account, form, None)
    if not form.optional("confirmed"):
        return _page(account, form, reported)
    flash(_("The payment is booked.") if reported.entry == "payment" else _("The payment is taken back."))
    return redirect(url_for("portals.creditor_account", account_id=account_id))


def _account(account_id: int) -> tuple[OwnAccount, date]:
    with reading() as session:
        return orders.account(session, account_id), clock.today(tenancy.tenant(session).timezone)


def _page(account: OwnAccount, form: Form, reported: Reported | None) -> ResponseReturnValue:
    page = render_template("creditor/payment.html", account=account, form=form, reported=reported)
    return page, form.status


def _reported(form: Form, account: OwnAccount, today: date) -> Reported:
    with form.together():
        made = Reported(
            form.one_of("entry", ENTRIES),
            form.money("amount", account.currency), form.day("paid_on"), form.optional("reference")[:80],
        )  # fmt: skip
        if made.amount_minor <= 0:
            form.wrong(UserError("the amount must be above zero", field="amount"))
        if made.paid_on > today:
            form.wrong(UserError("choose today or an earlier day", field="paid_on"))
    return made


def _take_in(account: OwnAccount, reported: Reported, *, dry_run: bool) -> None:
    """Through the door of financial files. Raises UserError where the line is not taken."""
    from recupero.placements.imports import import_file  # Polars is loaded only where a file is read

    with tempfile.TemporaryDirectory(prefix="recupero-paid-") as folder:
        path = Path(folder) / f"{account.client_account.replace('/', '-')[:60] or 'payment'}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([_HEADINGS, _line(account, reported)])
        result: Any = import_file(
            runtime.current().database, acting_scope(), portfolio_id=account.portfolio_id, path=path,
            kind="financial", mapping=_MAPPING, dry_run=dry_run, actor=the_caller().actor,
        )  # fmt: skip
    if result.duplicates:
        raise UserError(
            "this was reported already; give another reference if it is one more", field="reference"
        )
    if result.quarantined:
        raise UserError("work on this account has ended: tell the agency of the payment", field="amount")
    if not result.accepted and reported.entry == "reversal":
        raise UserError("this is more than was reported as paid to you", field="amount")
    if not result.accepted:
        raise UserError("this cannot be booked: look under Placements for the reason", field="amount")


def _line(account: OwnAccount, reported: Reported) -> list[str]:
    digits = minor_units(account.currency)
    units, rest = divmod(reported.amount_minor, 10**digits)
    amount = f"{units}.{rest:0{digits}}" if digits else str(units)
    return [account.client_account, amount, reported.paid_on.isoformat(), reported.reference, reported.entry]
