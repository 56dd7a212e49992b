"""Roll-ups: what the recovery report adds up, kept by triggers in the transaction of the event itself.

Each table but `ReportReach` is a bag of summands: a trigger adds rows and changes none, so that no two
writers ever wait for each other; the sum over the rows of a key is the figure. `rollups.fold` makes one
`folded` row of the many. What is counted is said once, by the templates of migration 0048: the views
`report_*_facts` over the raw rows and the triggers are both made of them (docs/decisions/0010).

`ReportFlows` and `ReportRuns` carry folded summands forward, so that a report reads what stands at the end of
its period and adds up no history; what is not folded yet is added to it (migration 0056).
"""

from datetime import date, datetime

from sqlalchemy import Date, Index, String, text
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE
from sqlalchemy.dialects.postgresql.ranges import MultiRange
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.bags import bag
from recupero.kernel.database import TENANT, Base, TenantOwned

ZERO = text("0")


def _sum() -> Mapped[int]:
    return mapped_column(server_default=ZERO)


def _bag(table: str, *keys: str) -> tuple[object, ...]:
    return (*bag(table, *keys), {"info": TENANT})


class Summand(TenantOwned):
    """Mixin: one of the rows that make up a figure."""

    folded: Mapped[bool] = mapped_column(server_default=text("false"))
    currency: Mapped[str] = mapped_column(String(3))
    portfolio_id: Mapped[int]


class ReportPlaced(Summand, Base):
    """Accounts of a batch by placement month and, with the month and code they were closed with, once more.
    `closed` is 'infinity' and `code` empty for what was placed. `balance_minor` is what a closed one owes."""

    __tablename__ = "report_placed"
    __table_args__ = _bag("report_placed", "currency", "portfolio_id", "batch_id", "cohort", "closed", "code")

    batch_id: Mapped[int]
    cohort: Mapped[date]
    closed: Mapped[date] = mapped_column(Date)
    code: Mapped[str]
    accounts: Mapped[int] = _sum()
    placed_minor: Mapped[int] = _sum()
    invalid_minor: Mapped[int] = _sum()
    owing: Mapped[int] = _sum()
    balance_minor: Mapped[int] = _sum()


class ReportMoney(Summand, Base):
    """Money moved on accounts of a batch, by month of the tenant's zone."""

    __tablename__ = "report_money"
    __table_args__ = _bag("report_money", "currency", "portfolio_id", "batch_id", "cohort", "month", "direct")

    batch_id: Mapped[int]
    cohort: Mapped[date]
    month: Mapped[date]
    direct: Mapped[bool]
    received_minor: Mapped[int] = _sum()
    reversed_minor: Mapped[int] = _sum()
    fee_minor: Mapped[int] = _sum()
    tax_minor: Mapped[int] = _sum()


class ReportActivity(Summand, Base):
    """What happened in a month by channel: contacts, promises made and due, payments, what debtors said.

    `charged_in` is the currency of `cost_micro`, empty on all else. `payments` counts a payment once, with
    its first portfolio; `portfolio_payments` once for each portfolio that it paid."""

    __tablename__ = "report_activity"
    __table_args__ = (
        *_bag("report_activity", "month", "currency", "portfolio_id", "channel", "charged_in")[:2],
        Index("ix_report_activity_month", "tenant_id", "month"),
        {"info": TENANT},
    )

    channel: Mapped[str] = mapped_column(String(12))
    charged_in: Mapped[str] = mapped_column(String(3))
    month: Mapped[date]
    attempts: Mapped[int] = _sum()
    connects: Mapped[int] = _sum()
    answered: Mapped[int] = _sum()
    right_party: Mapped[int] = _sum()
    out_of_policy: Mapped[int] = _sum()
    delivered: Mapped[int] = _sum()
    opened: Mapped[int] = _sum()
    clicked: Mapped[int] = _sum()
    charged: Mapped[int] = _sum()
    cost_micro: Mapped[int] = _sum()
    promises: Mapped[int] = _sum()
    due: Mapped[int] = _sum()
    kept: Mapped[int] = _sum()
    partly: Mapped[int] = _sum()
    broken: Mapped[int] = _sum()
    promised_minor: Mapped[int] = _sum()
    counted_minor: Mapped[int] = _sum()
    payments: Mapped[int] = _sum()
    portfolio_payments: Mapped[int] = _sum()
    moved_minor: Mapped[int] = _sum()
    complaints: Mapped[int] = _sum()
    disputes: Mapped[int] = _sum()
    opt_outs: Mapped[int] = _sum()


