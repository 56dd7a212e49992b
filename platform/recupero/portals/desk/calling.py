"""A call under way: the script at the left, the facts of the debt at the right once identity is proven."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.dispositions import DISPOSITIONS
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, UserError
from recupero.outreach.scripts import runs, spoken
from recupero.outreach.scripts.runs import Talk
from recupero.outreach.scripts.shape import REASONS
from recupero.outreach.voice import clicking, turns
from recupero.payments import service as payments
from recupero.payments.policy import offerer_of
from recupero.placements import browse
from recupero.placements.browse import AccountCard
from recupero.placements.identity import Fact
from recupero.portals.errors import said
from recupero.portals.forms import Form
from recupero.portals.language import language
from recupero.portals.pages import blueprint
from recupero.portals.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

#: Results of a call; what messages come to is written by their connector.
CALL_RESULTS = tuple(
    code for code in DISPOSITIONS if code not in {"DLVD", "OPEN", "CLCK", "RPLY", "BNCE", "INBD"}
)
#: Where a refusal of another room belongs on this page.
_FIELDS = {"amount_minor": "amount", "due_date": "due"}
_CALL = "/accounts/<int:account_id>/calls/<int:contact_id>"


@blueprint.get(_CALL)
@requires(Permission.ACCOUNTS_WORK)
def account_in_call(account_id: int, contact_id: int) -> ResponseReturnValue:
    return _page(account_id, contact_id, Form())


@blueprint.post(f"{_CALL}/answer")
@requires(Permission.ACCOUNTS_WORK)
def account_call_answer(account_id: int, contact_id: int) -> ResponseReturnValue:
    """On by one of the step's answers."""
    form = Form.sent()
    return _go_on(
        account_id, contact_id, form,
        lambda session: runs.answer(session, contact_id, form.text("step"), form.text("answer")),
    )  # fmt: skip


@blueprint.post(f"{_CALL}/identity")
@requires(Permission.ACCOUNTS_WORK)
def account_call_identity(account_id: int, contact_id: int) -> ResponseReturnValue:
    """What the person told of themselves, compared. The answers are not kept."""
    form = Form.sent()

    def compare(session: Session) -> None:
        answers = {fact: form.optional(fact.value) for fact in runs.ASKED}
        if not runs.identify(session, contact_id, form.text("step"), answers):
            flash(_("That does not match what is known. The debt stays unmentioned."), "warn")

    return _go_on(account_id, contact_id, form, compare)


@blueprint.post(f"{_CALL}/promise")
@requires(Permission.ACCOUNTS_WORK)
def account_call_promise(account_id: int, contact_id: int) -> ResponseReturnValue:
    """Note a promise while talking, once identity is proven."""
    form, card = Form.sent(), _card(account_id)

    def promise(session: Session) -> None:
        if not runs.talk(session, contact_id, agent=_name()).run.proven:
            raise Conflict("identity was not proven in this call")
        payments.make_promise(
            session, account_id=account_id, amount_minor=form.money("amount", card.account.currency),
            due_date=form.day("due"), made_with="agent", offerer=offerer_of(the_caller()),
            why=form.optional("why"),
        )  # fmt: skip
        flash(_("The promise is noted. Work on the account rests until it is due."))

    return _go_on(account_id, contact_id, form, promise)


@blueprint.post(f"{_CALL}/ring")
@requires(Permission.ACCOUNTS_WORK)
def account_call_ring(account_id: int, contact_id: int) -> ResponseReturnValue:
    """Ring the agent's telephone, then the person's."""
    card, caller, database = _card(account_id), the_caller(), runtime.current().database
    scope = Scope(caller.agency_id, (card.account.tenant_id,))
    try:
        refused = clicking.ring(database, scope, contact_id, user_id=int(caller.actor.removeprefix("user:")))
    except UserError as error:
        flash(said(error), "warn")
    else:
        why = " ".join(rule.explain(language()) for rule in refused)
        if refused:
            flash(_("The law does not allow this call now. %(why)s", why=why), "warn")
        else:
            flash(_("Your telephone rings. Take it, and the person is called."))
    return redirect(url_for("portals.account_in_call", account_id=account_id, contact_id=contact_id))


