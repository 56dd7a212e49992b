"""What waits for a person's yes: the queue with its filters, one proposal with its message, yes and no."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from jinja2 import TemplateError
from sqlalchemy.orm import Session

from recupero.decisions import queries as decisions
from recupero.kernel import rest
from recupero.kernel.errors import UserError
from recupero.outreach.actions.kinds import TEMPLATES, TONES
from recupero.outreach.channels import preferences
from recupero.outreach.orders import proposals
from recupero.outreach.orders.proposals import Answered, Wanted
from recupero.outreach.tables import Action
from recupero.outreach.texts import previews
from recupero.outreach.texts.previews import Preview
from recupero.placements import browse
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.strategies.strategies import PLANNED
from recupero.portals.words.language import language
from recupero.portals.words.words import as_told, label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero_sdk.law.reasons import word

PAGE = 100
_FILTERS = {"channel": PLANNED, "template": TEMPLATES, "tone": TONES}


@blueprint.get("/proposals")
@requires(Permission.ACTIONS_APPROVE)
def proposals_list() -> ResponseReturnValue:
    return _list(Form())


@blueprint.post("/proposals")
@requires(Permission.ACTIONS_APPROVE)
def proposals_answered() -> ResponseReturnValue:
    """Yes or no to what is ticked, or to everything that the page shows."""
    form = Form.sent()
    chosen = request.form.getlist("shown" if form.optional("all") else "id", type=int)
    ids = [one for one in chosen if 0 < one <= rest.MAX_ID]
    try:
        if not ids:
            raise UserError("Choose at least one.", field="")
        answers = _answer(ids, form)
    except UserError as error:
        form.refuse(error, "why")
        return _list(form)
    _tell(answers)
    return redirect(url_for("portals.proposals_list", **_wanted_args()))


@blueprint.get("/proposals/<int:action_id>")
@requires(Permission.ACTIONS_APPROVE)
def proposal(action_id: int) -> ResponseReturnValue:
    """One proposal: its message as the debtor would read it, why, and what the law says of it."""
    return _one(action_id, Form())


@blueprint.post("/proposals/<int:action_id>")
@requires(Permission.ACTIONS_APPROVE)
def proposal_answered(action_id: int) -> ResponseReturnValue:
    form = Form.sent()
    try:
        _tell(_answer([action_id], form))
    except UserError as error:
        form.refuse(error, "why")
        return _one(action_id, form)
    return redirect(url_for("portals.proposals_list"))


def _answer(ids: Collection[int], form: Form) -> list[Answered]:
    actor, answers = the_caller().actor, list[Answered]()
    with transaction() as session:
        by_tenant = proposals.by_tenant(session, ids)
    for tenant_id, own in by_tenant.items():
        with tenant_transaction(tenant_id) as session:
            if form.optional("do") == "approve":
                answers += proposals.approve(session, own, actor=actor)
            else:
                answers += proposals.decline(session, own, actor=actor, why=form.optional("why"))
    gone = set(ids) - {one.action_id for one in answers}
    return answers + [Answered(action_id, None) for action_id in gone]


def _tell(answers: list[Answered]) -> None:
    """What became of them, as one notice for each fate."""
    fates = Counter(one.state for one in answers)
    for state, count in fates.items():
        if state == "scheduled":
            flash(
                ngettext("%(num)s is agreed to and scheduled.", "%(num)s are agreed to and scheduled.", count)
            )
        elif state == "cancelled":
            flash(ngettext("%(num)s is declined.", "%(num)s are declined.", count))
        elif state == "proposed":
            text = ngettext(
                "%(num)s is in your own words: somebody else has to agree to it.",
                "%(num)s are in your own words: somebody else has to agree to them.",
                count,
            )
            flash(text, "warn")
        elif state is None:
            flash(ngettext("%(num)s did not wait any more.", "%(num)s did not wait any more.", count), "warn")
        else:
            text = ngettext(
                "%(num)s cannot go out any more: the law allows no moment in time.",
                "%(num)s cannot go out any more: the law allows no moment in time.",
                count,
            )
            flash(text, "warn")


def _wanted_args() -> dict[str, Any]:
    names = ("tenant", *_FILTERS)
    return {name: request.args[name] for name in names if request.args.get(name)}


def _list(form: Form) -> ResponseReturnValue:
    chosen = {
        name: request.args.get(name) if request.args.get(name) in known else None
        for name, known in _FILTERS.items()
    }
    tenant_id = request.args.get("tenant", type=int)
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
    opened = tenant_transaction(tenant_id) if tenant_id in tenants and tenant_id else transaction()
    with opened as session:
        wanted = Wanted(chosen["channel"], chosen["template"], chosen["tone"])
        shown = proposals.waiting(session, wanted, PAGE, request.args.get("after"))
        rows, args = shown.rows, _wanted_args()
        page = render_template(
            "proposals/list.html", form=form, rows=rows, tenants=tenants, tenant_id=tenant_id, chosen=chosen,
            total=proposals.count(session, wanted),
            lines=browse.lines(session, [row.account_id for row in rows]),
            decided=decisions.decisions_by_id(session, _decision_ids(rows)), why=_why, known=_FILTERS,
            here=url_for("portals.proposals_list", **args),
            first_url=url_for("portals.proposals_list", **args) if request.args.get("after") else None,
            next_url=url_for("portals.proposals_list", **args, after=shown.after) if shown.after else None,
        )  # fmt: skip
    return page, form.status


def _decision_ids(rows: Collection[Action]) -> list[int]:
    return [row.decision_id for row in rows if row.decision_id is not None]


def _why(action: Action) -> list[str]:
    """The conditions of the strategy for which the action needs a yes."""
    _needs, _colon, names = (action.reason or "").partition(":")
    return [label("yes", name) for name in names.split("+") if name]


def _one(action_id: int, form: Form) -> ResponseReturnValue:
    with transaction() as session:
        tenant_id = proposals.one(session, action_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        action = proposals.one(session, action_id)
        line = browse.lines(session, [action.account_id])[action.account_id]
        shown, problem = _shown(session, action)
        (moment,) = preferences.first_moments(
            session, [(action.account_id, action.channel, action.purpose, action.due_at)]
        )
        spoken = language()
        page = render_template(
            "proposals/one.html", form=form, action=action, line=line, tenant=tenancy.tenant(session),
            shown=shown, problem=problem, planned=moment, why=_why(action),
            decision=decisions.decisions_by_id(session, _decision_ids([action])).get(action.decision_id or 0),
            added=[word(item, spoken) for item in shown.added] if shown else [],
            missing=[word(item, spoken) for item in shown.missing] if shown else [],
        )  # fmt: skip
    return page, form.status


def _shown(session: Session, action: Action) -> tuple[Preview | None, str]:
    """The message, or why it cannot be written."""
    try:
        return previews.of_action(session, action), ""
    except TemplateError as error:
        return None, _("This cannot be read as a template: %(why)s", why=as_told(str(error)))
    except UserError as error:
        return None, said(error)
