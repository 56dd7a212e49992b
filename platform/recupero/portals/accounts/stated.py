"""Stating on the page of an account what the law asks for and no file tells, and taking it back."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.contacts import stating, told
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import browse
from recupero.placements.browse import AccountCard
from recupero.portals.accounts.accounts import account_view
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero_sdk.law import CHANNELS

_FACTS = frozenset(f"{kind}:{name}" for kind, names in told.NAMES.items() for name in names)
_FIELDS = {"kind": "fact", "name": "fact", "until": "last_on"}


@blueprint.post("/accounts/<int:account_id>/facts")
@requires(Permission.ACCOUNTS_WORK)
def account_state_fact(account_id: int) -> ResponseReturnValue:
    """Keep what was stated; what is planned is judged by it from now on."""
    form, card = Form.sent(), _card(account_id)
    try:
        with form.together():
            kind, _colon, name = form.one_of("fact", _FACTS).partition(":")
            channel = form.one_of("channel", CHANNELS) if form.optional("channel") else None
            fact = told.NewFact(
                kind, name, form.day("began_on"), form.day("last_on") if form.optional("last_on") else None,
                channel, form.optional("note"),
            )  # fmt: skip
        with tenant_transaction(card.account.tenant_id) as session:
            stating.state(
                session, fact, debtor_id=card.debtor.id, actor=the_caller().actor,
                account_id=None if form.optional("whole") else account_id,
            )  # fmt: skip
    except UserError as error:
        error.field = _FIELDS.get(error.field or "", error.field)
        form.refuse(error, "began_on", "last_on", "channel")
        return render_template("accounts/account.html", **account_view(account_id, fact=form)), 422
    flash(_("Stated. The law is asked with it from now on."))
    return redirect(url_for("portals.account", account_id=account_id, _anchor="told"))


@blueprint.post("/accounts/<int:account_id>/facts/<int:fact_id>/end")
@requires(Permission.ACCOUNTS_WORK)
def account_end_fact(account_id: int, fact_id: int) -> ResponseReturnValue:
    """It is not so any more, or never was."""
    card = _card(account_id)
    with tenant_transaction(card.account.tenant_id) as session:
        if fact_id not in {one.id for one in told.told_of_account(session, card.debtor.id, account_id)}:
            raise NotFound("This is not stated any more.")
        stating.end(session, fact_id, actor=the_caller().actor)
    flash(_("The law is not told this any more."))
    return redirect(url_for("portals.account", account_id=account_id, _anchor="told"))


def _card(account_id: int) -> AccountCard:
    with transaction() as session:
        return browse.account(session, account_id)
