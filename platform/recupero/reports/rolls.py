"""Roll rates (domain page, 8.4): where what was owed in each bucket as a period began is at its end.

Days past due are counted from the account's due date. Balances are those of the ledger at the first moment of
the period. Accounts that were placed within it are left out, so that each row of the matrix comes to one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.reports.metrics import N_, Figure, Metric, Unit
from recupero.reports.periods import Period
from recupero.tenancy import queries as tenancy

BUCKETS = ("current", "1-30", "31-60", "61-90", "91-120", "121-180", "181-360", "361+")
#: Where accounts are that no longer are in a bucket.
ENDS = ("paid", "returned", "closed")
ROLL_RATE = Metric(
    "roll_rate", N_("Roll rate"),
    N_("What was owed in a bucket at the beginning of the period and is in another, or paid, at its end, over all that was owed in it at the beginning. New accounts are left out; the shares of a row add up to all of it."),  # noqa: E501
    N_("balance, or accounts, that moved there"), N_("balance, or accounts, in the bucket at the beginning"),
    "8.4", Unit.PERCENT,
)  # fmt: skip

_BUCKET = (
    "CASE WHEN {0} <= 0 THEN 'current' WHEN {0} <= 30 THEN '1-30' WHEN {0} <= 60 THEN '31-60'"
    " WHEN {0} <= 90 THEN '61-90' WHEN {0} <= 120 THEN '91-120' WHEN {0} <= 180 THEN '121-180'"
    " WHEN {0} <= 360 THEN '181-360' ELSE '361+' END"
)
_MOVED = f"""
WITH owed AS (
    SELECT e.account_id,
           sum(e.amount_minor) FILTER (WHERE t.occurred_at < :start) AS before,
           sum(e.amount_minor) AS after
    FROM ledger_entries e
    JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
    WHERE e.tenant_id = :tenant AND e.book = 'receivable' AND t.occurred_at < :end
    GROUP BY e.account_id
)
SELECT a.currency, {_BUCKET.format("CAST(:first_day AS date) - a.due_date")},
       CASE WHEN a.closed_at < :end AND a.close_code IN ('PIF','SIF','CURED','CORRECTED') THEN 'paid'
            WHEN a.closed_at < :end AND a.close_code IN ('RECALLED','SOLD') THEN 'returned'
            WHEN a.closed_at < :end THEN 'closed'
            WHEN o.after <= 0 THEN 'paid'
            ELSE {_BUCKET.format("CAST(:end_day AS date) - a.due_date")} END,
       count(*), sum(o.before)::bigint
FROM accounts a
JOIN owed o ON o.account_id = a.id
WHERE a.tenant_id = :tenant AND a.placed_on < :first_day AND o.before > 0
  AND (a.closed_at IS NULL OR a.closed_at >= :start)
GROUP BY 1, 2, 3
"""  # noqa: S608 - the constant above


@dataclass(frozen=True, slots=True)
class Row:
    """A bucket at the beginning: all that was in it, and the share of it that is in each place at the end, in
    the order of `places`."""

    bucket: str
    accounts: int
    balance_minor: int
    by_accounts: tuple[Figure, ...]
    by_balance: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rows of one currency; buckets in which nothing was owed have none."""

    currency: str
    places: tuple[str, ...]
    rows: tuple[Row, ...]


def roll_rates(session: Session, period: Period) -> list[Matrix]:
    """A matrix for each currency of the one tenant in scope."""
    start, end = period.bounds(tenancy.tenant(session).timezone)
    values = {
        "tenant": scope_of(session).tenant(), "start": start, "end": end, "first_day": period.first,
        "end_day": period.end,
    }  # fmt: skip
    found: dict[str, list[tuple[str, str, int, int]]] = {}
    for currency, bucket, place, accounts, balance in session.execute(text(_MOVED), values):
        found.setdefault(currency, []).append((bucket, place, accounts, balance))
    return [_matrix(currency, found[currency]) for currency in sorted(found)]


def _matrix(currency: str, moved: Sequence[tuple[str, str, int, int]]) -> Matrix:
    reached = {place for _bucket, place, _accounts, _balance in moved}
    places = tuple(place for place in (*BUCKETS, *ENDS) if place in reached)
    rows = [_row(bucket, places, [one for one in moved if one[0] == bucket]) for bucket in BUCKETS]
    return Matrix(currency, places, tuple(row for row in rows if row.accounts))


def _row(bucket: str, places: Sequence[str], moved: Sequence[tuple[str, str, int, int]]) -> Row:
    accounts, balance = sum(one[2] for one in moved), sum(one[3] for one in moved)
    here = {one[1]: one for one in moved}
    return Row(
        bucket, accounts, balance,
        tuple(Figure(ROLL_RATE, here[place][2] if place in here else 0, accounts) for place in places),
        tuple(Figure(ROLL_RATE, here[place][3] if place in here else 0, balance) for place in places),
    )  # fmt: skip
