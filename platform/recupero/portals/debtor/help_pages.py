"""Hard times: what a month looks like, letting everything rest, and who gives free advice."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.understanding import hand_overs
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door, debtor_of
from recupero.payments.offers import affordability, hardship
from recupero.portals.debtor.advice import advice_for
from recupero.portals.debtor.door import WHY, blueprint, proven, transaction_of, wear_house
from recupero.portals.frame.forms import Form
from recupero.portals.words.language import plain_money
from recupero.tenancy.guard import public


@blueprint.get("/p/<token>/help")
@public(WHY)
@proven
def help_page(token: str, door: Door) -> ResponseReturnValue:
    """Say that times are hard, and if one likes, what a month looks like."""
    return _help_page(token, door, Form())


@blueprint.post("/p/<token>/means")
@public(WHY)
@proven
def means(token: str, door: Door) -> ResponseReturnValue:
    """What a month looks like: on to a plan that leaves room."""
    form = Form.sent()
    try:
        with transaction_of(door) as opened:
            wear_house(opened)
            can = charges.payable(opened, door.link_id)
            with form.together():
                answers = {
                    question: form.money(question, can.currency)
                    for question in affordability.QUESTIONS
                    if form.optional(question)
                }
                affordability.means(answers)
            found = affordability.keep(
                opened, debtor_id=debtor_of(opened, door.link_id), currency=can.currency, answers=answers,
                told_with="page",
            )  # fmt: skip
            if found is None or not found.payable_minor:
                return redirect(url_for("debtor.help_page", token=token, done="means"))
            at_most = plain_money(found.payable_minor, can.currency)
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, *affordability.QUESTIONS)
        return _help_page(token, door, form)
    return redirect(url_for("debtor.plan", token=token, every="monthly", at_most=at_most))


@blueprint.post("/p/<token>/hardship")
@public(WHY)
@proven
def tell_hardship(token: str, door: Door) -> ResponseReturnValue:
    """Times are hard: everything rests at once."""
    form = Form.sent()
    try:
        with transaction_of(door) as opened:
            hardship.open_case(
                opened, debtor_id=debtor_of(opened, door.link_id), kind=form.text("kind"), severity="medium",
                opened_with="page", opened_by="debtor", note=form.optional("note")[:2000],
            )  # fmt: skip
            account_id = charges.accounts_of(opened, door.link_id)[0]
            hand_overs.asked_on_page(opened, debtor_of(opened, door.link_id), account_id, why="hardship")
    except NotFound:
        raise
    except UserError as error:
        if error.status == 409:
            return redirect(url_for("debtor.link", token=token, done="hardship"))
        form.refuse(error, "kind")
        return _help_page(token, door, form)
    return redirect(url_for("debtor.link", token=token, done="hardship"))


def _help_page(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        page = render_template(
            "debtor/help.html", token=token, form=form, agency=agency, creditor=creditor,
            can=charges.payable(opened, door.link_id), kinds=hardship.KINDS, income=affordability.INCOME,
            expenses=affordability.EXPENSES, done=request.args.get("done"),
            advice=advice_for(creditor.country),
        )  # fmt: skip
    return page, form.status


@blueprint.get("/p/<token>/advice")
@public(WHY)
@proven
def free_advice(token: str, door: Door) -> ResponseReturnValue:
    """Who helps in the debtor's country, free of charge."""
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
    return render_template(
        "debtor/advice.html", token=token, advice=advice_for(door.country or creditor.country)
    )
