"""Plans with their instalments, settlements, hardship cases and what debtors told of their means."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import TENANT, Base, TenantOwned


class Exceptional:
    """Mixin: what of an offer lies beyond a limit, who asked and why, who has to agree and who did."""

    beyond: Mapped[list[str]] = mapped_column(ARRAY(String))  # codes of `policy.BEYOND`; empty: inside
    approver: Mapped[str | None] = mapped_column(String(13))  # one of `policy.APPROVERS`
    why: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]


class Plan(TenantOwned, Exceptional, Base):
    """An agreement to pay accounts of one debtor and currency in instalments.

    `state`: asked (an exception waits for its approver), refused, running, kept (all came in), broken,
    cancelled, replaced (by a newer plan). `made_with`: page, agent, api, model; `made_by` the actor.
    `choice` is what was asked of `plan_schedule`, to show and to plan again from. `smallest_minor` is the
    smallest payment that the gateway takes: a rest below it goes with the next instalment.
    """

    __tablename__ = "plans"
    __table_args__ = (
        Index("ix_plans_debtor", "tenant_id", "debtor_id"),
        Index("ix_plans_running", "tenant_id", "state",
              postgresql_where=text("state IN ('asked', 'running')")),
        {"info": TENANT},
    )  # fmt: skip

    debtor_id: Mapped[int]
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    settlement_id: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int]
    choice: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(9))
    grace_days: Mapped[int]
    smallest_minor: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    made_with: Mapped[str]
    made_by: Mapped[str]
    agreed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    moved_at: Mapped[datetime | None]  # when a pause last gave it other dates


class PlanInstalment(TenantOwned, Base):
    """One payment of a plan. `state`: open, late (its day has passed), paid, missed (its grace, too).
    `moved_from` is the day that was agreed, where a pause has moved it to `due_date`."""

    __tablename__ = "plan_instalments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "plan_id", "number"),
        Index("ix_plan_instalments_due", "tenant_id", "due_date",
              postgresql_where=text("state IN ('open', 'late')")),
        ForeignKeyConstraint(["tenant_id", "plan_id"], ["plans.tenant_id", "plans.id"]),
        {"info": TENANT},
    )  # fmt: skip

    plan_id: Mapped[int]
    number: Mapped[int]
    due_date: Mapped[date]
    moved_from: Mapped[date | None]
    amount_minor: Mapped[int]
    paid_minor: Mapped[int] = mapped_column(default=0)
    paid_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(6), default="open")


class Settlement(TenantOwned, Exceptional, Base):
    """Accounts of one debtor and currency are settled in full for less than is owed.

    `state`: asked (waits for approval), refused, offered, withdrawn, expired (not accepted in time),
    accepted, settled (the sum came in: the rest is written off), lapsed (it did not come in time), replaced
    (another one of these accounts was accepted after it, or paid before it).
    `moved_from` is the last day that was agreed, where a pause has moved it to `pay_by`.
    `terms` is the choice of instalments, if any, that it may be paid in. `settled_at` is when the receipt
    that completed the sum was made: what was owed then is what is written off.
    """

    __tablename__ = "settlements"
    __table_args__ = (
        Index("ix_settlements_debtor", "tenant_id", "debtor_id"),
        Index("ix_settlements_open", "tenant_id", "state",
              postgresql_where=text("state IN ('asked', 'offered', 'accepted')")),
        Index("ix_settlements_named_in", "named_in", postgresql_using="gin",
              postgresql_where=text("state = 'offered' AND named_in IS NOT NULL")),
        {"info": TENANT},
    )  # fmt: skip

    debtor_id: Mapped[int]
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    currency: Mapped[str] = mapped_column(String(3))
    balance_minor: Mapped[int]  # owed when it was offered
    amount_minor: Mapped[int]
    instalments: Mapped[int]
    choice: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(9))
    valid_until: Mapped[date]
    pay_by: Mapped[date]
    moved_from: Mapped[date | None]
    made_with: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_with: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    #: The actions whose messages named it, as far as they may have arrived; null where a person told of it.
    named_in: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    written_off_minor: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0)  # of the write-off: one more for each correction


class HardshipCase(TenantOwned, Base):
    """The debtor is in difficulty: work rests until `until` or until the case is closed."""

    __tablename__ = "hardship_cases"
    __table_args__ = (Index("ix_hardship_cases_debtor", "tenant_id", "debtor_id"), {"info": TENANT})

    debtor_id: Mapped[int]
    kind: Mapped[str]  # one of hardship.KINDS
    severity: Mapped[str]  # one of hardship.SEVERITIES
    hold_id: Mapped[int]
    until: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(EncryptedText)
    evidence: Mapped[str | None] = mapped_column(EncryptedText)
    opened_at: Mapped[datetime]
    opened_with: Mapped[str]
    opened_by: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    outcome: Mapped[str | None] = mapped_column(EncryptedText)


class MeansStatement(TenantOwned, Base):
    """What a debtor chose to tell of a month's income and expenses; `answers` is JSON in minor units."""

    __tablename__ = "means_statements"
    __table_args__ = (Index("ix_means_statements_debtor", "tenant_id", "debtor_id"), {"info": TENANT})

    debtor_id: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    answers: Mapped[str] = mapped_column(EncryptedText)
    told_at: Mapped[datetime]
    told_with: Mapped[str]
