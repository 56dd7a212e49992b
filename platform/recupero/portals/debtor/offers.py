"""The debtor's page beyond paying at once: a plan, an offer to settle, what they can afford, hard times."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from sqlalchemy.orm import Session

from recupero.decisions.advice import offers
from recupero.decisions.advice.offers import Offer
from recupero.decisions.strategies import offer_rules
from recupero.kernel import clock
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.kernel.money import smallest_coin
from recupero.payments.agreements import plans, settlement_queries, settlements
from recupero.payments.agreements.plan_suggestions import suggestions
from recupero.payments.charging import mandates
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door
from recupero.payments.offers import hardship
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.offers.plan_schedule import Choice, Schedule, most_instalments
from recupero.payments.offers.policy import PAGE, policy_of
from recupero.payments.papers import agreement_documents
from recupero.portals.debtor.documents import own_file
from recupero.portals.debtor.door import WHY, blueprint, done, proven, transaction_of, tried, wear_house
from recupero.portals.debtor.owed import amount_outside, last_asked, settles
from recupero.portals.frame import plan_forms
from recupero.portals.frame.forms import Form
from recupero.portals.words.language import day, money
from recupero.portals.words.words_of_money import ASKED_ON_PAGE
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import public

#: What the page asks of a plan.
_WISHES = (*plan_forms.FIELDS, "down_percent")
#: For how long an offer stands that the debtor asked for, where the creditor allows so long.
_OFFER_STANDS = timedelta(days=14)


@blueprint.get("/p/<token>/plan")
@public(WHY)
@proven
def plan(token: str, door: Door) -> ResponseReturnValue:
    """Plans to choose from, or one's own with its dates and totals before agreeing."""
    return _plan_page(token, door, Form(request.args.to_dict()))


@blueprint.get("/p/<token>/o/<int:count>.<int:down>.<int:day>")
@public(WHY)
@proven
def named_plan(token: str, door: Door, count: int, down: int, day: int) -> ResponseReturnValue:
    """The plan that a message named (`texts.beyond`): so many payments, percent at once, and from when
    (YYYYMMDD; where that has passed, as the page would have it). Its page asks for the yes."""
    try:
        first = datetime.strptime(str(day), "%Y%m%d").date()  # noqa: DTZ007 - a day, no moment
    except ValueError as error:
        raise NotFound("no such plan") from error
    with transaction_of(door) as opened:
        late = first < _today(opened)
    wished: dict[str, Any] = {} if late else {"first_on": first.isoformat()}
    wished |= {"down_percent": str(down)} if down else {}
    return redirect(url_for("debtor.plan", token=token, every="monthly", instalments=count, **wished))


@blueprint.get("/p/<token>/plan.json")
@public(WHY)
@proven
def plan_dates(token: str, door: Door) -> ResponseReturnValue:
    """The dates and totals of a plan while its sliders move: what the page would show, nothing is agreed."""
    form = Form(request.args.to_dict())
    with transaction_of(door) as opened:
        wear_house(opened)
        can = charges.payable(opened, door.link_id)
        try:
            choice = _choice(form, can, _today(opened))
            made = plans.propose(opened, can.account_ids, choice, PAGE).schedule
        except UserError as error:
            plan_forms.refuse(form, error)
            return {"errors": form.errors}, 422
    return jsonify(
        count=_counted(choice, made),
        total=money(made.total_minor, can.currency),
        rows=[[day(one.due_date), money(one.amount_minor, can.currency)] for one in made.instalments],
    )


@blueprint.post("/p/<token>/plan")
@public(WHY)
@proven
def agree(token: str, door: Door) -> ResponseReturnValue:
    """Agree to the plan that was shown."""
    form = Form.sent()
    try:
        with transaction_of(door) as opened:
            wear_house(opened)
            can = charges.payable(opened, door.link_id)
            if not _may_split(opened, door, can):
                raise Conflict("this cannot be paid in parts at present")
            made = plans.agree_plan(
                opened, account_ids=can.account_ids, choice=_choice(form, can, _today(opened)), offerer=PAGE
            )
    except NotFound:
        raise
    except UserError as error:
        plan_forms.refuse(form, error)
        return _plan_page(token, door, form)
    return redirect(url_for("debtor.agreed_plan", token=token, plan_id=made.id))


