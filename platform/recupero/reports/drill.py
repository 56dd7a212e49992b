"""The rows that a figure of the recovery report counted: as many as it says, or adding up to it.

What is counted is defined by the views of migration 0048; these statements say the same with the rows' ids,
and a test holds both against each other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part
from recupero.reports.periods import Period
from recupero.tenancy import queries as tenancy

_ATTEMPT = (
    "(c.direction = 'outbound' AND (c.state IN ('sent','delivered','answered','no_answer','unknown')"
    " OR (c.state = 'failed' AND c.disposition IN ('BNCE','DISC'))))"
)
_ANSWERED = (
    "'WRNG','TPNA','TPRF','HUNV','HUPV','CBRQ','PTPF','PTPP','PLAN','SETL','PAID','ALRD','NOIN','RTPY',"
    "'UTPY','HARD','DSPT','CMPL','CEAS','ATTY','DECD','INSO','FRDI','LANG'"
)
_REACHED = (
    "(c.right_party OR (c.state = 'answered' AND c.disposition IS DISTINCT FROM 'VMLM')"
    f" OR c.disposition IN ({_ANSWERED}))"
)
_OF = (
    "coalesce({0}.account_id, (SELECT min(o.id) FROM accounts o"
    " WHERE o.tenant_id = :tenant AND o.debtor_id = {0}.debtor_id))"
)
_CONTACTS = f"""
SELECT a.id, a.client_account, a.currency, a.portfolio_id, c.at, c.channel,
       coalesce(c.disposition, c.state) AS what, NULL::bigint AS amount, c.id AS row
FROM contacts c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = {_OF.format("c")} AND NOT a.is_test
LEFT JOIN given_verdicts v ON v.tenant_id = c.tenant_id AND v.digest = c.verdict
WHERE c.tenant_id = :tenant AND c.at >= :start AND c.at < :end AND
"""  # noqa: S608 - the constants above
_MADE = """
SELECT a.id, a.client_account, a.currency, a.portfolio_id, p.made_at AS at,
       coalesce(p.channel, '') AS channel, p.state AS what, p.amount_minor AS amount, p.id AS row
FROM promises p JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id AND NOT a.is_test
WHERE p.tenant_id = :tenant AND
"""
_DUE = "p.due_date >= :first_day AND p.due_date < :end_day AND p.state = "
_PLACED = """
SELECT a.id, a.client_account, a.currency, a.portfolio_id,
       a.placed_on::timestamp AT TIME ZONE :zone AS at, '' AS channel, a.status AS what,
       a.placed_minor AS amount, a.id AS row
FROM accounts a WHERE a.tenant_id = :tenant AND NOT a.is_test AND a.placed_on < :end_day
"""
_CLOSED = "AND a.closed_at < :end AND "
_REACH = """
SELECT a.id, a.client_account, a.currency, a.portfolio_id,
       a.placed_on::timestamp AT TIME ZONE :zone AS at, '' AS channel, a.status AS what,
       a.balance_minor AS amount, a.id AS row
FROM report_reach r JOIN accounts a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
WHERE r.tenant_id = :tenant AND r.channel = ''
  AND r.workable && daterange(CAST(:first_day AS date), CAST(:end_day AS date))
"""
_IN_PERIOD = " && daterange(CAST(:first_day AS date), CAST(:end_day AS date))"
_MOVED = """
SELECT a.id, a.client_account, a.currency, a.portfolio_id, m.at, m.channel, m.kind AS what, m.{0} AS amount,
       m.id AS row
FROM (
    SELECT l.id, l.account_id, l.amount_minor, l.fee_minor, p.kind, coalesce(p.channel, '') AS channel,
           p.kind IN ('direct', 'connect') AS direct,
           CASE WHEN l.transaction_id = min(l.transaction_id) OVER payment
                THEN p.received_at ELSE l.at END AS at,
           sum(l.amount_minor) OVER step < 0 AS taken_back
    FROM allocations l JOIN payments p ON p.tenant_id = l.tenant_id AND p.id = l.payment_id
    WHERE l.tenant_id = :tenant
    WINDOW payment AS (PARTITION BY l.payment_id), step AS (PARTITION BY l.payment_id, l.transaction_id)
) m
JOIN accounts a ON a.tenant_id = :tenant AND a.id = m.account_id AND NOT a.is_test
WHERE m.at >= :start AND m.at < :end AND a.placed_on < :end_day
"""
_VOICES = f"""
SELECT a.id, a.client_account, a.currency, a.portfolio_id, h.started_at AS at, '-' AS channel, h.kind AS what,
       NULL::bigint AS amount, h.id AS row
FROM holds h JOIN accounts a ON a.tenant_id = h.tenant_id AND a.id = {_OF.format("h")} AND NOT a.is_test
WHERE h.tenant_id = :tenant AND h.started_at >= :start AND h.started_at < :end AND h.kind =
"""  # noqa: S608
_OPT_OUTS = """
SELECT a.id, a.client_account, a.currency, a.portfolio_id, h.at, '-' AS channel, h.kind AS what,
       NULL::bigint AS amount, h.id AS row
