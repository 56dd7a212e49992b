"""Actions that are to be carried out, and their history."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import TENANT, Base, TenantOwned, append_only


class Action(TenantOwned, Base):
    """One thing to do for an account at a time; `states` says which state follows which. A claim is a lease:
    one whose worker died is claimed again; one that was already reserved never is. `template` names the
    words, `purpose` is what the law is told."""

    __tablename__ = "actions"
    __table_args__ = (
        Index("ix_actions_due", "tenant_id", "due_at", postgresql_where=text("state = 'scheduled'")),
        Index("ix_actions_claimed", "tenant_id", "leased_until",
              postgresql_where=text("state IN ('claimed', 'reserved')")),
        Index("ix_actions_proposed", "tenant_id", "due_at", postgresql_where=text("state = 'proposed'")),
        Index("ix_actions_account", "tenant_id", "account_id", "id"),
        {"info": TENANT},
    )  # fmt: skip

    account_id: Mapped[int]
    debtor_id: Mapped[int]
    person_id: Mapped[int]
    decision_id: Mapped[int | None]
    channel: Mapped[str] = mapped_column(String(12))
    contact_point_id: Mapped[int | None]
    template: Mapped[str]
    tone: Mapped[str]
    purpose: Mapped[str]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    priority: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(9))
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ActionEvent(TenantOwned, Base):
    """One transition of an action."""

    __tablename__ = "action_events"
    __table_args__ = (
        Index("ix_action_events_action", "tenant_id", "action_id"),
        {"info": append_only(TENANT)},
    )

    action_id: Mapped[int]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(9))
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ConnectorRest(TenantOwned, Base):
    """Batches in a row of which a connector sent nothing, since when, and until when it is left alone (null:
    it is still tried)."""

    __tablename__ = "connector_rests"
    __table_args__ = (UniqueConstraint("tenant_id", "connector"), {"info": TENANT})

    connector: Mapped[str]
    failures: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    reason: Mapped[str]