def _counted(choice: Choice, made: Schedule) -> str:
    """How many payments the plan has, counted as its sliders do: what is paid at once stands beside them."""
    if not choice.down_payment_minor:
        return str(ngettext("%(num)s payment", "%(num)s payments", len(made.instalments)))
    rest = len(made.instalments) - 1
    return str(
        ngettext("A part at once, then %(num)s payment", "A part at once, then %(num)s payments", rest)
    )


def _choice(form: Form, can: charges.Payable, today: date) -> Choice:
    """The plan that the sliders ask for: what is paid at once is a part of the whole, in round amounts."""
    choice = plan_forms.choice_of(form, can.currency, today)
    if not form.optional("down_percent"):
        return choice
    coin = max(can.step_minor, smallest_coin(can.currency))
    down = can.total_minor * form.whole("down_percent") // 100 // coin * coin
    return replace(choice, down_payment_minor=down)


def _may_split(opened: Session, door: Door, can: charges.Payable) -> bool:
    """Whether the strategy makes plans now; who has one may change it."""
    running = plans.running(opened, can.account_ids)
    return bool(running) or "plan" in offer_rules.kinds(opened, can.account_ids)


def _plan_page(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
        can = charges.payable(opened, door.link_id)
        if not can.debts or not _may_split(opened, door, can):
            return redirect(url_for("debtor.link", token=token))
        policy, today = policy_of(can.debts), _today(opened)
        limits = policy.of(PAGE).plan_limits
        suggested = suggestions(opened, can.account_ids, policy, PAGE, today)
        best = _best_plan(opened, can.account_ids) if suggested else None
        suggested.sort(key=lambda one: best is None or one[0] != best.count)  # stable: the others stay
        if suggested and not any(form.optional(name) for name in _WISHES):
            form = Form(_preset(best) if best else _middle(*suggested[len(suggested) // 2]))
        shown, counted = None, ""
        if form.values.get("every") and not form.errors:
            try:
                choice = _choice(form, can, today)
                shown = plans.propose(opened, can.account_ids, choice, PAGE).schedule
                counted = _counted(choice, shown)
            except UserError as error:
                plan_forms.refuse(form, error)
        page = render_template(
            "debtor/plan.html", token=token, form=form, can=can, creditor=creditor, schedule=shown,
            counted=counted,
            limits=limits, today=today, last=today + timedelta(days=limits.first_payment_days),
            most=most_instalments(can.total_minor, limits), suggested=suggested,
            fields={name: form.optional(name) for name in _WISHES},
        )  # fmt: skip
    return page, form.status


def _best_plan(opened: Session, account_ids: Collection[int]) -> Offer | None:
    """The plan of which most is to be expected, within what the debtor told they can pay. One that asks for
    nothing at once comes first: who wants to pay a part at once moves that slider."""
    advice = offers.advise(opened, account_ids, PAGE)
    found = [one for one in advice.offers if one.kind == offers.PLAN] if advice else []
    return min(found, key=lambda one: one.down_minor > 0, default=None)


def _preset(best: Offer) -> dict[str, object]:
    """What the sliders stand on at first."""
    down = round(100 * best.down_minor / best.total_minor / 5) * 5
    return {"every": "monthly", "instalments": best.count, "first_on": best.first_on.isoformat(),
            **({"down_percent": down} if down else {})}  # fmt: skip


def _middle(count: int, made: Schedule) -> dict[str, object]:
    """The middle one of the suggestions, where none fits better than another."""
    return {"every": "monthly", "instalments": count, "first_on": made.first.due_date.isoformat()}


@blueprint.get("/p/<token>/plans/<int:plan_id>")
@public(WHY)
@proven
def agreed_plan(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """An agreed plan and how it stands."""
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
        found = own_plan(opened, door, plan_id)
        return render_template(
            "debtor/agreed.html", token=token, plan=found, creditor=creditor,
            instalments=plans.instalments_of(opened, [found.id])[found.id],
            pause=hardship.pause_of(opened, found), mandate=mandates.latest(opened, found.id),
            bounds=mandates.bounds(opened, found),
        )  # fmt: skip


@blueprint.get("/p/<token>/plans/<int:plan_id>.pdf")
@public(WHY)
@proven
def plan_letter(token: str, door: Door, plan_id: int) -> ResponseReturnValue:
    """The plan's terms to keep."""
    with transaction_of(door) as opened:
        found = own_plan(opened, door, plan_id)
        return own_file(agreement_documents.plan_paper(opened, found, actor="debtor"))


@blueprint.route("/p/<token>/settle", methods=["GET", "POST"])
@public(WHY)
@proven
def settle(token: str, door: Door) -> ResponseReturnValue:
    """Ask for less than everything to settle it: at once within the creditor's policy, else it is asked."""
    form = Form.sent()
    if form.is_sent and (answer := tried(form, lambda: _settle(token, door, form), "amount", "why")):
        return answer
    with transaction_of(door) as opened:
        _agency, creditor = wear_house(opened)
        can = charges.payable(opened, door.link_id)
        if not settles(opened, can):
            return redirect(url_for("debtor.link", token=token))
        page = render_template(
            "debtor/settle.html", token=token, form=form, can=can, creditor=creditor,
            waiting=_waiting(opened, can), days=settlements.PAY_DAYS.days,
        )  # fmt: skip
    return page, form.status


def _settle(token: str, door: Door, form: Form) -> ResponseReturnValue:
    with transaction_of(door) as opened:
        wear_house(opened)
        can = charges.payable(opened, door.link_id, lock=True)
        amount = form.money("amount", can.currency)
        if not settles(opened, can) or _waiting(opened, can) is not None:
            raise Conflict("this was asked for already")
        if not can.minimum_minor <= amount < can.total_minor:
            raise amount_outside("amount", can.minimum_minor, can.total_minor, can.currency)
        for standing in settlement_queries.standing(opened, can.account_ids):
            if standing.amount_minor <= amount:  # no worse for them than what they have already
                return done(token, "settle_better")
        policy, today = policy_of(can.debts).of(PAGE), _today(opened)
        made = settlements.offer_settlement(
            opened, account_ids=can.account_ids, amount_minor=amount, offerer=PAGE,
            valid_until=today + min(_OFFER_STANDS, timedelta(days=policy.offer_days)),
            why=form.optional("why")[:1000] or ASKED_ON_PAGE,
        )  # fmt: skip
        return done(token, "settle_yes" if made.state == "offered" else "settle_asked")


def _waiting(opened: Session, can: charges.Payable) -> Settlement | None:
    """What was asked of the creditor and has no answer yet."""
    found = last_asked(opened, can)
    return found if found is not None and found.state == "asked" else None


@blueprint.post("/p/<token>/settlements/<int:settlement_id>")
@public(WHY)
@proven
def accept_settlement(token: str, door: Door, settlement_id: int) -> ResponseReturnValue:
    """Take the offer to settle."""
    with transaction_of(door) as opened:
        found = _own_settlement(opened, door, settlement_id)
        settlements.accept(opened, found.id, accepted_with="page")
    return redirect(url_for("debtor.link", token=token, done="settlement"))


@blueprint.get("/p/<token>/settlements/<int:settlement_id>.pdf")
@public(WHY)
@proven
def settlement_letter(token: str, door: Door, settlement_id: int) -> ResponseReturnValue:
    """The offer, or what came of it, to keep."""
    with transaction_of(door) as opened:
        found = _own_settlement(opened, door, settlement_id)
        return own_file(agreement_documents.settlement_paper(opened, found, actor="debtor"))


def own_plan(opened: Session, door: Door, plan_id: int) -> Plan:
    """The plan, where it is over accounts of this link. Raises NotFound."""
    found = plans.find(opened, plan_id)
    if not set(found.account_ids) <= set(charges.accounts_of(opened, door.link_id)):
        raise NotFound("no such plan")
    return found


def _own_settlement(opened: Session, door: Door, settlement_id: int) -> Settlement:
    found = settlement_queries.find(opened, settlement_id)
    if not set(found.account_ids) <= set(charges.accounts_of(opened, door.link_id)):
        raise NotFound("no such settlement")
    return found


def _today(opened: Session) -> date:
    return clock.today(tenancy.tenant(opened).timezone)
