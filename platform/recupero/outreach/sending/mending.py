"""A connector that somebody set up anew: what waited for it goes out, what was given back is planned anew."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.events import publish
from recupero.outreach.actions.events import GivenBack
from recupero.outreach.actions.states import Move, move
from recupero.outreach.channels import rests
from recupero.outreach.sending.cases import waiting_for
from recupero.outreach.tables import Action
from recupero.tenancy.events import PluginConfigured


def on_plugin_configured(session: Session, event: PluginConfigured) -> None:
    """End the connector's rest: whatever it waited for may be mended, and the next batch shows whether it is.
    The law is asked again when each goes out."""
    since = rests.lift(session, event.key) if event.kind == "channel" else None
    if since is None:
        return
    touched = session.execute(
        select(Action.id, Action.debtor_id, Action.state).where(
            Action.tenant_id == scope_of(session).tenant(), Action.state.in_(("scheduled", "blocked")),
            Action.changed_at >= since, Action.reason.in_(waiting_for(event.key)),
        )
    ).all()  # fmt: skip
    now, reason = clock.now(), f"connector_mended:{event.key}"
    waiting = [row.id for row in touched if row.state == "scheduled"]
    move(session, [Move(action_id, "scheduled", reason, due_at=now) for action_id in waiting])
    if back := {row.debtor_id for row in touched if row.state == "blocked"}:
        publish(session, GivenBack(tuple(sorted(back))))
