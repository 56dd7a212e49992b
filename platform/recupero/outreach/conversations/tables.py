"""What providers told, files that came with messages, conversations and the answers that people write."""

from datetime import datetime

from sqlalchemy import Index, SmallInteger, String, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class ChannelEvent(TenantOwned, Base):
    """One event of a connector, stored once however often it is told. `state`: new, done, quarantined (a
    person must say whose it is), failed (working it raised an error; a person may try again). `due_at`: when
    a new one is worked. `named` is the key of our message that the provider's address for news held."""

    __tablename__ = "channel_events"
    __table_args__ = (
        UniqueConstraint("tenant_id", "connector", "event_id"),
        Index("ix_channel_events_due", "tenant_id", "due_at", postgresql_where=text("state = 'new'")),
        Index("ix_channel_events_open", "tenant_id", "id",
              postgresql_where=text("state IN ('quarantined', 'failed')")),
        {"info": TENANT},
    )  # fmt: skip

    connector: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str] = mapped_column(String(7))  # status, message, unread (the connector could not read it)
    named: Mapped[str | None]
    received_at: Mapped[datetime]
    payload: Mapped[str] = mapped_column(EncryptedText)  # JSON, see `events`
    state: Mapped[str] = mapped_column(String(11))
    reason: Mapped[str | None]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    worked_at: Mapped[datetime | None]
    contact_id: Mapped[int | None]


class MessageFile(TenantOwned, Base):
    """A file that came with a message, kept encrypted (base64), or why it was not kept (`refused`: archive,
    kind, too_large, too_many, left_out). `size` in bytes."""

    __tablename__ = "message_files"
    __table_args__ = (
        Index("ix_message_files_event", "tenant_id", "event"),
        Index("ix_message_files_contact", "tenant_id", "contact_id"),
        {"info": TENANT},
    )

    event: Mapped[int]
    contact_id: Mapped[int | None]
    place: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(EncryptedText)
    media_type: Mapped[str]
    size: Mapped[int]
    content: Mapped[str | None] = mapped_column(EncryptedText)
    refused: Mapped[str | None]


class CollectMark(TenantOwned, Base):
    """How far a connector that must be asked was read. `problem` says why the last visit failed."""

    __tablename__ = "collect_marks"
    __table_args__ = (UniqueConstraint("tenant_id", "connector"), {"info": TENANT})

    connector: Mapped[str]
    mark: Mapped[str | None]
    collected_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    tried_at: Mapped[datetime]


class Conversation(TenantOwned, Base):
    """Everything said with one debtor, whatever the channel. `waiting_since` is set while they wait for a
    person's answer. `heard` says when they last wrote over each connector. `account_id` and `channel` are
    those of their last message; `assigned_to` is the user who must answer, `due_at` by when; `spoke_with` the
    user who last wrote to them or talked with them."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "debtor_id"),
        Index("ix_conversations_last", "tenant_id", "last_at"),
        Index("ix_conversations_spoke", "tenant_id", "spoke_with",
              postgresql_where=text("spoke_with IS NOT NULL")),
        Index("ix_conversations_order", "tenant_id", text("(waiting_since IS NULL)"), "due_at",
              "waiting_since", text("last_at DESC"), "id"),
        Index("ix_conversations_waiting", "tenant_id", "waiting_since",
              postgresql_where=text("waiting_since IS NOT NULL")),
        {"info": TENANT},
    )  # fmt: skip

    debtor_id: Mapped[int]
    account_id: Mapped[int]
    channel: Mapped[str] = mapped_column(String(12))
    last_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    heard: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    assigned_to: Mapped[int | None]
    spoke_with: Mapped[int | None]
    due_at: Mapped[datetime | None]


class Reply(TenantOwned, Base):
    """The words of an action that no template has: what a person answers. `settled`: what came of its action
    is known."""

    __tablename__ = "replies"
    __table_args__ = (
        UniqueConstraint("tenant_id", "action_id"),
        Index("ix_replies_debtor", "tenant_id", "debtor_id", "id"),
        Index("ix_replies_open", "tenant_id", "id", postgresql_where=text("NOT settled")),
        {"info": TENANT},
    )

    action_id: Mapped[int]
    debtor_id: Mapped[int]
    subject: Mapped[str] = mapped_column(EncryptedText)
    body: Mapped[str] = mapped_column(EncryptedText)
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    settled: Mapped[bool] = mapped_column(server_default=false())
