"""The trust account: what lies there for each creditor, whose it is, and the agency's own fees out of it."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.ledger import alarms, trust
from recupero.payments.incoming import bank_control, bank_items, statements
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.language import money
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/trust")
@requires(Permission.TRUST_READ)
def trust_list() -> ResponseReturnValue:
    with transaction() as session:
        held = trust.positions(session)
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
        standing = alarms.standing(session)
        bank = bank_control.bank_positions(session)
    return render_template(
        "trust/list.html", positions=held, tenants=names, alarms=standing, bank=bank, totals=_totals(bank)
    )


def _totals(bank: Sequence[bank_control.BankPosition]) -> list[bank_control.BankPosition]:
    """Bank against books of all creditors together, by currency, where there are several."""
    by_currency = {one.currency: [each for each in bank if each.currency == one.currency] for one in bank}
    return [bank_control.total(several) for several in by_currency.values() if len(several) > 1]


@blueprint.get("/trust/<int:tenant_id>/<currency>")
@requires(Permission.TRUST_READ)
def trust_position(tenant_id: int, currency: str) -> ResponseReturnValue:
    return _page(tenant_id, currency, Form())


@blueprint.post("/trust/<int:tenant_id>/<currency>/fees")
@requires(Permission.REMITTANCES_PAY)
def trust_fees(tenant_id: int, currency: str) -> ResponseReturnValue:
    """Note that earned fees were moved to the agency's own account."""
    form = Form.sent()
    try:
        with tenant_transaction(tenant_id) as session:
            taken = trust.take_fees(
                session, currency=currency, reference=form.optional("reference"), actor=the_caller().actor
            )
    except UserError as error:
        form.refuse(error, "reference")
        return _page(tenant_id, currency, form)
    flash(_("%(amount)s of fees have been taken.", amount=money(taken, currency)))
    return redirect(url_for("portals.trust_position", tenant_id=tenant_id, currency=currency))


@blueprint.post("/trust/<int:tenant_id>/<currency>/invoices")
@requires(Permission.REMITTANCES_PAY)
def trust_invoices(tenant_id: int, currency: str) -> ResponseReturnValue:
    """Note that the creditor paid invoices to the agency's own account."""
    form = Form.sent()
    try:
        with tenant_transaction(tenant_id) as session:
            trust.creditor_paid(
                session, currency=currency, amount_minor=form.money("amount", currency),
                reference=form.text("invoice_reference"), actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        error.field = {"reference": "invoice_reference"}.get(error.field or "", error.field)
        form.refuse(error, "amount", "invoice_reference")
        return _page(tenant_id, currency, form)
    flash(_("The creditor's payment has been noted."))
    return redirect(url_for("portals.trust_position", tenant_id=tenant_id, currency=currency))


def _page(tenant_id: int, currency: str, form: Form) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        held, tenant = trust.position(session, currency), tenancy.tenant(session)
        items = bank_items.uncleared(session)
        bank = bank_control.position(session, currency, items)
        page = render_template(
            "trust/position.html", held=held, tenant=tenant, form=form, bank=bank,
            today=clock.today(tenant.timezone),
            candidates=bank_control.candidates(session, bank),
            uncleared=[one for one in items if one.currency == currency],
            lines=[one for one in statements.open_lines(session) if one.currency == currency],
        )  # fmt: skip
    return page, form.status
