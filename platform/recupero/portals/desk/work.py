"""What is done on an account's page: holds, promises, notes, wishes, the payment link."""

from datetime import UTC, datetime, time

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.decisions.advice import promise_chances
from recupero.kernel import audit, clock
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.channels import preferences
from recupero.outreach.debtors import dispute_answers
from recupero.outreach.desk import notes
from recupero.payments import service as payments
from recupero.payments.offers.policy import offerer_of
from recupero.placements import browse
from recupero.placements import service as placements
from recupero.placements.browse import AccountCard
from recupero.portals.accounts.accounts import ANSWERED, account_view
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.language import timezone
from recupero.portals.words.words import label
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.post("/accounts/<int:account_id>/holds")
@requires(Permission.ACCOUNTS_WORK)
def account_hold(account_id: int) -> ResponseReturnValue:
    form, card, caller = Form.sent(), _card(account_id), the_caller()
    try:
        with form.together():
            kind = form.text("kind")
            until = form.end_of("until", timezone() or "UTC")
            if until is not None and until <= clock.now():
                form.wrong(UserError("Choose a day that is yet to come.", field="until"))
            since = _since(form)
        with tenant_transaction(card.account.tenant_id) as session:
            placements.hold_by_hand(
                session, debtor_id=card.debtor.id, account_id=None if form.optional("whole") else account_id,
                kind=kind, actor=caller.actor, until=until, since=since,
            )  # fmt: skip
    except UserError as error:
        form.refuse(error, "kind", "since", "until")
        return render_template("accounts/account.html", **account_view(account_id, hold=form)), 422
    flash(_("Work on this is on hold: %(what)s.", what=label("hold", kind)))
    return redirect(url_for("portals.account", account_id=account_id))


def _since(form: Form) -> datetime | None:
    """The day on which it began, at an hour that lies in that day wherever one is; None: now."""
    if not form.optional("since") or form.day("since") == clock.now().date():
        return None
    return datetime.combine(form.day("since"), time(12), UTC)


@blueprint.post("/accounts/<int:account_id>/holds/<int:hold_id>/end")
@requires(Permission.ACCOUNTS_WORK)
def account_end_hold(account_id: int, hold_id: int) -> ResponseReturnValue:
    """Let work go on. Of what the debtor waits to hear about, what came of it is kept as a note, and what
    they are told stands on their page."""
    form, card, caller = Form.sent(), _card(account_id), the_caller()
    kind = {hold.id: hold.kind for hold in card.holds}.get(hold_id)
    if kind is None:
        raise NotFound("This hold has ended already.")
    field, told = f"outcome_{hold_id}", f"told_{hold_id}"
    try:
        with tenant_transaction(card.account.tenant_id) as session:
            if kind in ANSWERED:
                notes.write(session, account_id, form.optional(field), actor=caller.actor)
            if kind in ANSWERED and (words := form.optional(told)):
                dispute_answers.tell(
                    session, hold_id, debtor_id=card.debtor.id, account_id=account_id, words=words,
                    actor=caller.actor,
                )  # fmt: skip
            placements.end_hold(session, hold_id, by=caller.actor)
            audit.record(
                session, "placements.end_hold", f"hold:{hold_id}", actor=caller.actor,
                tenant_id=card.account.tenant_id,
            )  # fmt: skip
    except UserError as error:
        if kind not in ANSWERED:
            flash(said(error), "warn")
            return redirect(url_for("portals.account", account_id=account_id))
        error.field = {"note": field, "words": told}.get(error.field or "", error.field)
        form.refuse(error, field, told)
        return render_template("accounts/account.html", **account_view(account_id, ended=form)), 422
    flash(_("The hold has ended."))
    return redirect(url_for("portals.account", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/promises")
@requires(Permission.ACCOUNTS_WORK)
def account_promise(account_id: int) -> ResponseReturnValue:
    form, card = Form.sent(), _card(account_id)
    try:
        with form.together():
            amount, due = form.money("amount", card.account.currency), form.day("due")
        with tenant_transaction(card.account.tenant_id) as session:
            payments.make_promise(
                session, account_id=account_id, amount_minor=amount, due_date=due, made_with="agent",
                offerer=offerer_of(the_caller()), why=form.optional("why"),
            )  # fmt: skip
            promise_chances.weigh_open(session)
    except UserError as error:
        error.field = {"amount_minor": "amount", "due_date": "due"}.get(error.field or "", error.field)
        form.refuse(error)
        return render_template("accounts/account.html", **account_view(account_id, promise=form)), 422
    flash(_("The promise is noted. Work on the account rests until it is due."))
    return redirect(url_for("portals.account", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/notes")
@requires(Permission.ACCOUNTS_WORK)
def account_note(account_id: int) -> ResponseReturnValue:
    form, card = Form.sent(), _card(account_id)
    try:
        with tenant_transaction(card.account.tenant_id) as session:
            notes.write(session, account_id, form.optional("note"), actor=the_caller().actor)
    except UserError as error:
        form.refuse(error, "note")
        return render_template("accounts/account.html", **account_view(account_id, note=form)), 422
    flash(_("Noted."))
    return redirect(url_for("portals.account", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/reach")
@requires(Permission.ACCOUNTS_WORK)
def account_reach(account_id: int) -> ResponseReturnValue:
    """How the debtor wants to be reached, as they told it; what waits on another channel is cancelled."""
    form, card = Form.sent(), _card(account_id)
    try:
        wish = preferences.read(
            form.optional("channel"), form.optional("begins"), form.optional("ends"),
            form.optional("language"),
        )  # fmt: skip
        with tenant_transaction(card.account.tenant_id) as session:
            preferences.keep(session, card.debtor.id, wish, actor=the_caller().actor)
    except UserError as error:
        form.refuse(error, "channel", "begins", "ends", "language")
        return render_template("accounts/account.html", **account_view(account_id, wish=form)), 422
    flash(_("Noted: this holds from now on."))
    return redirect(url_for("portals.account", account_id=account_id))


@blueprint.post("/accounts/<int:account_id>/link")
@requires(Permission.ACCOUNTS_WORK)
def account_link(account_id: int) -> ResponseReturnValue:
    """Show the debtor's payment address, to be read out or copied."""
    card = _card(account_id)
    with tenant_transaction(card.account.tenant_id) as session:
        links = payments.ensure_links(session, {card.debtor.id: [account_id]})
    return render_template(
        "accounts/account.html", **account_view(account_id, link=links.get(card.debtor.id))
    )


def _card(account_id: int) -> AccountCard:
    with transaction() as session:
        return browse.account(session, account_id)
