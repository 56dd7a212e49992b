"""A message that a person writes to one debtor: kept, read through with the account, submitted, discarded."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from jinja2 import TemplateError
from sqlalchemy.orm import Session

from recupero.contacts.proving import account_week
from recupero.kernel import clock, runtime
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.actions import alone
from recupero.outreach.actions.kinds import TONES
from recupero.outreach.channels.connectors import CARRIED
from recupero.outreach.orders import bulk, bulk_drafts, drafts
from recupero.outreach.orders.drafts import Given
from recupero.outreach.tables import Draft
from recupero.outreach.texts.previews import Preview
from recupero.outreach.texts.wording import KNOWN
from recupero.placements import browse, reach
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form, ids_of
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer, shortened
from recupero.portals.words import lawful
from recupero.portals.words.language import language, moment
from recupero.portals.words.words import as_told, label, options
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero_sdk.law.reasons import word

_FIELDS = ("channel", "template", "tone", "subject", "body", "not_before")
#: What a new draft begins with: without these nobody could pay or find out whether it is real.
_START = "{{ name }}:\n\n\n\n{{ link }}\n{{ code }}\n"


@blueprint.get("/drafts")
@requires(Permission.ACCOUNTS_WORK)
def drafts_list() -> ResponseReturnValue:
    """What the caller wrote and what became of it."""
    with transaction() as session:
        rows = drafts.lines(session, made_by=the_caller().actor)
        accounts = browse.lines(session, [row.draft.account_id for row in rows])
        orders = [one for one in bulk_drafts.orders(session, the_caller().actor) if bulk.may_be_undone(one)]
    return answer("drafts/list.html", _table(accounts).fill_whole(rows), orders=orders, accounts=accounts)


@blueprint.post("/drafts/many")
@requires(Permission.ACCOUNTS_WORK)
def drafts_many() -> ResponseReturnValue:
    """What an order about the ticked drafts means; with `confirmed`, the order."""
    form, caller, database = Form.sent(), the_caller(), runtime.current().database
    do, ids = form.optional("do"), ids_of("shown" if form.optional("all") else "draft")
    try:
        if form.optional("confirmed"):
            made = bulk_drafts.order(database, caller.scope, do, ids, actor=caller.actor)
            flash(ngettext("Done: %(num)s draft.", "Done: %(num)s drafts.", made.changed))
            return redirect(url_for("portals.drafts_list"))
        seen = bulk_drafts.preview(database, caller.scope, do, ids, actor=caller.actor)
    except UserError as error:
        flash(said(error), "warn")
        return redirect(url_for("portals.drafts_list"))
    with transaction() as session:
        accounts = browse.lines(session, [one.draft.account_id for one in seen])
    whys = {one.draft.id: said(one.against) for one in seen if one.against is not None}
    return render_template("drafts/many.html", do=do, seen=seen, whys=whys, accounts=accounts)


@blueprint.post("/drafts/many/<int:order_id>/undo")
@requires(Permission.ACCOUNTS_WORK)
def drafts_many_undo(order_id: int) -> ResponseReturnValue:
    """Take an order of one's own about drafts back."""
    caller = the_caller()
    with transaction() as session:
        if order_id not in {one.id for one in bulk_drafts.orders(session, caller.actor)}:
            raise NotFound("there is no such order")
    back = bulk.undo(runtime.current().database, caller.scope, order_id, actor=caller.actor)
    flash(ngettext("Taken back: %(num)s draft.", "Taken back: %(num)s drafts.", back))
    return redirect(url_for("portals.drafts_list"))


def _table(accounts: Mapping[int, browse.AccountLine]) -> Table[drafts.Line]:
    columns: list[Column[drafts.Line]] = [
        Column("debtor", _("Debtor"), lambda row: accounts[row.draft.account_id].debtor,
               link=lambda row: url_for("portals.draft", draft_id=row.draft.id),
               note=lambda row: accounts[row.draft.account_id].client_account),
        Column("message", _("Message"), lambda row: row.draft.template, words="template",
               note=lambda row: shortened(row.draft.subject or row.draft.body)),
        Column("channel", _("Channel"), lambda row: row.draft.channel, words="channel"),
        Column("changed", _("Changed"), lambda row: row.draft.changed_at),
        Column("state", _("State"), lambda row: row.action_state or "draft", words="draft", badge=True),
    ]  # fmt: skip
    states = Pick[drafts.Line](
        "state", _("State"), options("draft"), of=lambda row: row.action_state or "draft"
    )
    return Table("drafts", _("Drafts"), columns, (states,), sort="-changed")


@blueprint.get("/accounts/<int:account_id>/drafts/new")
@requires(Permission.ACCOUNTS_WORK)
def drafts_new(account_id: int) -> ResponseReturnValue:
    form = Form({"channel": "email", "template": "follow_up", "tone": "neutral", "body": _START})
    with transaction() as session:
        return _editor(session, form, account_id, None)


