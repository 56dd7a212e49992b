"""Plans and decisions: what was chosen, from what, by which model, under which law, and why."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Double, Index, LargeBinary, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned, append_only

#: How the names begin under which a plan keeps the mean balances by which it compared currencies.
SCALE = "scale:"


class PlanRun(TenantOwned, Base):
    """One planning of a tenant: the counts that `recupero plan` prints."""

    __tablename__ = "plan_runs"
    __table_args__ = (
        Index("ix_plan_runs_whole", "tenant_id", "id", postgresql_where=text("part_of IS NULL")),
        {"info": TENANT},
    )

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
    #: By resource: what one more unit is worth, in mean balances, and how much is left.
    #: Price and room left of each resource; under `SCALE` the mean balance of a currency.
    prices: Mapped[dict[str, list[float]]] = mapped_column(JSONB, default=dict, server_default="{}")
    #: Attempts and answers by channel, weekday and hour, as a plan of all accounts counted them
    #: (`reading.read_hours`); null where it asked for none. Read only where it is asked for.
    hours: Mapped[list[list[Any]] | None] = mapped_column(JSONB(none_as_null=True), deferred=True)
    #: The plan whose prices and room this one of a few debtors used; null: of all accounts.
    part_of: Mapped[int | None]
    notes: Mapped[list[str]] = mapped_column(JSONB)
    #: Kinds of models that failed in it.
    failed: Mapped[list[str]] = mapped_column(ARRAY(String), default=list, server_default="{}")
    finished_at: Mapped[datetime]


class Decision(TenantOwned, Base):
    """One decision for one account. `propensity` is the probability with which this choice was made; `choice`
    may be `wait`. Its vectors are in the run's `VectorPart`."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_account", "tenant_id", "account_id", "at"),
        Index("ix_decisions_run", "tenant_id", "run_id"),
        {"info": append_only(TENANT)},
    )

    run_id: Mapped[int]
    account_id: Mapped[int]
    strategy_version: Mapped[int | None] = mapped_column(SmallInteger)  # of the account's portfolio
    segment: Mapped[str | None] = mapped_column(String(60))  # of that strategy; None outside of any
    arm: Mapped[str | None] = mapped_column(String(60))
    assistant: Mapped[str | None] = mapped_column(String(60))  # who would speak, by the strategy's name
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
    alternatives: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    blocked: Mapped[dict[str, str]] = mapped_column(JSONB)  # channel to refusing rule


class VectorList(TenantOwned, Base):
    """The names of the columns of some vectors, in order: what a list was when it was used stays readable
    when it has grown. `digest` is of the names."""

    __tablename__ = "vector_lists"
    __table_args__ = (UniqueConstraint("tenant_id", "digest"), {"info": append_only(TENANT)})

    digest: Mapped[bytes] = mapped_column(LargeBinary)
    names: Mapped[list[str]] = mapped_column(ARRAY(String))


class VectorPart(TenantOwned, Base):
    """The vectors of up to `vector_store.ROWS` decisions of one run, by columns: `data` holds the accounts'
    ids, in order, and a float32 for each name of the list and account (see `vector_store`)."""

    __tablename__ = "vector_parts"
    __table_args__ = (Index("ix_vector_parts_run", "tenant_id", "run_id"), {"info": append_only(TENANT)})

    run_id: Mapped[int]
    list_id: Mapped[int]
    rows: Mapped[int]
    first_account: Mapped[int]
    last_account: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ModelLook(AgencyOwned, Base):
    """What was seen when a version of a model was looked at. `what` is `drift` (how far today's rows lie from
    those that it learned from) or `shadow` (its answers beside those of the version `against`, on the same
    rows); `alarm`: somebody should look."""

    __tablename__ = "model_looks"
    __table_args__ = (
        Index("ix_model_looks_name", "agency_id", "name", "what", "at"),
        {"info": append_only(AGENCY)},
    )

    at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(120))
    version: Mapped[str] = mapped_column(String(12))
    what: Mapped[str] = mapped_column(String(12))
    against: Mapped[str | None] = mapped_column(String(12))
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    alarm: Mapped[bool]


class PromiseChance(TenantOwned, Base):
    """What was held of a promise when it was made: the chance that it is kept, by which model, and why. One
    of each promise, for good: so what was said can be held against what came."""

    __tablename__ = "promise_chances"
    __table_args__ = (
        UniqueConstraint("tenant_id", "promise_id"),
        Index("ix_promise_chances_account", "tenant_id", "account_id"),
        {"info": append_only(TENANT)},
    )

    promise_id: Mapped[int]
    account_id: Mapped[int]
    chance: Mapped[float] = mapped_column(Double)
    model: Mapped[str] = mapped_column(String(120))
    model_version: Mapped[str] = mapped_column(String(12))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # feature, value, contribution (log-odds)
    at: Mapped[datetime]
