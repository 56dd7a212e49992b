"""The features of accounts at a moment: one set-based statement computes the list (`feature_list`) for every
account of the tenants in scope at any moment `at`, from rows that carry the time at which each fact became
known; what happens later cannot change an earlier vector. What is counted of contacts is read beside it
(`contact_counts`).

This is the one place that reads other rooms' tables (by SQL, never by their classes): a vector over all rooms
has to be one statement, or planning a million accounts takes a query each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, narrowed, read
from recupero.decisions.history.contact_counts import of_contacts
from recupero.decisions.history.feature_list import FEATURES, NAMES
from recupero.decisions.history.known_results import KNOWN, RESULTS
from recupero.decisions.history.promise_money import BOOKED, GRACE_DAYS, counts, kept
from recupero.kernel.database import scope_of


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Vectors of the accounts of a scope at a moment; every array has one value per account."""

    at: datetime
    tenant_id: Ints
    account_id: Ints
    debtor_id: Ints
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.account_id)

    def take(self, chosen: "Ints | np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "FeatureTable":
        """The rows at these places, or where the mask holds."""
        values = {name: column[chosen] for name, column in self.values.items()}
        return FeatureTable(
            self.at, self.tenant_id[chosen], self.account_id[chosen], self.debtor_id[chosen], values
        )

    def matrix(self) -> Floats:
        """Rows by features, in the order of `NAMES`."""
        return (
            np.column_stack([self.values[name] for name in NAMES]) if len(self) else np.empty((0, len(NAMES)))
        )


_BAD = "('BNCE', 'DISC', 'WRNG')"  # dispositions that mark a point as bad: domain page, 4.1

_FROM = f"""
WITH ended AS (
    -- Who had paid was closed then, though money was taken back since and the account opened again.
    SELECT DISTINCT tenant_id, account_id FROM earlier_closings
    WHERE closed_at <= %(at)s::timestamptz AND until > %(at)s::timestamptz
), every AS (
    SELECT a.tenant_id, a.id, a.portfolio_id, a.debtor_id, a.currency, a.open_date, a.delinquency_date,
        a.due_date, a.limitation_date, a.placement_number, a.placed_on, a.placed_minor, a.principal_minor,
        (a.closed_at IS NULL OR a.closed_at > %(at)s::timestamptz) AND z.account_id IS NULL AS is_open,
        %(at)s::timestamptz AS at, (%(at)s::timestamptz AT TIME ZONE t.timezone)::date AS today
    FROM accounts a
    JOIN tenants t ON t.id = a.tenant_id
    LEFT JOIN ended z ON z.tenant_id = a.tenant_id AND z.account_id = a.id
    LEFT JOIN import_batches b ON b.tenant_id = a.tenant_id AND b.id = a.batch_id
    WHERE coalesce(b.started_at, a.placed_on::timestamptz) <= %(at)s::timestamptz /*only a.debtor_id*/
), x AS (
    SELECT tenant_id, account_id, sum(amount_minor)::bigint AS paid, max(at) AS newest,
        count(DISTINCT payment_id) FILTER (WHERE amount_minor > 0)
            - count(DISTINCT payment_id) FILTER (WHERE amount_minor < 0) AS payments
    FROM allocations WHERE at <= %(at)s::timestamptz AND account_id IS NOT NULL /*of account_id*/
    GROUP BY tenant_id, account_id
), a AS (
    SELECT e.*, e.placed_minor - coalesce(x.paid, 0) AS balance, coalesce(x.paid, 0) AS paid, x.newest,
        coalesce(x.payments, 0) AS payments
    FROM every e LEFT JOIN x ON x.tenant_id = e.tenant_id AND x.account_id = e.id
), q AS (
    SELECT tenant_id, debtor_id, currency,
        (sum(greatest(balance, 0)) FILTER (WHERE is_open))::bigint AS balance,
        sum(placed_minor)::bigint AS placed, sum(paid)::bigint AS paid, sum(payments)::bigint AS payments,
        max(newest) AS newest,
        min(delinquency_date) FILTER (WHERE is_open) AS delinquent
    FROM a GROUP BY tenant_id, debtor_id, currency
), bad AS (
    SELECT DISTINCT tenant_id, contact_point_id FROM {RESULTS} r
    WHERE disposition IN {_BAD} AND {KNOWN} AND contact_point_id IS NOT NULL
      /*with debtor_id*/
), k AS (
    SELECT k.tenant_id, k.debtor_id,
        count(*) FILTER (WHERE kind = 'phone' AND bad.contact_point_id IS NULL) AS phones,
        count(*) FILTER (WHERE kind = 'email' AND bad.contact_point_id IS NULL) AS emails,
        max((kind = 'address')::int) AS addresses, count(bad.contact_point_id) AS bad
    FROM contact_points k
    LEFT JOIN bad ON bad.tenant_id = k.tenant_id AND bad.contact_point_id = k.id
    WHERE k.created_at <= %(at)s::timestamptz /*only k.debtor_id*/
    GROUP BY k.tenant_id, k.debtor_id
), c AS (
    SELECT tenant_id, debtor_id, count(*) FILTER (WHERE kind = 'consent') AS consents,
        count(*) FILTER (WHERE kind = 'opt_out') AS opt_outs
    FROM (
        SELECT DISTINCT ON (tenant_id, debtor_id, channel) tenant_id, debtor_id, channel, kind
        FROM permissions WHERE coalesce(filed_at, at) <= %(at)s::timestamptz AND at <= %(at)s::timestamptz
            /*only debtor_id*/
        ORDER BY tenant_id, debtor_id, channel, at DESC, id DESC
    ) newest GROUP BY tenant_id, debtor_id
), l AS (
    SELECT tenant_id, debtor_id, max(first_opened_at) AS opened FROM payment_links
    WHERE first_opened_at <= %(at)s::timestamptz /*only debtor_id*/ GROUP BY tenant_id, debtor_id
), promised AS (
    SELECT p.*, t.timezone,
        p.due_date + {GRACE_DAYS} < (%(at)s::timestamptz AT TIME ZONE t.timezone)::date AS over,
        CASE WHEN p.settled_at <= %(at)s::timestamptz THEN p.state END AS told
    FROM promises p JOIN tenants t ON t.id = p.tenant_id
    WHERE p.made_at <= %(at)s::timestamptz /*only p.debtor_id*/
), judged AS (
    -- What is settled since is judged by the money that was known then: its state may have changed since.
    SELECT v.tenant_id, v.account_id, v.debtor_id, v.made_at, v.told, v.over, v.amount_minor,
        coalesce(sum(a.amount_minor), 0) AS paid
    FROM promised v
    LEFT JOIN {BOOKED} ON v.told IS NULL AND a.tenant_id = v.tenant_id AND a.account_id = v.account_id
     AND {counts(moment="%(at)s::timestamptz", promise="v", due="due_date", made="made_at")}
    GROUP BY v.tenant_id, v.id, v.account_id, v.debtor_id, v.made_at, v.told, v.over, v.amount_minor
), verdict AS (
    SELECT tenant_id, account_id, debtor_id, made_at, coalesce(told, CASE
        WHEN {kept("paid", "amount_minor")} THEN 'kept' WHEN NOT over THEN 'open'
        WHEN paid > 0 THEN 'partly_kept' ELSE 'broken' END) AS state
    FROM judged
), m AS (
    SELECT tenant_id, account_id, count(*) AS made, max(made_at) AS newest,
        count(*) FILTER (WHERE state IN ('kept', 'partly_kept')) AS kept,
        count(*) FILTER (WHERE state = 'broken') AS broken, max((state = 'open')::int) AS running
    FROM verdict GROUP BY tenant_id, account_id
), n AS (
    SELECT tenant_id, debtor_id, count(*) FILTER (WHERE state IN ('kept', 'partly_kept')) AS kept,
        count(*) FILTER (WHERE state = 'broken') AS broken
    FROM verdict GROUP BY tenant_id, debtor_id
)
"""  # noqa: S608 - constants of ours
_JOINS = """
FROM a
JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
JOIN q ON q.tenant_id = a.tenant_id AND q.debtor_id = a.debtor_id AND q.currency = a.currency
LEFT JOIN k ON k.tenant_id = a.tenant_id AND k.debtor_id = a.debtor_id
LEFT JOIN c ON c.tenant_id = a.tenant_id AND c.debtor_id = a.debtor_id
LEFT JOIN l ON l.tenant_id = a.tenant_id AND l.debtor_id = a.debtor_id
LEFT JOIN m ON m.tenant_id = a.tenant_id AND m.account_id = a.id
LEFT JOIN n ON n.tenant_id = a.tenant_id AND n.debtor_id = a.debtor_id
WHERE a.is_open
"""


def _statement() -> str:
    values = ",\n    ".join(
        f"coalesce(({spec.sql})::float8, 'NaN') AS {spec.name}" for spec in FEATURES if spec.sql
    )
    keys = "a.tenant_id, a.id AS account_id, a.debtor_id, a.portfolio_id, d.person_id, a.balance"
    return f"{_FROM}\nSELECT {keys},\n    {values}\n{_JOINS}"


_STATEMENT = _statement()
_KEYS = ("tenant_id", "account_id", "debtor_id", "portfolio_id", "person_id", "balance")
_READ = tuple(spec.name for spec in FEATURES if spec.sql)


def read_features(session: Session, at: datetime, debtors: Sequence[int] | None = None) -> FeatureTable:
    """Vectors of every account that was open at `at`, of the tenants in the session's scope, or of these
    debtors of the one tenant in scope: their `balance_rank` is then among the balances of now."""
    statement = narrowed(_STATEMENT, debtors)
    keys, read_ones = read(session, statement, _KEYS, _READ, {"at": at, "debtors": debtors})
    # PostgreSQL would sort rows of six hundred bytes; here it is one column after the other.
    order = np.lexsort((keys["account_id"], keys["tenant_id"]))
    keys = {name: column[order] for name, column in keys.items()}
    for name in _READ:
        read_ones[name] = read_ones[name][order]
    whole = debtors is None
    read_ones["balance_rank"] = (
        percent_ranks(keys["portfolio_id"], keys["balance"]) if whole else _ranks(session, keys["account_id"])
    )
    read_ones["other_accounts"] = others(keys["tenant_id"], keys["person_id"])
    read_ones |= of_contacts(session, at, keys["tenant_id"], keys["debtor_id"], debtors)
    values = {name: read_ones.pop(name) for name in NAMES}
    return FeatureTable(at, keys["tenant_id"], keys["account_id"], keys["debtor_id"], values)


def percent_ranks(group: Ints, value: Ints) -> Floats:
    """For each row the share of the other rows of its group with a smaller value; 0 where it is alone."""
    order = np.lexsort((value, group))
    group, value = group[order], value[order]
    place = np.arange(len(order))
    begins = np.diff(group, prepend=-1) != 0
    anew = begins | (np.diff(value, prepend=-1) != 0)
    starts = np.flatnonzero(begins)
    sizes = np.diff(starts, append=len(order))
    smaller = np.maximum.accumulate(np.where(anew, place, 0)) - np.repeat(starts, sizes)
    ranks = np.empty(len(order))
    ranks[order] = smaller / np.maximum(np.repeat(sizes, sizes) - 1, 1)
    return ranks


def others(tenant: Ints, person: Ints) -> Floats:
    """For each row the number of other rows of the same person and tenant."""
    order = np.lexsort((person, tenant))
    begins = (np.diff(tenant[order], prepend=-1) != 0) | (np.diff(person[order], prepend=-1) != 0)
    sizes = np.diff(np.flatnonzero(begins), append=len(order))
    counts = np.empty(len(order))
    counts[order] = np.repeat(sizes, sizes) - 1
    return counts


_RANK = """
SELECT a.id, (SELECT (count(*) FILTER (WHERE o.balance_minor < a.balance_minor))::float8
        / greatest(count(*) - 1, 1)
    FROM accounts o WHERE o.tenant_id = a.tenant_id AND o.portfolio_id = a.portfolio_id
      AND o.closed_at IS NULL) AS rank
FROM accounts a WHERE a.tenant_id = :tenant AND a.id = ANY (CAST(:ids AS bigint[]))
"""


def _ranks(session: Session, accounts: Ints) -> Floats:
    """`balance_rank` of a few accounts, in their order."""
    asked = {"tenant": scope_of(session).tenant(), "ids": accounts.tolist()}
    found = {row.id: row.rank for row in session.execute(text(_RANK), asked)}
    return np.array([found[account] for account in accounts.tolist()], dtype=np.float64)


_OUTCOME = """
SELECT a.tenant_id, a.id AS account_id, coalesce(sum(x.amount_minor), 0)::bigint AS paid_minor
FROM accounts a
JOIN allocations x ON x.tenant_id = a.tenant_id AND x.account_id = a.id
    AND x.at > %(at)s::timestamptz AND x.at <= %(until)s::timestamptz
GROUP BY a.tenant_id, a.id
HAVING sum(x.amount_minor) > 0
ORDER BY a.tenant_id, a.id
"""


def read_payers(session: Session, at: datetime, until: datetime) -> Ints:
    """Ids of the accounts to which more was paid than taken back after `at` and up to `until`."""
    keys, _none = read(
        session, _OUTCOME, ("tenant_id", "account_id", "paid_minor"), (), {"at": at, "until": until}
    )
    return keys["account_id"]