@blueprint.post("/accounts/<int:account_id>/drafts/new")
@requires(Permission.ACCOUNTS_WORK)
def drafts_new_sent(account_id: int) -> ResponseReturnValue:
    """Read through, keep, or keep and submit, as `step` says."""
    with transaction() as session:
        tenant_id = browse.account(session, account_id).account.tenant_id
    return _worked(Form.sent(), tenant_id, account_id, None)


@blueprint.get("/drafts/<int:draft_id>")
@requires(Permission.ACCOUNTS_WORK)
def draft(draft_id: int) -> ResponseReturnValue:
    with transaction() as session:
        row = drafts.one(session, draft_id)
        form = Form({name: getattr(row, name) or "" for name in _FIELDS})
        return _editor(session, form, row.account_id, row)


@blueprint.post("/drafts/<int:draft_id>")
@requires(Permission.ACCOUNTS_WORK)
def draft_sent(draft_id: int) -> ResponseReturnValue:
    form, actor = Form.sent(), the_caller().actor
    with transaction() as session:
        row = drafts.one(session, draft_id)
    if form.optional("step") == "discard":
        with tenant_transaction(row.tenant_id) as session:
            drafts.discard(session, draft_id, actor=actor)
        flash(_("The draft is discarded."))
        return redirect(url_for("portals.account", account_id=row.account_id))
    return _worked(form, row.tenant_id, row.account_id, row)


def _worked(form: Form, tenant_id: int, account_id: int, row: Draft | None) -> ResponseReturnValue:
    given = _given(form)
    with tenant_transaction(tenant_id) as session:
        for problem in drafts.problems(session, account_id, given):
            if problem.field not in form.errors:
                form.refuse(problem, *_FIELDS)
        if form.errors or form.optional("step") == "try":
            return _editor(session, form, account_id, row, tried=not form.errors)
    try:
        with tenant_transaction(tenant_id) as session:
            draft_id = _kept(session, account_id, row, given)
            if form.optional("step") == "submit":
                action = drafts.submit(
                    session, draft_id, actor=the_caller().actor, knowing=bool(form.optional("knowing"))
                )
                flash(_("It is scheduled for %(moment)s.", moment=moment(action.due_at))
                      if action.state == "scheduled" else _("It waits for somebody's yes."))  # fmt: skip
                return redirect(url_for("portals.account", account_id=account_id))
    except UserError as error:
        if error.status in (403, 404):
            raise
        form.refuse(error, *_FIELDS, "knowing")
        with tenant_transaction(tenant_id) as session:
            return _editor(session, form, account_id, row)
    flash(_("The draft is kept. Nothing goes out until it is submitted."))
    return redirect(url_for("portals.draft", draft_id=draft_id))


def _kept(session: Session, account_id: int, row: Draft | None, given: Given) -> int:
    if row is None:
        return drafts.write(session, account_id, given, actor=the_caller().actor)
    drafts.change(session, row.id, given, actor=the_caller().actor)
    return row.id


def _given(form: Form) -> Given:
    day: date | None = None
    try:
        day = form.day("not_before") if form.optional("not_before") else None
    except UserError as error:
        form.refuse(error)
    body = str(form.values.get("body", "")).replace("\r\n", "\n")
    return Given(
        form.optional("channel"), form.optional("template"), form.optional("tone"), form.optional("subject"),
        body, day,
    )  # fmt: skip


def _editor(
    session: Session, form: Form, account_id: int, row: Draft | None, *, tried: bool = False
) -> ResponseReturnValue:
    card = browse.account(session, account_id)
    shown = _read(form, card.account.tenant_id, account_id) if tried else None
    spoken, week = language(), account_week(session, account_id, clock.now())
    states = {state.channel: state for state in lawful.channel_states(week, spoken)}
    state = next((line for line in drafts.lines(session, account_id=account_id)
                  if row is not None and line.draft.id == row.id), None)  # fmt: skip
    page = render_template(
        "drafts/edit.html", form=form, card=card, draft=row, line=state, tried=shown, known=sorted(KNOWN),
        law=states.get(form.optional("channel")),  # type: ignore[call-overload]  # what is unknown has none
        mine=row is None or (row.made_by == the_caller().actor and row.state == "draft"),
        options=_options(), alone=_left_alone(card.account.tenant_id, account_id),
        added=[word(item, spoken) for item in shown.added] if shown else [],
        missing=[word(item, spoken) for item in shown.missing] if shown else [],
    )  # fmt: skip
    return page, form.status


def _left_alone(tenant_id: int, account_id: int) -> bool:
    """Whether the debtor is in the creditor's control group."""
    with tenant_transaction(tenant_id) as session:
        return alone.left_alone(session, reach.reachable(session, [account_id])[account_id])


def _options() -> dict[str, list[tuple[str, str]]]:
    known: dict[str, Any] = {"channel": CARRIED, "template": drafts.TEMPLATES, "tone": TONES}
    return {name: [(code, label(name, code)) for code in codes] for name, codes in known.items()}


def _read(form: Form, tenant_id: int, account_id: int) -> Preview | None:
    with tenant_transaction(tenant_id) as session:
        try:
            return drafts.read_through(session, account_id, _given(form))
        except TemplateError as error:
            form.errors["body"] = _("This cannot be read as a template: %(why)s", why=as_told(str(error)))
            return None
