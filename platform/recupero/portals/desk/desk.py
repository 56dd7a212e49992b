"""The desk itself: take the next best account or a certain one, put it back, lay it down with its result."""

from datetime import datetime

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts.dispositions import DISPOSITIONS
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.desk import call_backs, next_best, notes, sittings
from recupero.outreach.desk.tables import Sitting
from recupero.outreach.scripts import runs
from recupero.outreach.understanding import desk as people
from recupero.outreach.understanding import hand_overs
from recupero.placements import reach
from recupero.portals.desk import view
from recupero.portals.desk.at import at_desk, at_hand, go, user_id
from recupero.portals.errors import said
from recupero.portals.forms import Form
from recupero.portals.pages import blueprint
from recupero.portals.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/desk")
@requires(Permission.ACCOUNTS_WORK)
def desk() -> ResponseReturnValue:
    """What is at the desk; or what was done today, and the button that takes the next account."""
    return view.page(Form(request.args.to_dict()), kind=request.args.get("kind", ""))


@blueprint.post("/desk/next")
@requires(Permission.ACCOUNTS_WORK)
def desk_next() -> ResponseReturnValue:
    """Take the next best account; it is nobody else's until it is laid down."""
    _next()
    return redirect(url_for("portals.desk"))


def _next() -> None:
    with transaction() as session:
        if next_best.take_next(session, tenancy.user(session, user_id())) is None:
            flash(_("Nobody may or has to be called at this moment."))


@blueprint.post("/desk/take")
@requires(Permission.ACCOUNTS_WORK)
def desk_take() -> ResponseReturnValue:
    """Take an account that the agent opened themselves."""
    account_id = Form.sent().whole("account")
    if not 0 < account_id < 2**63:  # no id is longer
        raise NotFound("no such account")
    try:
        with transaction() as session:
            sittings.choose(session, user_id(), account_id)
    except Conflict as error:
        flash(said(error), "warn")
        return redirect(url_for("portals.account", account_id=account_id))
    return redirect(url_for("portals.desk"))


@blueprint.post("/desk/back")
@requires(Permission.ACCOUNTS_WORK)
def desk_back() -> ResponseReturnValue:
    """Put the account back without a call; a note may say why."""
    form = Form.sent()

    def back(session: Session, sitting: Sitting) -> None:
        if sitting.contact_id is not None:
            raise Conflict("the call was begun: note its result")
        if form.optional("note"):
            notes.write(session, sitting.account_id, form.optional("note"), actor=the_caller().actor)
        sittings.close(session, sitting, "released")
        flash(_("The account is free for others."))

    return go(form, back, view.page)


@blueprint.post("/desk/note")
@requires(Permission.ACCOUNTS_WORK)
def desk_note() -> ResponseReturnValue:
    """Note something while talking."""
    form = Form.sent()

    def note(session: Session, sitting: Sitting) -> None:
        notes.write(
            session, sitting.account_id, form.optional("note"), actor=the_caller().actor,
            contact_id=sitting.contact_id,
        )  # fmt: skip
        flash(_("Noted."))

    return go(form, note, view.page)


@blueprint.post("/desk/finish")
@requires(Permission.ACCOUNTS_WORK)
def desk_finish() -> ResponseReturnValue:
    """The call's coded result, why it was not paid, a note, a call-back, a hand-over: all at once. What it
    changes takes effect now, and the next account follows where the agent goes on."""
    form = Form.sent()
    try:
        with at_desk(form) as (session, sitting):
            code = form.text("code")
            _finish(session, sitting, form, code)
    except NotFound:
        raise
    except UserError as error:
        if not at_hand(form):
            flash(said(error), "warn")
            return redirect(url_for("portals.desk"))
        form.refuse(error, "code", "reason", "note", "call_back", "next_step", "cause", "matter", "user")
        return view.page(form)
    flash(_("Noted: %(result)s.", result=label("disposition", code)))
    if form.optional("then") == "next":
        _next()
    return redirect(url_for("portals.desk"))


def _finish(session: Session, sitting: Sitting, form: Form, code: str) -> None:
    if sitting.contact_id is None:
        raise Conflict("nobody was called: put the account back, or call")
    actor, reason = the_caller().actor, form.optional("reason") or None
    at = _call_back(session, sitting, form, code)
    sittings.hung_up(session, sitting)
    runs.finish(session, sitting.contact_id, code, actor=actor, reason=reason)
    if form.optional("note"):
        notes.write(
            session, sitting.account_id, form.optional("note"), actor=actor, contact_id=sitting.contact_id
        )
    if at is not None:
        call_backs.promise(session, sitting.account_id, at, actor=actor)
    if form.optional("next_step"):
        hand_overs.close(
            session, sitting.debtor_id, cause=form.optional("cause") or reason or "",
            next_step=form.optional("next_step"), actor=actor,
        )  # fmt: skip
    if form.optional("matter"):
        _hand_over(session, sitting, form, actor)
    sittings.close(session, sitting, "done", code)


def _call_back(session: Session, sitting: Sitting, form: Form, code: str) -> datetime | None:
    """The moment at which they are to be called again, by their own clock; None: at none."""
    text = form.optional("other_time") or form.optional("call_back")
    if not text:
        if code == "CBRQ" and not form.optional("matter"):
            raise UserError("Say when to call back.", field="call_back")
        return None
    if (found := DISPOSITIONS.get(code)) is not None and (found.stops or found.opts_out):
        raise UserError("After this result nobody calls: leave the time open.", field="call_back")
    return call_backs.local(session, sitting.account_id, text)


def _hand_over(session: Session, sitting: Sitting, form: Form, actor: str) -> None:
    """Give the debtor to a colleague: a certain one, or whoever is trained for the matter but not oneself."""
    why = form.optional("matter")
    if why not in view.MATTERS:
        raise UserError("Please choose one.", field="matter")
    hand_overs.open_one(
        session, debtor_id=sitting.debtor_id, account_id=sitting.account_id, contact_id=sitting.contact_id,
        why=why,
    )  # fmt: skip
    others = [one for one in people.workers(session, sitting.tenant_id) if one.id != sitting.user_id]
    chosen = form.whole("user") if form.optional("user") else None
    if chosen is None:
        spoken = reach.reachable(session, [sitting.account_id])[sitting.account_id].language
        best = people.choose(others, why, spoken, people.load(session), None)
        chosen = best.id if best else None
    people.pass_on(session, sitting.debtor_id, chosen, actor=actor)
