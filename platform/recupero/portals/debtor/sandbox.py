"""The sandbox's own pages, where a payment or a card is pretended."""

from flask import redirect, render_template
from flask.typing import ResponseReturnValue

from recupero.kernel import runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import UserError
from recupero.payments.charging import mandates, sandbox
from recupero.payments.charging.mandate_tables import Mandate
from recupero.payments.gateways import charges
from recupero.portals.debtor.door import blueprint, wear_house
from recupero.portals.frame.forms import Form
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import public
from recupero_sdk.gateways import PaymentEventKind


@blueprint.get("/sandbox/pay/<reference>")
@public("the sandbox's payment page: the address is random, moves no money and names no debtor")
def sandbox_page(reference: str) -> ResponseReturnValue:
    """Choose what a provider would report."""
    scope = _scope(reference)
    database = runtime.current().database
    charge = sandbox.find(database, scope, reference)
    with database.transaction(scope) as opened:
        wear_house(opened)
    return render_template("debtor/sandbox.html", charge=charge, reference=reference)


@blueprint.post("/sandbox/pay/<reference>")
@public("the sandbox's payment page: the address is random, moves no money and names no debtor")
def sandbox_choice(reference: str) -> ResponseReturnValue:
    """Report it the way a provider does, and go back to where the debtor came from."""
    database, scope = runtime.current().database, _scope(reference)
    charge = sandbox.find(database, scope, reference)
    choice = Form.sent().text("outcome")
    if choice == "later":
        sandbox.report_later(database, scope, charge.id)
    elif choice == "failed":
        sandbox.report(database, scope, charge.id, PaymentEventKind.FAILED)
    elif choice == "paid":
        sandbox.report(database, scope, charge.id, PaymentEventKind.SUCCEEDED)
    else:
        raise UserError("Choose what happens to this payment.")
    with database.transaction(scope) as opened:
        return redirect(charges.request_of(opened, charge).success_url)


@blueprint.get("/sandbox/card/<reference>")
@public("the sandbox's page to enter a card: the address is random, and no card is real")
def sandbox_card(reference: str) -> ResponseReturnValue:
    """Choose how a pretended card behaves."""
    database, scope, found = _card(reference)
    with database.transaction(scope) as opened:
        wear_house(opened)
        back = mandates.request_of(opened, found).cancel_url
    return render_template(
        "debtor/sandbox_card.html", mandate=found, reference=reference, back=back, cards=sandbox.CARDS
    )


@blueprint.post("/sandbox/card/<reference>")
@public("the sandbox's page to enter a card: the address is random, and no card is real")
def sandbox_card_choice(reference: str) -> ResponseReturnValue:
    """Tell of the card the way a provider does, and go back to the debtor's plan."""
    database, scope, found = _card(reference)
    chosen = Form.sent().text("card")
    if chosen not in sandbox.CARDS:
        raise UserError("Choose a card.")
    sandbox.save_card(database, scope, found.id, chosen)
    with database.transaction(scope) as opened:
        return redirect(mandates.request_of(opened, found).success_url)


def _scope(reference: str) -> Scope:
    """The sandbox's references begin with the creditor's number. Raises NotFound."""
    return tenancy.tenant_scope(runtime.current().database, reference.partition("-")[0])


def _card(reference: str) -> tuple[Database, Scope, Mandate]:
    database, scope = runtime.current().database, _scope(reference)
    return database, scope, sandbox.find_consent(database, scope, reference)
