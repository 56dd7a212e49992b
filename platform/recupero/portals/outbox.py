"""Messages as they went out or came in, word for word: the list that an operator reads, and one message."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.queries import MessageLine
from recupero.kernel.errors import NotFound
from recupero.outreach import rests, service
from recupero.portals.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

PAGE = 30
STATES = ("sent", "delivered", "answered", "failed", "unknown", "received")


@blueprint.get("/outbox")
@requires(Permission.OUTBOX_READ)
def outbox() -> ResponseReturnValue:
    page = max(request.args.get("page", 1, type=int), 1)
    tenant_id, state = request.args.get("tenant", type=int), request.args.get("state", "")
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
    opened = tenant_transaction(tenant_id) if tenant_id in tenants and tenant_id else transaction()
    with opened as session:
        rows = contacts.messages(
            session, states=(state,) if state in STATES else (), limit=PAGE + 1, offset=(page - 1) * PAGE
        )
        resting = rests.resting(session)
    return render_template(
        "outbox/list.html", rows=rows[:PAGE], tenants=tenants, tenant_id=tenant_id, state=state,
        resting=resting, states=STATES, first_url=_page_url(None) if page > 1 else None,
        next_url=_page_url(page + 1) if len(rows) > PAGE else None,
    )  # fmt: skip


def _page_url(page: int | None) -> str:
    arguments: dict[str, Any] = {
        name: value for name, value in request.args.items() if name not in ("page", "lang")
    }
    return url_for("portals.outbox", **arguments, page=page)


@blueprint.get("/outbox/<int:contact_id>")
@requires(Permission.OUTBOX_READ)
def outbox_message(contact_id: int) -> ResponseReturnValue:
    with transaction() as session:
        found = _message(session, contact_id)
        tenant = tenancy.tenant(session, found.tenant_id)
    return render_template("outbox/message.html", message=found, tenant=tenant)


@blueprint.post("/outbox/<int:contact_id>")
@requires(Permission.ACCOUNTS_WORK)
def outbox_settle(contact_id: int) -> ResponseReturnValue:
    """A person found out whether a message of unknown fate went out."""
    with transaction() as session:
        found = _message(session, contact_id)
    with tenant_transaction(found.tenant_id) as session:
        service.settle_unknown(
            session, contact_id, delivered=request.form.get("went_out") == "yes", actor=the_caller().actor
        )
    flash(_("Noted. It counts as you said."))
    return redirect(url_for("portals.outbox_message", contact_id=contact_id))


def _message(session: Session, contact_id: int) -> MessageLine:
    found = contacts.messages(session, contact_id=contact_id, limit=1)
    if not found:
        raise NotFound("There is no such message.")
    return found[0]
