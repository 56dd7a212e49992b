"""Plans and decisions: what was chosen, from what, by which model, under which law, and why."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Double, Index, SmallInteger, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import TENANT, Base, TenantOwned, append_only


class PlanRun(TenantOwned, Base):
    """One planning of a tenant: the counts that `recupero plan` prints."""

    __tablename__ = "plan_runs"
    __table_args__ = ({"info": TENANT},)

    at: Mapped[datetime]
    model: Mapped[str]
    model_version: Mapped[str]
    accounts: Mapped[int]
    candidates: Mapped[int]
    planned: Mapped[int]
    blocked: Mapped[dict[str, int]] = mapped_column(JSONB)
    held: Mapped[dict[str, int]] = mapped_column(JSONB)
    expected_value: Mapped[dict[str, int]] = mapped_column(JSONB)
    bound_gap: Mapped[float] = mapped_column(Double)
    notes: Mapped[list[str]] = mapped_column(JSONB)
    finished_at: Mapped[datetime]


class Decision(TenantOwned, Base):
    """One decision for one account. `features` are in the order of the model's feature list; `propensity` is
    the probability with which this choice was made; `choice` may be `wait`."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_account", "tenant_id", "account_id", "at"),
        Index("ix_decisions_run", "tenant_id", "run_id"),
        {"info": append_only(TENANT)},
    )

    run_id: Mapped[int]
    account_id: Mapped[int]
    strategy_version: Mapped[int | None] = mapped_column(SmallInteger)  # of the account's portfolio
    at: Mapped[datetime]
    choice: Mapped[str]  # wait, or the template's purpose
    channel: Mapped[str | None] = mapped_column(String(12))
    scheduled_at: Mapped[datetime | None]
    model: Mapped[str]
    model_version: Mapped[str]
    pack: Mapped[str | None]
    pack_version: Mapped[str | None]
    score: Mapped[float] = mapped_column(Double)
    propensity: Mapped[float] = mapped_column(Double)
    expected_value_minor: Mapped[int]
    cost_minor: Mapped[int]
    features: Mapped[list[float]] = mapped_column(ARRAY(Double))
    alternatives: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    blocked: Mapped[dict[str, str]] = mapped_column(JSONB)  # channel to refusing rule
