"""The rows that a figure of a report counted: as many as it says, or adding up to it (`drill_statements`)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part
from recupero.reports.drill_statements import STATEMENTS, Statement
from recupero.reports.periods import Period
from recupero.reports.queries import look_at_accounts
from recupero.tenancy import queries as tenancy

METRICS = frozenset(STATEMENTS)
_ORDER = {"at": "at", "number": "client_account", "channel": "channel", "amount": "amount"}
_COLUMNS = "id, client_account, currency, at, channel, part, what, amount"
_WITHIN = """
 WHERE (:whole OR currency = :currency)
 AND (CAST(:portfolio AS bigint) IS NULL OR portfolio_id = :portfolio)
 AND (CAST(:batch AS bigint) IS NULL OR batch_id = :batch)
 AND (CAST(:cohort AS date) IS NULL OR date_trunc('month', placed_on)::date = :cohort)
 AND (CAST(:channel AS text) IS NULL OR channel = :channel)
 AND (CAST(:part AS text) IS NULL OR part = :part
      OR (right(:part, 1) = '>' AND starts_with(part, :part)))
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """One row that a figure counted. `amount` is in minor units of `currency`, or what `Statement.amount`
    says; costs are in millionths of the currency that `part` names."""

    account_id: int
    client_account: str
    currency: str
    at: datetime
    channel: str
    part: str
    what: str
    amount: int | None


@dataclass(frozen=True, slots=True)
class Of:
    """A figure: its metric's key and the part of the report that it stands in; `cohort` is the first day of
    the month of placement. `part` of roll rates is `bucket>place`, or `bucket>` for all of a bucket."""

    key: str
    currency: str
    period: Period
    portfolio_id: int | None = None
    channel: str | None = None
    batch_id: int | None = None
    cohort: date | None = None
    part: str | None = None

    @property
    def statement(self) -> Statement:
        """Raises NotFound where a figure of this metric has no rows of its own."""
        if self.key not in STATEMENTS:
            raise NotFound("no such figure")
        return STATEMENTS[self.key]


def total(session: Session, of: Of) -> tuple[int, int]:
    """How many rows the figure counted, and what their amounts add up to. Raises NotFound where a figure of
    this metric has no rows of its own."""
    _look(session, of)
    summed = f"SELECT count(*), coalesce(sum(amount), 0)::bigint FROM ({_rows(of)}) x"  # noqa: S608
    count, amount = session.execute(text(summed), _values(session, of)).one()
    return int(count), int(amount)


def parts(session: Session, of: Of) -> list[tuple[str, int]]:
    """How many of the figure's rows each part has, the most first. Raises NotFound as `total`."""
    _look(session, of)
    counted = f"SELECT part, count(*) FROM ({_rows(of)}) x GROUP BY part ORDER BY 2 DESC, 1"  # noqa: S608
    return [(part, count) for part, count in session.execute(text(counted), _values(session, of))]


def rows_and_total(session: Session, of: Of, part: Part) -> tuple[list[Counted], tuple[int, int]]:
    """A part of them, the newest first unless it says otherwise, and their `total`, from one reading of what
    the figure counted. Raises NotFound as `total`."""
    _look(session, of)
    by = _ORDER.get(part.sort, "at")
    down = "DESC" if part.descending or part.sort not in _ORDER else "ASC"
    found = session.execute(
        text(
            f"SELECT {_COLUMNS}, count(*) OVER (), coalesce(sum(amount) OVER (), 0)::bigint"  # noqa: S608
            f" FROM ({_rows(of)}) x ORDER BY {by} {down} NULLS LAST, row, channel LIMIT :limit OFFSET :offset"
        ),
        {**_values(session, of), "limit": part.limit, "offset": part.offset},
    ).all()
    if not found and part.offset:  # beyond the last page
        return [], total(session, of)
    together = (int(found[0][-2]), int(found[0][-1])) if found else (0, 0)
    return [Counted(*row[:-2]) for row in found], together


def _look(session: Session, of: Of) -> None:
    """Look at the accounts that changed since the report did, where the figure rests on what they are."""
    if "report_reach" in of.statement.sql:
        look_at_accounts(session)


def _rows(of: Of) -> str:
    within = f"SELECT * FROM ({of.statement.sql}) x{_WITHIN}"  # noqa: S608 - our own statements
    if of.statement.once:
        return f"SELECT DISTINCT ON (row) * FROM ({within}) x ORDER BY row, id"  # noqa: S608
    return within


def _values(session: Session, of: Of) -> dict[str, Any]:
    zone, scope = tenancy.tenant(session).timezone, scope_of(session)
    start, end = of.period.bounds(zone)
    return {
        "tenant": scope.tenant(), "agency": scope.agency_id, "zone": zone, "start": start, "end": end,
        "now": clock.now(), "first_day": of.period.first, "end_day": of.period.end,
        "last_month": of.period.last, "currency": of.currency, "portfolio": of.portfolio_id,
        "channel": of.channel, "batch": of.batch_id, "cohort": of.cohort, "part": of.part,
        "whole": of.statement.whole,
    }  # fmt: skip
