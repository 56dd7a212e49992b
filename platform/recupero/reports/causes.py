"""Why accounts are not paid, as debtors said and people found it (domain page, 4.2), and who can act on it.

An account counts once in a period, with the last reason told of it. What says one: a call's script, a person
who took the debtor over, the debtor's own page, an invoice that was asked for, the code of a contact, and a
message as it was read or corrected. Who says that it is paid already gives no reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, BindParameter, DateTime, String, Subquery, bindparam, func, select, text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part, arranged
from recupero.kernel.marking import N_
from recupero.placements.tables import Account, Portfolio
from recupero.reports.figures import Figure, Metric, Unit
from recupero.reports.periods import Period
from recupero.tenancy import queries as tenancy

#: Who can do something about a reason.
ACTS: Mapping[str, str] = MappingProxyType({
    "NO_INVOICE": "creditor", "SERVICE_COMPLAINT": "creditor", "PRICE_OR_BILLING_ERROR": "creditor",
    "DISPUTE": "creditor", "PAYMENT_MEANS": "agency", "FORGOT": "agency", "CASH_SHORT": "debtor",
    "JOB_LOSS": "debtor", "ILLNESS": "debtor", "OVERINDEBTED": "debtor", "WAITING_INCOME": "debtor",
    "UNWILLING": "debtor", "DECEASED": "debtor", "OTHER": "agency",
})  # fmt: skip
CAUSE_SHARE = Metric(
    "cause_share", N_("Share of the reasons told"),
    N_("Accounts of which this was the last reason told in the period, over all accounts of which one was."),
    N_("accounts with this reason"), N_("accounts with a reason"), "4.2", Unit.PERCENT,
)  # fmt: skip

# One statement for all that says a reason; the surer one wins where two were told in the same moment.
_TOLD = """
WITH told AS (
    SELECT r.account_id, coalesce(r.ended_at, r.started_at) AS at, r.reason, 'call' AS how, 2 AS rank
    FROM call_runs r WHERE r.tenant_id = :tenant AND r.reason IS NOT NULL
    UNION ALL
    SELECT t.account_id, t.told_at, t.reason, 'page', 2
    FROM tellings t
    WHERE t.tenant_id = :tenant AND t.told_at >= :start AND t.told_at < :end
      AND t.detail IS DISTINCT FROM 'already_paid'
    UNION ALL
    SELECT h.account_id, h.closed_at, h.cause, 'person', 1
    FROM hand_overs h WHERE h.tenant_id = :tenant AND h.cause IS NOT NULL
    UNION ALL
    SELECT h.account_id, h.started_at,
           CASE h.source WHEN 'page:wrong_amount' THEN 'PRICE_OR_BILLING_ERROR' ELSE 'DISPUTE' END, 'page', 3
    FROM holds h
    WHERE h.tenant_id = :tenant AND h.kind = 'dispute' AND h.source LIKE 'page:%'
      AND h.source <> 'page:already_paid' AND h.account_id IS NOT NULL
    UNION ALL
    SELECT i.account_id, i.asked_at, 'NO_INVOICE', 'page', 3
    FROM invoice_requests i WHERE i.tenant_id = :tenant
    UNION ALL
    SELECT c.account_id, c.at,
           CASE c.disposition WHEN 'NOIN' THEN 'NO_INVOICE' WHEN 'RTPY' THEN 'UNWILLING'
                WHEN 'UTPY' THEN 'CASH_SHORT' WHEN 'DECD' THEN 'DECEASED' ELSE 'DISPUTE' END, 'contact', 4
    FROM contacts c
    WHERE c.tenant_id = :tenant AND c.at >= :start AND c.at < :end AND c.account_id IS NOT NULL
      AND c.disposition IN ('NOIN', 'RTPY', 'UTPY', 'DECD', 'DSPT', 'FRDI')
    UNION ALL
    SELECT c.account_id, c.at, m.reason, 'message', 5
    FROM message_readings r
    JOIN contacts c ON c.tenant_id = r.tenant_id AND c.id = r.contact_id AND c.account_id IS NOT NULL
    JOIN (VALUES ('no_invoice', 'NO_INVOICE'), ('disputes', 'DISPUTE'), ('cannot_pay', 'CASH_SHORT'),
                 ('complaint', 'SERVICE_COMPLAINT'), ('refuses', 'UNWILLING')) AS m (intent, reason)
      ON m.intent = CASE WHEN r.corrected IS NOT NULL THEN r.corrected[1]
                         WHEN (r.guesses -> 0 ->> 1)::float >= 0.5 THEN r.guesses -> 0 ->> 0 END
    WHERE r.tenant_id = :tenant AND c.at >= :start AND c.at < :end AND c.direction = 'inbound'
)
"""
_LAST = f"""{_TOLD}
SELECT DISTINCT ON (t.account_id) t.account_id, t.at, t.reason, t.how
FROM told t WHERE t.at >= :start AND t.at < :end
ORDER BY t.account_id, t.at DESC, t.rank
"""  # noqa: S608 - the constant above
_BY_MONTH = f"""{_TOLD}, monthly AS (
    SELECT DISTINCT ON (t.account_id, date_trunc('month', t.at AT TIME ZONE CAST(:zone AS text)))
           date_trunc('month', t.at AT TIME ZONE CAST(:zone AS text))::date AS month, t.reason
    FROM told t
    JOIN accounts a ON a.tenant_id = :tenant AND a.id = t.account_id AND NOT a.is_test
    WHERE t.at >= :start AND t.at < :end
    ORDER BY t.account_id, date_trunc('month', t.at AT TIME ZONE CAST(:zone AS text)), t.at DESC, t.rank
)
SELECT month, reason, count(*) FROM monthly GROUP BY 1, 2
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason with its share, and who can act on it."""

    reason: str
    acts: str
    share: Figure


@dataclass(frozen=True, slots=True)
class Example:
    """An account of which a reason was told: by which way, and when."""

    account_id: int
    client_account: str
    portfolio: str
    reason: str
    how: str
    at: datetime
    currency: str
    balance_minor: int
    status: str


def shares(session: Session, period: Period, portfolio_id: int | None = None) -> list[Cause]:
    """The reasons told in the period of accounts of the one tenant in scope, the most frequent first."""
    last = _last(session, period)
    tenant = scope_of(session).tenant()
    mine = (Account.tenant_id == tenant) & (Account.id == last.c.account_id)
    query = select(last.c.reason, func.count()).join(Account, mine).where(Account.is_test.is_(False))
    query = query.group_by(last.c.reason)
    if portfolio_id is not None:
        query = query.where(Account.portfolio_id == portfolio_id)
    rows = session.execute(query.order_by(func.count().desc(), last.c.reason)).all()
    total = sum(row[1] for row in rows)
    return [
        Cause(reason, ACTS.get(reason, "agency"), Figure(CAUSE_SHARE, count, total)) for reason, count in rows
    ]


def by_month(session: Session, period: Period) -> dict[tuple[date, str], int]:
    """Accounts by month and reason."""
    zone = tenancy.tenant(session).timezone
    rows = session.execute(text(_BY_MONTH), {**_values(session, period), "zone": zone})
    return {(month, reason): count for month, reason, count in rows}


def examples(
    session: Session,
    period: Period,
    part: Part,
    *,
    reason: str | None = None,
    portfolio_id: int | None = None,
) -> list[Example]:
    """The accounts behind the shares, the latest told first unless the part says otherwise."""
    last, tenant = _last(session, period), scope_of(session).tenant()
    query = (
        select(
            Account.id, Account.client_account, Portfolio.name, last.c.reason, last.c.how, last.c.at,
            Account.currency, Account.balance_minor, Account.status,
        )
        .join(Account, (Account.tenant_id == tenant) & (Account.id == last.c.account_id))
        .join(Portfolio, (Portfolio.tenant_id == tenant) & (Portfolio.id == Account.portfolio_id))
        .where(Account.is_test.is_(False))
    )  # fmt: skip
    if reason is not None:
        query = query.where(last.c.reason == reason)
    if portfolio_id is not None:
        query = query.where(Account.portfolio_id == portfolio_id)
    by: Mapping[str, Any] = {
        "number": Account.client_account, "portfolio": Portfolio.name, "reason": last.c.reason,
        "at": last.c.at, "balance": Account.balance_minor, "status": Account.status,
    }  # fmt: skip
    rows = session.execute(arranged(query, by, part, last.c.at.desc(), Account.id.desc()))
    return [Example(*row) for row in rows]


def _last(session: Session, period: Period) -> Subquery:
    """The last reason told of each account in the period."""
    told = text(_LAST).columns(account_id=BigInteger, at=DateTime(timezone=True), reason=String, how=String)
    values = _values(session, period)
    given: list[BindParameter[Any]] = [bindparam(name, value) for name, value in values.items()]
    return told.bindparams(*given).subquery("last_told")


def _values(session: Session, period: Period) -> dict[str, Any]:
    start, end = period.bounds(tenancy.tenant(session).timezone)
    return {"tenant": scope_of(session).tenant(), "start": start, "end": end}
