"""Who has which account at their desk and had it before, notes, and what agents aim at."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned

_OPEN = text("closed_at IS NULL")


class Sitting(AgencyOwned, Base):
    """One account at one agent's desk, from taking it to laying it down. While it is open it is a lock, on a
    lease: an agent has one account at a time, and a person is at one desk, whichever creditor it is for.

    `why`: call_back, handed_over, queue, chosen. `ended`: done, released, signed_out, expired, freed.
    `result` is the coded result of its call (`contact_id`), which lasted from `talk_from` to `talk_until`.
    """

    __tablename__ = "desk_sittings"
    __table_args__ = (
        Index("ix_desk_sittings_agent", "agency_id", "user_id", unique=True, postgresql_where=_OPEN),
        Index("ix_desk_sittings_person", "agency_id", "person_id", unique=True, postgresql_where=_OPEN),
        Index("ix_desk_sittings_done", "agency_id", "user_id", "taken_at"),
        Index("ix_desk_sittings_had", "agency_id", "person_id", "closed_at"),
        {"info": AGENCY},
    )  # fmt: skip

    user_id: Mapped[int]
    tenant_id: Mapped[int]
    account_id: Mapped[int]
    debtor_id: Mapped[int]
    person_id: Mapped[int]
    why: Mapped[str] = mapped_column(String(11))
    action_id: Mapped[int | None]
    contact_id: Mapped[int | None]
    taken_at: Mapped[datetime]
    leased_until: Mapped[datetime]
    talk_from: Mapped[datetime | None]
    talk_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    ended: Mapped[str | None] = mapped_column(String(10))
    result: Mapped[str | None] = mapped_column(String(4))


class Goal(AgencyOwned, Base):
    """What an agent aims at in a day or a week: people reached, agreements. `measure` is one of
    `goals.MEASURES`."""

    __tablename__ = "agent_goals"
    __table_args__ = (UniqueConstraint("agency_id", "user_id", "period", "measure"), {"info": AGENCY})

    user_id: Mapped[int]
    period: Mapped[str] = mapped_column(String(4))  # day, week
    measure: Mapped[str] = mapped_column(String(8))
    target: Mapped[int]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class Note(TenantOwned, Base):
    """What a person wrote down about an account, for whoever works it next."""

    __tablename__ = "account_notes"
    __table_args__ = (
        Index("ix_account_notes_account", "tenant_id", "account_id", "id"),
        {"info": TENANT},  # not append-only: its text is sealed anew when keys change
    )

    account_id: Mapped[int]
    debtor_id: Mapped[int]
    contact_id: Mapped[int | None]
    at: Mapped[datetime]
    made_by: Mapped[str]
    text: Mapped[str] = mapped_column(EncryptedText)