@blueprint.post(_CALL)
@requires(Permission.ACCOUNTS_WORK)
def account_end_call(account_id: int, contact_id: int) -> ResponseReturnValue:
    """The coded result; what it changes takes effect at once."""
    form, card = Form.sent(), _card(account_id)
    try:
        code = form.text("code")
        with tenant_transaction(card.account.tenant_id) as session:
            runs.finish(
                session, contact_id, code, actor=the_caller().actor, reason=form.optional("reason") or None
            )
    except UserError as error:
        form.refuse(error, "code", "reason")
        return _page(account_id, contact_id, form)
    flash(_("Noted: %(result)s.", result=label("disposition", code)))
    return redirect(url_for("portals.account", account_id=account_id))


def _go_on(
    account_id: int, contact_id: int, form: Form, step: Callable[[Session], None]
) -> ResponseReturnValue:
    """Take the step and show where the call stands; a refusal is shown above it."""
    card = _card(account_id)
    try:
        with tenant_transaction(card.account.tenant_id) as session:
            step(session)
    except Conflict as error:  # another window, or sent twice: the page shows where the call stands
        flash(said(error), "warn")
    except UserError as error:
        place = error.field or ""
        form.errors[_FIELDS.get(place, place)] = said(error)
        return _page(account_id, contact_id, form)
    return redirect(url_for("portals.account_in_call", account_id=account_id, contact_id=contact_id))


def _page(account_id: int, contact_id: int, form: Form) -> ResponseReturnValue:
    card = _card(account_id)
    with tenant_transaction(card.account.tenant_id) as session:
        tenant = tenancy.tenant(session)
        runs.begin(session, contact_id, account_id, led_by="agent")
        talk = runs.talk(session, contact_id, agent=_name())
        link, dialled = _link(session, talk), contacts.dialled(session, contact_id)
        legs, connects = turns.legs(session, contact_id), clicking.connector(session) is not None
    page = render_template(
        "accounts/call.html", card=card, tenant=tenant, contact_id=contact_id, form=form, talk=talk,
        link=link, number=next((point.value for point in card.points if point.id == dialled), None),
        results=_results(talk), legs=legs,
        rings=connects and not any(leg.leg == clicking.PERSON for leg in legs),
        reasons=_reasons(talk), Fact=Fact, locale_code=language(),
    )  # fmt: skip
    return page, form.status


def _link(session: Session, talk: Talk) -> str:
    """The payment address to read out or copy, where the step offers it and identity is proven."""
    if not talk.run.proven or "link" not in talk.step.tools:
        return ""
    return spoken.values(session, talk.run.account_id, talk.run.language, agent="", proven=True)["link"]


def _results(talk: Talk) -> list[tuple[str, str]]:
    """Results that this call can have had, what the script suggests first."""
    possible = [code for code in CALL_RESULTS if talk.run.proven or not DISPOSITIONS[code].right_party]
    possible.sort(key=lambda code: code != talk.step.disposition)
    return [(code, f"{label('disposition', code)} ({code})") for code in possible]


def _reasons(talk: Talk) -> list[tuple[str, str]]:
    """Why it was not paid: what was heard in the call first, then the others; or nothing."""
    heard = talk.run.reason
    codes = sorted(REASONS, key=lambda code: code != heard)
    named = [(code, label("cause", code)) for code in codes]
    return [*named, ("", _("Not known"))] if heard else [("", _("Not known")), *named]


def _name() -> str:
    return the_caller().name


def _card(account_id: int) -> AccountCard:
    with transaction() as session:
        return browse.account(session, account_id)
