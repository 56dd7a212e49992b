"""The desk itself: take the next best account or a certain one, put it back, lay it down with its result."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.calls import sittings
from recupero.outreach.desk import call_backs, finishing, next_best, notes
from recupero.outreach.desk.finishing import Result
from recupero.outreach.desk_tables import Sitting
from recupero.portals.desk import view
from recupero.portals.desk.at import at_desk, at_hand, go, typed, user_id
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.language import moment
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

FIELDS_OF_RESULT = (
    "code", "reason", "note", "call_back", "other_time", "next_step", "cause", "matter", "user"
)  # fmt: skip


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
        me = tenancy.user(session, user_id())
        if next_best.take_next(session, me) is not None:
            return
        again = next_best.next_moment(session, me)
    flash(_("Nobody may or has to be called at this moment."), "info")
    if again is not None:
        flash(_("From %(moment)s on the next call may be made.", moment=moment(again)), "info")


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
        finishing.put_back(session, sitting, form.optional("note"), actor=the_caller().actor)
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
            result = _result(session, sitting, form)
            finishing.finish(session, sitting, result, actor=the_caller().actor)
    except NotFound:
        raise
    except UserError as error:
        if not at_hand(form):
            flash(said(error), "warn")
            return view.page(form) if typed(form) else redirect(url_for("portals.desk"))
        if error.field == "call_back" and form.optional("other_time"):
            error.field = "other_time"
        form.refuse(error, *FIELDS_OF_RESULT)
        return view.page(form)
    flash(_("Noted: %(result)s.", result=label("disposition", result.code)))
    if form.optional("then") == "next":
        _next()
    return redirect(url_for("portals.desk"))


def _result(session: Session, sitting: Sitting, form: Form) -> Result:
    """What the form says came of the call; the call-back by the debtor's own clock."""
    when = form.optional("other_time") or form.optional("call_back")
    return Result(
        form.text("code"), form.optional("reason"), form.optional("note"),
        call_backs.local(session, sitting.account_id, when) if when else None,
        form.optional("next_step"), form.optional("cause"), form.optional("matter"),
        form.id("user") if form.optional("user") else None,
    )  # fmt: skip
