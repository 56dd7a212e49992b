"""Messages as they went out or came in, word for word: the list that an operator reads, and one message."""

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts import messages as contact_messages
from recupero.contacts.messages import MessageLine
from recupero.kernel.errors import NotFound
from recupero.outreach import service
from recupero.outreach.channels import rests
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero.tenancy.tables import Tenant

STATES = ("sent", "delivered", "answered", "failed", "unknown", "received")


@blueprint.get("/outbox")
@requires(Permission.OUTBOX_READ)
def outbox() -> ResponseReturnValue:
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
    table = _messages_table(tenants)
    tenant_id, state = table.chosen.get("tenant"), table.chosen["state"]
    with tenant_transaction(int(tenant_id)) if tenant_id else transaction() as session:
        table.fill(contact_messages.messages(session, states=(state,) if state else (), part=table.part))
        resting = rests.resting(session)
    return answer("outbox/list.html", table, tenants=tenants, resting=resting)


def _messages_table(tenants: Mapping[int, Tenant]) -> Table[MessageLine]:
    creditors = [(str(tenant.id), tenant.name) for tenant in tenants.values()]
    columns: list[Column[MessageLine]] = [
        Column("at", _("When"), lambda row: row.at),
        Column("to", _("To"), lambda row: row.address, sorts=False,
               note=lambda row: tenants[row.tenant_id].name),
        Column("message", _("Message"), lambda row: row.subject or row.body, sorts=False),
        Column("channel", _("Channel"), lambda row: row.channel, words="channel",
               note=lambda row: _carrier(row.channel, row.connector)),
        Column("state", _("State"), lambda row: row.state, words="contact", badge=True),
    ]  # fmt: skip
    return Table(
        "messages", _("Messages"), columns, sort="-at", per_page=30,
        filters=(
            *([Pick("tenant", _("Creditor"), creditors)] if len(creditors) > 1 else []),
            Pick("state", _("State"), [(code, label("contact", code)) for code in STATES]),
        ),
    )  # fmt: skip


def _carrier(channel: str, connector: str | None) -> str | None:
    """What carried a message, where that is not the channel's own connector."""
    return label("plugin_name", connector) if connector and connector != channel else None


@blueprint.get("/outbox/<int:contact_id>")
@requires(Permission.OUTBOX_READ)
def outbox_message(contact_id: int) -> ResponseReturnValue:
    with transaction() as session:
        found = _message(session, contact_id)
        tenant = tenancy.tenant(session, found.tenant_id)
    carrier = _carrier(found.channel, found.connector)
    return render_template("outbox/message.html", message=found, tenant=tenant, carrier=carrier)


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
    found = contact_messages.messages(session, contact_id=contact_id, limit=1)
    if not found:
        raise NotFound("There is no such message.")
    return found[0]
