"""Actions that are to be carried out, and their history."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Index, String, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned, append_only


class Action(TenantOwned, Base):
    """One thing to do for an account at a time; `states` says which state follows which. A claim is a lease:
    one whose worker died is claimed again; one that was already reserved never is. `template` names the
    words, `purpose` is what the law is told, `answers` the provider's reference of the message answered."""

    __tablename__ = "actions"
    __table_args__ = (
        Index("ix_actions_due", "tenant_id", "due_at",
              postgresql_where=text("state IN ('scheduled', 'claimed')")),
        Index("ix_actions_claimed", "tenant_id", "leased_until",
              postgresql_where=text("state IN ('claimed', 'reserved')")),
        Index("ix_actions_proposed", "tenant_id", "due_at", postgresql_where=text("state = 'proposed'")),
        Index("ix_actions_settled", "tenant_id", "changed_at",
              postgresql_where=text("state IN ('sent', 'delivered', 'answered')")),
        Index("ix_actions_draft", "tenant_id", "draft_id", postgresql_where=text("draft_id IS NOT NULL")),
        Index("ix_actions_account", "tenant_id", "account_id", "id"),
        {"info": TENANT},
    )  # fmt: skip

    account_id: Mapped[int]
    debtor_id: Mapped[int]
    person_id: Mapped[int]
    decision_id: Mapped[int | None]
    draft_id: Mapped[int | None]  # whose words it sends
    channel: Mapped[str] = mapped_column(String(12))
    contact_point_id: Mapped[int | None]
    template: Mapped[str]
    tone: Mapped[str]
    #: Who speaks: name, kind (human, virtual) and script, as far as the strategy says; null: nobody by name.
    assistant: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    purpose: Mapped[str]
    answers: Mapped[str | None]
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
        Index(
            "ix_action_events_stopped",
            "tenant_id",
            "at",
            postgresql_where=text("state = 'blocked' OR state = 'scheduled' AND reason IS NOT NULL"),
        ),
        {"info": append_only(TENANT)},
    )

    action_id: Mapped[int]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(9))
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Draft(TenantOwned, Base):
    """What a person writes to the debtor of one account, in one message. `state`: draft, submitted (its
    action has its id), discarded. Nothing goes out before the day `not_before`."""

    __tablename__ = "drafts"
    __table_args__ = (Index("ix_drafts_account", "tenant_id", "account_id"), {"info": TENANT})

    account_id: Mapped[int]
    channel: Mapped[str] = mapped_column(String(12))
    template: Mapped[str]
    tone: Mapped[str] = mapped_column(String(7))
    subject: Mapped[str] = mapped_column(EncryptedText)
    body: Mapped[str] = mapped_column(EncryptedText)
    not_before: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(9))
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ConnectorRest(TenantOwned, Base):
    """Batches in a row of which a connector sent nothing, since when, and until when it is left alone (null:
    it is still tried). `refused`: its account or its settings were, as such."""

    __tablename__ = "connector_rests"
    __table_args__ = (UniqueConstraint("tenant_id", "connector"), {"info": TENANT})

    connector: Mapped[str]
    failures: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    reason: Mapped[str]
    refused: Mapped[bool] = mapped_column(server_default=false())


class BulkOrder(AgencyOwned, Base):
    """What somebody ordered for many accounts at once (`bulk.ORDERS`). `account_ids` are those that were
    chosen, `changed` those that it changed. Holds that it opened have `bulk:<id>` as their source, those
    that it ended as who ended them; so it is with labels. `state`: waiting, done, undone. An order about
    strategies has portfolios in place of accounts: `versions`, by portfolio the version that it had and the
    one that it got. One about conversations keeps in `talks` how each stood before, one
    about drafts which they were."""

    __tablename__ = "bulk_orders"
    __table_args__ = ({"info": AGENCY},)

    do: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str | None]
    until: Mapped[datetime | None]
    user_id: Mapped[int | None]
    label_id: Mapped[int | None]
    tenant_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    versions: Mapped[dict[str, list[int]] | None] = mapped_column(JSONB)
    talks: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    changed: Mapped[int]
    state: Mapped[str] = mapped_column(String(7))
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
