"""Negotiating while talking: what is asked for is shown at once, agreed in one press; and the link."""

from typing import Any

from flask import flash, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.decisions.advice import negotiation
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.calls import runs, sittings
from recupero.outreach.desk import link
from recupero.outreach.desk_tables import Sitting
from recupero.portals.desk import view
from recupero.portals.desk.at import FIELDS, at_desk, go, user_id
from recupero.portals.desk.negotiating import ASKED, asked_of, offerer, shown
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/desk/<int:sitting_id>/offer")
@requires(Permission.ACCOUNTS_WORK)
def desk_offer(sitting_id: int) -> ResponseReturnValue:
    """The agreement asked for, as data and as the piece of page that shows it, for the panel that follows the
    sliders. 409 where the account is not at the desk or identity is not proven, 422 with the field."""
    form = Form({**request.args.to_dict(), "sitting": str(sitting_id)})
    kind = form.optional("kind")
    try:
        with at_desk(form) as (session, sitting):
            _check_proven(session, sitting)
            found = shown(session, sitting.account_id, kind, form)
    except UserError as error:
        place = FIELDS.get(error.field or "", error.field) or ""
        answer = {"error": said(error), "field": place}
        html = render_template("desk/offer.html", shown=None, refused=said(error))
        return jsonify(answer | {"html": html}), 409 if isinstance(error, Conflict) else 422
    data: dict[str, Any] = {
        "kind": kind, "currency": found.currency, "total_minor": found.total_minor,
        "saved_minor": found.saved_minor, "beyond": list(found.leave.beyond),
        "approver": found.leave.approver,
        "kept": None if found.held is None else {
            "word": found.held.said.word, "chance": round(found.held.said.chance, 2)
        },
        "instalments": [
            {"due": day.isoformat(), "amount_minor": amount} for day, amount in found.rows
        ],
    }  # fmt: skip
    fields = {name: form.optional(name) for name in ASKED}
    html = render_template("desk/offer.html", shown=found, sitting_id=sitting_id, fields=fields)
    return jsonify(data | {"html": html})


@blueprint.post("/desk/agree")
@requires(Permission.ACCOUNTS_WORK)
def desk_agree() -> ResponseReturnValue:
    """Agree what was negotiated; what lies beyond the limits is asked for, with the reason."""
    form = Form.sent()
    kind = form.optional("kind")

    def agree(session: Session, sitting: Sitting) -> None:
        _check_proven(session, sitting)
        flash(_agree(session, sitting, kind, form))

    return go(form, agree, lambda refused: view.page(refused, kind=kind))


def _agree(session: Session, sitting: Sitting, kind: str, form: Form) -> str:
    asked = asked_of(session, sitting.account_id, kind, form)
    made = negotiation.agree(
        session, sitting.account_id, asked, offerer(), why=form.optional("why") or None,
        contact_id=sitting.contact_id,
    )  # fmt: skip
    if made.kind == "full":
        return str(_("The promise is noted. Work on the account rests until it is due."))
    if made.kind == "plan":
        return str(_("The plan runs.") if made.state == "running" else _("The plan waits for approval."))
    if made.state == "asked":
        return str(_("The offer waits for approval."))
    return str(_("The settlement is agreed."))


@blueprint.post("/desk/link")
@requires(Permission.ACCOUNTS_WORK)
def desk_link() -> ResponseReturnValue:
    """Send the link to their own page, at once."""
    form = Form.sent()

    def send(session: Session, sitting: Sitting) -> None:
        _check_proven(session, sitting)
        link.send(session, sitting, form.optional("channel"), actor=the_caller().actor)
        flash(_("The link is on its way."))

    return go(form, send, view.page)


@blueprint.get("/desk/<int:sitting_id>/link-state")
@requires(Permission.ACCOUNTS_WORK)
def desk_link_state(sitting_id: int) -> ResponseReturnValue:
    """What became of the link so far: for the panel that looks again every few seconds. Renews nothing."""
    with transaction() as session:
        found = sittings.of_user(session, user_id())
    if found is None or found.id != sitting_id:
        raise NotFound("this account is not at your desk any more")
    with tenant_transaction(found.tenant_id) as session:
        now = link.sent(session, found)
    html = render_template("desk/link.html", sent=now)
    return jsonify({"html": html, "under_way": now is not None and now.is_under_way})


def _check_proven(session: Session, sitting: Sitting) -> None:
    if sitting.contact_id is None or not runs.begun(session, sitting.contact_id).proven:
        raise Conflict("identity was not proven in this call")
