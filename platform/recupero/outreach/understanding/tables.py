"""What messages were taken to mean, and what a person must take over."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class MessageReading(TenantOwned, Base):
    """How a message was read. `guesses` are intents with probabilities, the likeliest first; `amounts` minor
    units and `days` ISO dates that it names; `course` what followed (policy.Course); `corrected` the intents
    that a person says it has."""

    __tablename__ = "message_readings"
    __table_args__ = (
        UniqueConstraint("tenant_id", "contact_id"),
        Index("ix_message_readings_corrected", "tenant_id", "corrected_at",
              postgresql_where=text("corrected IS NOT NULL")),
        Index("ix_message_readings_debtor", "tenant_id", "debtor_id", "read_at"),
        {"info": TENANT},
    )  # fmt: skip

    contact_id: Mapped[int]
    debtor_id: Mapped[int]
    language: Mapped[str] = mapped_column(String(2))
    model: Mapped[str]
    read_at: Mapped[datetime]
    guesses: Mapped[list[list[Any]]] = mapped_column(JSONB)
    amounts: Mapped[list[int]] = mapped_column(JSONB)
    days: Mapped[list[str]] = mapped_column(JSONB)
    course: Mapped[str] = mapped_column(String(8))
    corrected: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    corrected_by: Mapped[str | None]
    corrected_at: Mapped[datetime | None]


class HandOver(TenantOwned, Base):
    """A debtor whom a person must take over from the machines, by `due_at`. `why` is the intent that asked
    for one, or `unsure`; `contact_id` the message or call in which, None where they asked on their page.
    While it is open `hold_id`, where we opened one, keeps automation silent. The person who closes it says
    the cause (the reason codes of call scripts) and the next step."""

    __tablename__ = "hand_overs"
    __table_args__ = (
        Index("ix_hand_overs_debtor", "tenant_id", "debtor_id", "id"),
        Index("ix_hand_overs_causes", "tenant_id", "closed_at", postgresql_where=text("cause IS NOT NULL")),
        Index("ix_hand_overs_open", "tenant_id", "debtor_id", unique=True,
              postgresql_where=text("closed_at IS NULL")),
        {"info": TENANT},
    )  # fmt: skip

    debtor_id: Mapped[int]
    account_id: Mapped[int]
    contact_id: Mapped[int | None]
    why: Mapped[str]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    hold_id: Mapped[int | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    cause: Mapped[str | None]
    next_step: Mapped[str | None] = mapped_column(EncryptedText)
