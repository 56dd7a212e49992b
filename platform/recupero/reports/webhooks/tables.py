"""Where creditors want to be told of what happens, and what they are told."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class Webhook(TenantOwned, Base):
    """An address of a creditor's system. `kinds` are the events it wants. The secret before the present one
    signs, too, until `old_until`."""

    __tablename__ = "webhooks"
    __table_args__ = ({"info": TENANT},)

    name: Mapped[str]
    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(String))
    secret: Mapped[str] = mapped_column(EncryptedText)
    old_secret: Mapped[str | None] = mapped_column(EncryptedText)
    old_until: Mapped[datetime | None]
    active: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class WebhookEvent(TenantOwned, Base):
    """One thing to be told to one address. `data` holds ids, codes, dates and amounts, nothing about people.

    `state`: waiting (from `next_at` on), sending (by a worker, who is taken for dead at `leased_until`),
    delivered, dead (given up; somebody may send it again). `status` is the last answer's HTTP status,
    `problem` what went wrong where there was none.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        Index("ix_webhook_events_due", "tenant_id", "next_at",
              postgresql_where=text("state IN ('waiting', 'sending')")),
        Index("ix_webhook_events_webhook", "tenant_id", "webhook_id", "id"),
        {"info": TENANT},
    )  # fmt: skip

    webhook_id: Mapped[int]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(9))
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    status: Mapped[int | None]
    problem: Mapped[str | None]
