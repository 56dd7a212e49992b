"""The debtor's pages of automatic payments: what they agree to, the gateway's page, and the end of it."""

from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import NotFound
from recupero.payments.agreements import plans
from recupero.payments.charging import mandates
from recupero.payments.charging.mandates import Bounds
from recupero.payments.gateways.links import Door
from recupero.payments.offers.offer_tables import Plan
from recupero.portals.debtor.door import WHY, blueprint, proven, transaction_of, wear_house
from recupero.portals.debtor.offers import own_plan
from recupero.portals.words.language import day, money
from recupero.tenancy.guard import public


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
@public(WHY)
@proven
def card(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """What automatic payment means for this plan, before agreeing."""
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        plan = own_plan(opened, door, plan_id)
        bounds, count = mandates.bounds(opened, plan), len(plans.instalments_of(opened, [plan.id])[plan.id])
        standing = mandates.latest(opened, plan.id)
        if bounds is None or (standing is not None and standing.state == "active"):
            return redirect(url_for("debtor.agreed_plan", token=token, plan_id=plan_id))
        words = consent_words(plan, count, bounds, agency, creditor)
        return render_template("debtor/card.html", token=token, plan=plan, words=words)


@blueprint.post("/p/<token>/plans/<int:plan_id>/card")
@public(WHY)
@proven
def agree_card(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """The debtor agrees: on to the gateway's page, where the card is entered."""
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        plan = own_plan(opened, door, plan_id)
        bounds, count = mandates.bounds(opened, plan), len(plans.instalments_of(opened, [plan.id])[plan.id])
        if bounds is None:
            return redirect(url_for("debtor.agreed_plan", token=token, plan_id=plan_id))
        words = consent_words(plan, count, bounds, agency, creditor)
        made = mandates.ask(opened, plan_id=plan.id, link_id=door.link_id, words=words, asked_with="debtor")
    return redirect(url_for("debtor.card_page", token=token, plan_id=plan_id, mandate_id=made.id))


@blueprint.get("/p/<token>/plans/<int:plan_id>/card/<int:mandate_id>")
@public(WHY)
@proven
def card_page(token: str, door: Door, plan_id: int, mandate_id: int) -> ResponseReturnValue:
    """Until a worker has the gateway's page; then on to it."""
    with transaction_of(door) as opened:
        wear_house(opened)
        found = mandates.find(opened, mandate_id)
        if (found.link_id, found.plan_id) != (door.link_id, plan_id):
            raise NotFound("no such consent")
        return render_template("debtor/card_page.html", token=token, mandate=found)


@blueprint.post("/p/<token>/plans/<int:plan_id>/card/end")
@public(WHY)
@proven
def end_card(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """No more automatic payments; the plan goes on."""
    with transaction_of(door) as opened:
        plan = own_plan(opened, door, plan_id)
        found = mandates.latest(opened, plan.id)
        if found is not None and found.state != "ended":
            mandates.revoke(opened, found.id, actor="debtor")
    return redirect(url_for("debtor.agreed_plan", token=token, plan_id=plan_id))
