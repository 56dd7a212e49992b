"""Call scripts of an agency in versions, and the way that each call went through its script."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned, append_only


class CallScript(AgencyOwned, Base):
    """One version of a script of the agency (`tenant_id` null) or of one creditor. `state`: draft, approved,
    retired. The newest approved version that fits a call leads it; an approved document never changes."""

    __tablename__ = "call_scripts"
    __table_args__ = (
        UniqueConstraint("agency_id", "tenant_id", "name", "version", postgresql_nulls_not_distinct=True),
        {"info": AGENCY},
    )

    tenant_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    document: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]

    def key(self) -> dict[str, object]:
        """What it is a version of."""
        return {"name": self.name}


class CallRun(TenantOwned, Base):
    """Where one call stands in its script. `script_id` null: the script that comes with the platform.

    `proven` opens the facts of the debt; `reason` is why the person did not pay (domain page, 4.2).
    `dialogue` is what the voice assistant remembers from turn to turn (`voice.memory`).
    """

    __tablename__ = "call_runs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "contact_id"),
        Index("ix_call_runs_reasons", "tenant_id", text("(coalesce(ended_at, started_at))"),
              postgresql_where=text("reason IS NOT NULL")),
        {"info": TENANT},
    )  # fmt: skip

    contact_id: Mapped[int]
    account_id: Mapped[int]
    debtor_id: Mapped[int]
    script_id: Mapped[int | None]
    script: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    language: Mapped[str] = mapped_column(String(2))
    led_by: Mapped[str] = mapped_column(String(5))  # agent, voice
    step: Mapped[str] = mapped_column(String(40))
    proven: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(String(24))
    dialogue: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class CallStep(TenantOwned, Base):
    """One step that a call took: what was answered and where it led. Answers to identity questions are never
    kept, only whether they were right. `chance`: how probable it is that a machine which heard the answer
    spoken understood it; None where it was pressed, or a person noted it."""

    __tablename__ = "call_steps"
    __table_args__ = (
        Index("ix_call_steps_run", "tenant_id", "run_id", "id"),
        {"info": append_only(TENANT)},
    )

    run_id: Mapped[int]
    at: Mapped[datetime]
    step: Mapped[str] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(String(40))
    to: Mapped[str] = mapped_column(String(40))
    chance: Mapped[float | None]


class CallLeg(TenantOwned, Base):
    """Something that became of one side of a call over the telephone. `leg`: person, agent (a click-to-call),
    transfer; `status`: human, machine, answered, no_answer, busy, failed, invalid."""

    __tablename__ = "call_legs"
    __table_args__ = (
        Index("ix_call_legs_contact", "tenant_id", "contact_id", "id"),
        {"info": append_only(TENANT)},
    )

    contact_id: Mapped[int]
    at: Mapped[datetime]
    leg: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(10))
    seconds: Mapped[int | None]
    user_id: Mapped[int | None]