FROM permissions h JOIN accounts a ON a.tenant_id = h.tenant_id AND NOT a.is_test AND a.id = (
    SELECT min(o.id) FROM accounts o WHERE o.tenant_id = :tenant AND o.debtor_id = h.debtor_id)
WHERE h.tenant_id = :tenant AND h.at >= :start AND h.at < :end AND h.kind = 'opt_out'
  AND h.source ~ '^(page|agent|api|simulation|disposition)'
"""
# What the figure counts: rows, or for amounts rows whose amount adds up to it. Of rates it is the numerator.
_ROWS = {
    "attempts": _CONTACTS + _ATTEMPT,
    "intensity": _CONTACTS + _ATTEMPT,
    "connects": f"{_CONTACTS}(c.direction = 'inbound' OR {_REACHED})",
    "connect_rate": f"{_CONTACTS}{_ATTEMPT} AND ({_REACHED} OR c.disposition = 'RPLY')",
    "right_party": f"{_CONTACTS}c.right_party",
    "right_party_rate": f"{_CONTACTS}c.right_party",
    "out_of_policy": f"{_CONTACTS}{_ATTEMPT} AND v.said ->> 'allowed' = 'false'",
    "workable": _REACH,
    "penetration": f"{_REACH} AND r.attempted{_IN_PERIOD}",
    "contactability": f"{_REACH} AND r.reached{_IN_PERIOD}",
    "promises": f"{_MADE} p.made_at >= :start AND p.made_at < :end",
    "promise_rate": f"{_MADE} p.made_at >= :start AND p.made_at < :end",
    "kept_rate": f"{_MADE}{_DUE}'kept'",
    "partly_kept_rate": f"{_MADE}{_DUE}'partly_kept'",
    "broken_rate": f"{_MADE}{_DUE}'broken'",
    "placed_accounts": _PLACED,
    "placed": _PLACED,
    "placed_in_period": f"{_PLACED} AND a.placed_on >= :first_day",
    "pif_rate": f"{_PLACED}{_CLOSED}a.close_code = 'PIF'",
    "sif_rate": f"{_PLACED}{_CLOSED}a.close_code = 'SIF'",
    "collected": _MOVED.format("amount_minor"),
    "collected_agency": f"{_MOVED.format('amount_minor')} AND NOT m.direct",
    "collected_direct": f"{_MOVED.format('amount_minor')} AND m.direct",
    "reversed": f"{_MOVED.format('amount_minor')} AND m.taken_back",
    "fees": _MOVED.format("fee_minor"),
    "complaint_rate": f"{_VOICES} 'complaint'",
    "dispute_rate": f"{_VOICES} 'dispute'",
    "opt_out_rate": _OPT_OUTS,
}
METRICS = frozenset(_ROWS)
_ORDER = {"at": "at", "number": "client_account", "channel": "channel", "amount": "amount"}


@dataclass(frozen=True, slots=True)
class Counted:
    """One row that a figure counted."""

    account_id: int
    client_account: str
    currency: str
    at: datetime
    channel: str
    what: str
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class Of:
    """A figure: its metric's key and the part of the report that it stands in."""

    key: str
    currency: str
    period: Period
    portfolio_id: int | None = None
    channel: str | None = None


def total(session: Session, of: Of) -> tuple[int, int]:
    """How many rows the figure counted, and what their amounts add up to. Raises NotFound where a figure of
    this metric has no rows of its own."""
    summed = f"SELECT count(*), coalesce(sum(amount), 0)::bigint FROM ({_rows(of)}) x"  # noqa: S608
    count, amount = session.execute(text(summed), _values(session, of)).one()
    return int(count), int(amount)


def rows(session: Session, of: Of, part: Part) -> list[Counted]:
    """A part of them, the newest first unless it says otherwise. Raises NotFound as `total`."""
    by = _ORDER.get(part.sort, "at")
    down = "DESC" if part.descending or part.sort not in _ORDER else "ASC"
    found = session.execute(
        text(
            f"SELECT id, client_account, currency, at, channel, what, amount FROM ({_rows(of)}) x"  # noqa: S608
            f" ORDER BY {by} {down} NULLS LAST, row LIMIT :limit OFFSET :offset"
        ),
        {**_values(session, of), "limit": part.limit, "offset": part.offset},
    )
    return [Counted(*row) for row in found]


def _rows(of: Of) -> str:
    if of.key not in _ROWS:
        raise NotFound("no such figure")
    return (
        f"SELECT * FROM ({_ROWS[of.key]}) x WHERE currency = :currency"  # noqa: S608
        " AND (CAST(:portfolio AS bigint) IS NULL OR portfolio_id = :portfolio)"
        " AND (CAST(:channel AS text) IS NULL OR channel = :channel)"
    )


def _values(session: Session, of: Of) -> dict[str, Any]:
    zone = tenancy.tenant(session).timezone
    start, end = of.period.bounds(zone)
    return {
        "tenant": scope_of(session).tenant(), "zone": zone, "start": start, "end": end,
        "first_day": of.period.first, "end_day": of.period.end, "currency": of.currency,
        "portfolio": of.portfolio_id, "channel": of.channel,
    }  # fmt: skip