class ReportSpans(Summand, Base):
    """Runs of months of accounts, by series: workable, attempted, reached (the right party), and what either
    of two makes. Where a run begins it adds an account, `at` that month and with the end of the account's run
    before it as `before`; where it ends it takes one away, `at` infinity and with its end as `before`. So the
    accounts with a run in a period are the sum of `at` before its end and `before` not after its start.
    `channel` empty: any; one of its own has no portfolio (0)."""

    __tablename__ = "report_spans"
    __table_args__ = _bag("report_spans", "currency", "portfolio_id", "channel", "series", "at", "before")

    channel: Mapped[str] = mapped_column(String(12))
    series: Mapped[str] = mapped_column(String(24))
    at: Mapped[date]
    before: Mapped[date]
    accounts: Mapped[int] = _sum()


class ReportFlows(TenantOwned, Base):
    """`ReportMoney` as reports show it: by portfolio, month and way, by placement month and month, or by
    batch; what a row is not about is null. A report counts the rows with `since` before the end of its
    period and `until` not before it: of a batch that is one, with all that moved so far.
    """

    __tablename__ = "report_flows"
    __table_args__ = (Index("ix_report_flows_until", "tenant_id", "until"), {"info": TENANT})

    currency: Mapped[str] = mapped_column(String(3))
    portfolio_id: Mapped[int | None]
    batch_id: Mapped[int | None]
    cohort: Mapped[date | None]
    month: Mapped[date | None]
    direct: Mapped[bool | None]
    since: Mapped[date]
    until: Mapped[date]
    received_minor: Mapped[int]
    reversed_minor: Mapped[int]
    fee_minor: Mapped[int]
    tax_minor: Mapped[int]


class ReportRuns(TenantOwned, Base):
    """`ReportSpans` added up over `at`: accounts whose run before ended at `before`, for reports whose period
    ends after `since` and not after `until`."""

    __tablename__ = "report_runs"
    __table_args__ = (Index("ix_report_runs_until", "tenant_id", "until", "since"), {"info": TENANT})

    currency: Mapped[str] = mapped_column(String(3))
    portfolio_id: Mapped[int]
    channel: Mapped[str] = mapped_column(String(12))
    series: Mapped[str] = mapped_column(String(24))
    before: Mapped[date]
    since: Mapped[date]
    until: Mapped[date]
    accounts: Mapped[int]


class ReportReach(Base):
    """The months of one account as `ReportSpans` counts them, so that they can be taken out again. `channel`
    empty: any."""

    __tablename__ = "report_reach"
    __table_args__ = ({"info": TENANT},)

    tenant_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(12), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    portfolio_id: Mapped[int]
    workable: Mapped[MultiRange[date]] = mapped_column(DATEMULTIRANGE)
    attempted: Mapped[MultiRange[date]] = mapped_column(DATEMULTIRANGE)
    reached: Mapped[MultiRange[date]] = mapped_column(DATEMULTIRANGE)


class ReportStale(TenantOwned, Base):
    """Accounts whose `ReportReach` has to be worked out again before it is read."""

    __tablename__ = "report_stale"
    __table_args__ = ({"info": TENANT},)

    account_id: Mapped[int]


class ReportAlarm(TenantOwned, Base):
    """A month whose report from the roll-ups was not that from the raw rows when the scheduled check looked,
    until a later one finds that it is."""

    __tablename__ = "report_alarms"
    __table_args__ = (
        Index("uq_report_alarms_open", "tenant_id", "problem", unique=True,
              postgresql_where=text("cleared_at IS NULL")),
        {"info": TENANT},
    )  # fmt: skip

    problem: Mapped[str]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
