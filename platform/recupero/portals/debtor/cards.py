"""The debtor's pages of automatic payments: what they agree to, the gateway's page, and the end of it."""

from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.payments import mandates, plans, sandbox
from recupero.payments.links import Door
from recupero.payments.mandate_tables import Mandate
from recupero.payments.mandates import Bounds
from recupero.payments.offer_tables import Plan
from recupero.portals.debtor import account as debtor
from recupero.portals.debtor.offers import own_plan
from recupero.portals.forms import Form
from recupero.portals.language import day, money
from recupero.tenancy.guard import public

blueprint = debtor.blueprint
_WHY = debtor.WHY


def consent_words(plan: Plan, count: int, bounds: Bounds, agency: Any, creditor: Any) -> str:
    """What the debtor agrees to, in the language of the page; kept as it stands."""
    words: str = _(
        "I agree that %(agency)s charges the instalments of my plan with %(creditor)s (%(total)s in %(count)s"
        " payments) to the card that I enter: each on its due date, at most %(most)s at a time, none after"
        " %(until)s (or as many days later as my plan is paused), and nothing else. I can end this at any"
        " time on my payment page or by asking %(agency)s; my plan goes on without it.",
        agency=agency.name, creditor=creditor.name, total=money(plan.total_minor, plan.currency), count=count,
        most=money(bounds.most_minor, bounds.currency), until=day(bounds.until),
    )  # fmt: skip
    return words


@blueprint.get("/p/<token>/plans/<int:plan_id>/card")
@public(_WHY)
@debtor.proven
def card(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """What automatic payment means for this plan, before agreeing."""
    with debtor.transaction_of(door) as opened:
        agency, creditor = debtor.wear_house(opened)
        plan = own_plan(opened, door, plan_id)
        bounds, count = mandates.bounds(opened, plan), len(plans.instalments_of(opened, [plan.id])[plan.id])
        standing = mandates.latest(opened, plan.id)
        if bounds is None or (standing is not None and standing.state == "active"):
            return redirect(url_for("debtor.agreed_plan", token=token, plan_id=plan_id))
        words = consent_words(plan, count, bounds, agency, creditor)
        return render_template("debtor/card.html", token=token, plan=plan, words=words)


@blueprint.post("/p/<token>/plans/<int:plan_id>/card")
@public(_WHY)
@debtor.proven
def agree_card(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """The debtor agrees: on to the gateway's page, where the card is entered."""
    with debtor.transaction_of(door) as opened:
        agency, creditor = debtor.wear_house(opened)
        plan = own_plan(opened, door, plan_id)
        bounds, count = mandates.bounds(opened, plan), len(plans.instalments_of(opened, [plan.id])[plan.id])
        if bounds is None:
            return redirect(url_for("debtor.agreed_plan", token=token, plan_id=plan_id))
        words = consent_words(plan, count, bounds, agency, creditor)
        made = mandates.ask(opened, plan_id=plan.id, link_id=door.link_id, words=words, asked_with="debtor")
    return redirect(url_for("debtor.card_page", token=token, plan_id=plan_id, mandate_id=made.id))


@blueprint.get("/p/<token>/plans/<int:plan_id>/card/<int:mandate_id>")
@public(_WHY)
@debtor.proven
def card_page(token: str, door: Door, plan_id: int, mandate_id: int) -> ResponseReturnValue:
    """Until a worker has the gateway's page; then on to it."""
    with debtor.transaction_of(door) as opened:
        debtor.wear_house(opened)
        found = mandates.find(opened, mandate_id)
        if (found.link_id, found.plan_id) != (door.link_id, plan_id):
            raise NotFound("no such consent")
        return render_template("debtor/card_page.html", token=token, mandate=found)


@blueprint.post("/p/<token>/plans/<int:plan_id>/card/end")
@public(_WHY)
@debtor.proven
def end_card(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """No more automatic payments; the plan goes on."""
    with debtor.transaction_of(door) as opened:
        plan = own_plan(opened, door, plan_id)
        found = mandates.latest(opened, plan.id)
        if found is not None and found.state != "ended":
            mandates.revoke(opened, found.id, actor="debtor")
    return redirect(url_for("debtor.agreed_plan", token=token, plan_id=plan_id))


@blueprint.get("/sandbox/card/<reference>")
@public("the sandbox's page to enter a card: the address is random, and no card is real")
def sandbox_card(reference: str) -> ResponseReturnValue:
    """Choose how a pretended card behaves."""
    database, scope, found = _sandbox(reference)
    with database.transaction(scope) as opened:
        debtor.wear_house(opened)
        back = mandates.request_of(opened, found).cancel_url
    return render_template(
        "debtor/sandbox_card.html", mandate=found, reference=reference, back=back, cards=sandbox.CARDS
    )


@blueprint.post("/sandbox/card/<reference>")
@public("the sandbox's page to enter a card: the address is random, and no card is real")
def sandbox_card_choice(reference: str) -> ResponseReturnValue:
    """Tell of the card the way a provider does, and go back to the debtor's plan."""
    database, scope, found = _sandbox(reference)
    chosen = Form.sent().text("card")
    if chosen not in sandbox.CARDS:
        raise UserError("Choose a card.")
    sandbox.save_card(database, scope, found.id, chosen)
    with database.transaction(scope) as opened:
        return redirect(mandates.request_of(opened, found).success_url)


def _sandbox(reference: str) -> tuple[Database, Scope, Mandate]:
    database, scope = runtime.current().database, debtor.sandbox_scope(reference)
    return database, scope, sandbox.find_consent(database, scope, reference)
