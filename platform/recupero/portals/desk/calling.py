"""A call from the desk: the law is asked, the script leads, each step is recorded."""

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts.service import Reservation
from recupero.kernel import runtime
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.calls import runs, sittings
from recupero.outreach.desk import calling
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.voice import clicking
from recupero.portals.desk import view
from recupero.portals.desk.at import at_desk, go, user_id
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.language import language, moment
from recupero.tenancy.guard import requires, the_caller
from recupero.tenancy.permissions import Permission


@blueprint.post("/desk/call")
@requires(Permission.ACCOUNTS_WORK)
def desk_call() -> ResponseReturnValue:
    """Reserve the call; only when the law allowed it does the script begin."""
    form = Form.sent()

    def begin(session: Session, sitting: Sitting) -> None:
        reserved = calling.begin(
            session, sitting, form.whole("point"), actor=the_caller().actor,
            knowing=bool(form.optional("knowing")),
        )  # fmt: skip
        if reserved is not None and reserved.contact_id is None:
            _refused(reserved)

    return go(form, begin, view.page)


def _refused(reserved: Reservation) -> None:
    why = " ".join(refusal.explain(language()) for refusal in reserved.verdict.refusals)
    flash(_("The law does not allow this call now. %(why)s", why=why), "warn")
    if any(one.outcome == "refused" for one in reserved.caller):
        flash(_("The number that calls show is set on the page: What the law is told."), "warn")
    later = reserved.verdict.next_lawful_at
    if later is not None:
        flash(_("From %(moment)s on it is lawful again.", moment=moment(later)), "warn")


@blueprint.post("/desk/answer")
@requires(Permission.ACCOUNTS_WORK)
def desk_answer() -> ResponseReturnValue:
    """On by one of the step's answers."""
    form = Form.sent()
    return go(
        form,
        lambda session, sitting: runs.answer(session, _call(sitting), form.text("step"), form.text("answer")),
        view.page,
    )


@blueprint.post("/desk/identity")
@requires(Permission.ACCOUNTS_WORK)
def desk_identity() -> ResponseReturnValue:
    """What the person told of themselves, compared. The answers are not stored; those that do not match stay
    in the form, where a slip of the keyboard is seen, as long as they may be compared again."""
    form, proven = Form.sent(), True

    def compare(session: Session, sitting: Sitting) -> None:
        nonlocal proven
        answers = {fact: form.optional(fact.value) for fact in runs.ASKED}
        proven = runs.identify(session, _call(sitting), form.text("step"), answers)
        if not proven:
            flash(_("That does not match what is known. The debt stays unmentioned."), "warn")

    done = go(form, compare, view.page)
    return done if proven else view.page(form)


@blueprint.post("/desk/ring")
@requires(Permission.ACCOUNTS_WORK)
def desk_ring() -> ResponseReturnValue:
    """Ring the agent's telephone, then the person's."""
    form = Form.sent()
    try:
        with at_desk(form) as (session, sitting):
            scope, contact_id = scope_of(session), _call(sitting)
        refused = clicking.ring(runtime.current().database, scope, contact_id, user_id=user_id())
    except UserError as error:
        flash(said(error), "warn")
    else:
        why = " ".join(rule.explain(language()) for rule in refused)
        if refused:
            flash(_("The law does not allow this call now. %(why)s", why=why), "warn")
        else:
            flash(_("Your telephone rings. Take it, and the person is called."))
    return redirect(url_for("portals.desk"))


@blueprint.post("/desk/hung-up")
@requires(Permission.ACCOUNTS_WORK)
def desk_hung_up() -> ResponseReturnValue:
    """The talk is over: the time of wrapping up begins."""
    return go(Form.sent(), sittings.hung_up, view.page)


def _call(sitting: Sitting) -> int:
    if sitting.contact_id is None:
        raise NotFound("no such call")
    return sitting.contact_id
