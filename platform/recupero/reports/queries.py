"""What reports read. Reports look across all rooms, so this is the one file that reads the rooms' tables
directly: set-based, read only, a fixed number of statements however many rows there are.

Each statement gives small groups of sums and counts; `service` adds them up. Moments become months in the
tenant's zone. A contact or refusal that names no account counts for its debtor's oldest one.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.reports.periods import Period

INVALID_WITHIN_DAYS = 30  # a recall so soon counts as an invalid placement (net liquidation)

# Codes of the domain page 4.1 in which a person was reached, whoever it was.
_ANSWERED = (
    "'WRNG','TPNA','TPRF','HUNV','HUPV','CBRQ','PTPF','PTPP','PLAN','SETL','PAID','ALRD','NOIN','RTPY',"
    "'UTPY','HARD','DSPT','CMPL','CEAS','ATTY','DECD','INSO','FRDI','LANG'"
)
# A failed contact was an attempt only where something went out and came back.
_ATTEMPT = (
    "(c.direction = 'outbound' AND (c.state IN ('sent','delivered','answered','no_answer','unknown')"
    " OR (c.state = 'failed' AND c.disposition IN ('BNCE','DISC'))))"
)
# A voicemail is no person; a link that the verified debtor followed is one. A written reply is an inbound
# contact of its own, so the message that it answers is not counted again as a contact, only as answered.
_REACHED = (
    "(c.right_party OR (c.state = 'answered' AND c.disposition IS DISTINCT FROM 'VMLM')"
    f" OR c.disposition IN ({_ANSWERED}))"
)
# What came in without a channel of its own goes to the last contact made for the account in the month before.
_LAST_CHANNEL = (
    "(SELECT c.channel FROM contacts c WHERE c.tenant_id = :tenant AND c.account_id = {0} AND c.at <= {1}"
    " AND c.at > {1} - interval '30 days' AND c.direction = 'outbound'"
    " AND c.state NOT IN ('reserved', 'failed') ORDER BY c.at DESC LIMIT 1)"
)
_OF_ACCOUNT = (
    "coalesce({0}.account_id, (SELECT min(o.id) FROM accounts o"
    " WHERE o.tenant_id = :tenant AND o.debtor_id = {0}.debtor_id))"
)


class Placed(NamedTuple):
    """Accounts of one batch and placement month."""

    currency: str
    portfolio_id: int
    batch_id: int
    cohort: date
    accounts: int
    placed_minor: int
    invalid_minor: int
    pif: int
    sif: int


class Flow(NamedTuple):
    """Money of one month on the accounts of one batch and placement month. `reversed_minor` is 0 or below,
    `fee_minor` the commission on both, `tax_minor` the tax on it."""

    currency: str
    portfolio_id: int
    batch_id: int
    cohort: date
    month: date
    direct: bool
    channel: str
    received_minor: int
    reversed_minor: int
    fee_minor: int
    tax_minor: int


class Group(NamedTuple):
    """What a row of counts is about: a whole currency, one portfolio of it, or one channel of it."""

    currency: str
    portfolio_id: int | None
    channel: str | None


class Activity(NamedTuple):
    """Contacts within the period."""

    group: Group
    attempts: int
    attempted: int
    workable_attempted: int
    connects: int
    attempts_answered: int
    right_party: int
    workable_reached: int
    out_of_policy: int


class Promised(NamedTuple):
    """Promises made in the period, and those due in it that are settled."""

    group: Group
    made: int
    due: int
    kept: int
    partly: int
    broken: int
    promised_minor: int
    counted_minor: int


class Cost(NamedTuple):
    """What contacts of a channel on debts of a currency cost within the period, in millionths of the main
    unit of `charged_in`."""

    currency: str
    channel: str
    charged_in: str
    contacts: int
    micro: int


class Voices(NamedTuple):
    """What debtors said about how they are treated."""

    group: Group
    complaints: int
    disputes: int
    opt_outs: int


_PLACED = f"""
SELECT a.currency, a.portfolio_id, a.batch_id, date_trunc('month', a.placed_on)::date AS cohort,
       count(*), sum(a.placed_minor)::bigint,
       coalesce(sum(a.placed_minor) FILTER (WHERE a.closed_at < :end AND (
           a.close_code IN ('INVALID_DATA','DUPLICATE','NOT_ELIGIBLE','INSOLVENT','DECEASED')
           OR (a.close_code = 'RECALLED'
               AND (a.closed_at AT TIME ZONE CAST(:zone AS text))::date
                   <= a.placed_on + {INVALID_WITHIN_DAYS}))), 0)::bigint,
       count(*) FILTER (WHERE a.close_code = 'PIF' AND a.closed_at < :end),
       count(*) FILTER (WHERE a.close_code = 'SIF' AND a.closed_at < :end)
FROM accounts a
WHERE a.tenant_id = :tenant AND a.placed_on < :end_day
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - the constants above, nothing from outside

# The first move of a payment is dated when the money came, later ones when they happened. A move that takes
# more off than it puts on is a reversal; one between accounts, or out of suspense, is none. What lies in
# suspense is no recovery of any account.
_FLOWS = f"""
WITH moved AS (
    SELECT l.account_id, l.amount_minor, l.fee_minor, l.tax_minor,
           p.kind IN ('direct', 'connect') AS direct,
           coalesce(p.channel, {_LAST_CHANNEL.format("l.account_id", "p.received_at")}, '') AS channel,
           CASE WHEN l.transaction_id = min(l.transaction_id) OVER payment
                THEN p.received_at ELSE l.at END AS at,
           sum(l.amount_minor) OVER step < 0 AS taken_back
    FROM allocations l
    JOIN payments p ON p.tenant_id = l.tenant_id AND p.id = l.payment_id
    WHERE l.tenant_id = :tenant
    WINDOW payment AS (PARTITION BY l.payment_id), step AS (PARTITION BY l.payment_id, l.transaction_id)
)
SELECT a.currency, a.portfolio_id, a.batch_id, date_trunc('month', a.placed_on)::date,
       date_trunc('month', m.at AT TIME ZONE CAST(:zone AS text))::date, m.direct, m.channel,
       coalesce(sum(m.amount_minor) FILTER (WHERE NOT m.taken_back), 0)::bigint,
       coalesce(sum(m.amount_minor) FILTER (WHERE m.taken_back), 0)::bigint,
       sum(m.fee_minor)::bigint, sum(m.tax_minor)::bigint
FROM moved m
JOIN accounts a ON a.tenant_id = :tenant AND a.id = m.account_id
WHERE m.at < :end AND a.placed_on < :end_day
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608

# MATERIALIZED, so that a planner without statistics does not work the holds out again for every contact.
_WORKABLE = """
WITH alive AS MATERIALIZED (
    SELECT a.id, a.currency, a.portfolio_id, a.debtor_id,
           greatest(CAST(:start AS timestamptz),
                    a.placed_on::timestamp AT TIME ZONE CAST(:zone AS text)) AS opens,
           least(CAST(:end AS timestamptz), coalesce(a.closed_at, 'infinity')) AS closes
    FROM accounts a
    WHERE a.tenant_id = :tenant AND a.placed_on < :end_day
      AND a.status NOT IN ('received', 'validated', 'acknowledged', 'scrubbed', 'notice')
), held AS MATERIALIZED (
    SELECT v.id, range_agg(tstzrange(h.started_at, greatest(h.started_at,
               least(coalesce(h.ended_at, 'infinity'), coalesce(h.until, 'infinity'))))) AS spans
    FROM alive v
    JOIN holds h ON h.tenant_id = :tenant AND h.debtor_id = v.debtor_id
                AND (h.account_id IS NULL OR h.account_id = v.id)
    GROUP BY v.id
), workable AS MATERIALIZED (
    SELECT v.id, v.currency, v.portfolio_id
    FROM alive v
    LEFT JOIN held h ON h.id = v.id
    WHERE v.opens < v.closes
      AND NOT isempty(tstzmultirange(tstzrange(v.opens, v.closes)) - coalesce(h.spans, '{}'::tstzmultirange))
)
"""

_WORKABLE_COUNT = f"""{_WORKABLE}
SELECT currency, portfolio_id, NULL::text, count(*)
FROM workable GROUP BY GROUPING SETS ((currency), (currency, portfolio_id))
"""  # noqa: S608

_ACTIVITY = f"""{_WORKABLE}, told AS MATERIALIZED (
    SELECT {_OF_ACCOUNT.format("c")} AS account_id, c.channel, {_ATTEMPT} AS attempt,
           (c.direction = 'inbound' OR {_REACHED}) AS connect,
           c.right_party, (v.said ->> 'allowed') = 'false' AS illegal,
           {_ATTEMPT} AND ({_REACHED} OR c.disposition = 'RPLY') AS answered
    FROM contacts c
    LEFT JOIN given_verdicts v ON v.tenant_id = c.tenant_id AND v.digest = c.verdict
    WHERE c.tenant_id = :tenant AND c.at >= :start AND c.at < :end
)
SELECT a.currency, a.portfolio_id, t.channel,
       count(*) FILTER (WHERE t.attempt),
       count(DISTINCT t.account_id) FILTER (WHERE t.attempt),
       count(DISTINCT w.id) FILTER (WHERE t.attempt),
       count(*) FILTER (WHERE t.connect),
       count(*) FILTER (WHERE t.answered),
       count(*) FILTER (WHERE t.right_party),
       count(DISTINCT w.id) FILTER (WHERE t.right_party),
       count(*) FILTER (WHERE t.attempt AND t.illegal)
FROM told t
JOIN accounts a ON a.tenant_id = :tenant AND a.id = t.account_id
LEFT JOIN workable w ON w.id = t.account_id
GROUP BY GROUPING SETS ((a.currency), (a.currency, a.portfolio_id), (a.currency, t.channel))
"""  # noqa: S608

_PROMISES = f"""
WITH told AS (
    SELECT a.currency, a.portfolio_id, p.amount_minor, p.state,
           coalesce(k.channel, {_LAST_CHANNEL.format("p.account_id", "p.made_at")}, '') AS channel,
           least(p.paid_minor, p.amount_minor) AS counted_minor,
           p.made_at >= :start AND p.made_at < :end AS made,
           p.due_date >= :first_day AND p.due_date < :end_day
               AND p.state IN ('kept', 'partly_kept', 'broken') AS due
    FROM promises p
    JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id
    LEFT JOIN contacts k ON k.tenant_id = p.tenant_id AND k.id = p.contact_id
    WHERE p.tenant_id = :tenant
)
SELECT currency, portfolio_id, channel,
       count(*) FILTER (WHERE made), count(*) FILTER (WHERE due),
       count(*) FILTER (WHERE due AND state = 'kept'),
       count(*) FILTER (WHERE due AND state = 'partly_kept'),
       count(*) FILTER (WHERE due AND state = 'broken'),
       coalesce(sum(amount_minor) FILTER (WHERE due), 0)::bigint,
       coalesce(sum(counted_minor) FILTER (WHERE due), 0)::bigint
FROM told WHERE made OR due
GROUP BY GROUPING SETS ((currency), (currency, portfolio_id), (currency, channel))
"""  # noqa: S608

_PAYMENT_COUNTS = f"""
WITH told AS (
    SELECT DISTINCT p.id, a.currency, a.portfolio_id,
           coalesce(p.channel, {_LAST_CHANNEL.format("l.account_id", "p.received_at")}, '') AS channel
    FROM payments p
    JOIN allocations l ON l.tenant_id = p.tenant_id AND l.payment_id = p.id AND l.amount_minor > 0
    JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = l.account_id
    WHERE p.tenant_id = :tenant AND p.received_at >= :start AND p.received_at < :end
)
SELECT currency, portfolio_id, channel, count(DISTINCT id)
FROM told
GROUP BY GROUPING SETS ((currency), (currency, portfolio_id), (currency, channel))
"""  # noqa: S608

_COSTS = f"""
SELECT a.currency, c.channel, c.cost_currency, count(*), sum(c.cost_micro)::bigint
FROM contacts c
JOIN accounts a ON a.tenant_id = :tenant AND a.id = {_OF_ACCOUNT.format("c")}
WHERE c.tenant_id = :tenant AND c.at >= :start AND c.at < :end AND c.cost_micro IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
"""  # noqa: S608

_VOICES = f"""
WITH told AS (
    SELECT {_OF_ACCOUNT.format("h")} AS account_id, h.kind
    FROM holds h
    WHERE h.tenant_id = :tenant AND h.kind IN ('complaint', 'dispute')
      AND h.started_at >= :start AND h.started_at < :end
    UNION ALL
    SELECT (SELECT min(o.id) FROM accounts o WHERE o.tenant_id = :tenant AND o.debtor_id = r.debtor_id),
           r.kind
    FROM permissions r
    WHERE r.tenant_id = :tenant AND r.kind = 'opt_out'
      AND r.source ~ '^(page|agent|api|simulation|disposition)' -- not what a placement file said
      AND r.at >= :start AND r.at < :end
)
SELECT a.currency, a.portfolio_id, NULL::text,
       count(*) FILTER (WHERE t.kind = 'complaint'),
       count(*) FILTER (WHERE t.kind = 'dispute'),
       count(*) FILTER (WHERE t.kind = 'opt_out')
FROM told t
JOIN accounts a ON a.tenant_id = :tenant AND a.id = t.account_id
GROUP BY GROUPING SETS ((a.currency), (a.currency, a.portfolio_id))
"""  # noqa: S608

_NAMES = """
SELECT 'portfolio', id, name FROM portfolios WHERE tenant_id = :tenant
UNION ALL SELECT 'batch', id, file_name FROM import_batches WHERE tenant_id = :tenant
"""


class Reader:
    """Reads one tenant's figures of one period."""

    def __init__(self, session: Session, period: Period, zone: str) -> None:
        start, end = period.bounds(zone)
        self._session = session
        self._values: dict[str, Any] = {
            "tenant": scope_of(session).tenant(), "zone": zone, "start": start, "end": end,
            "first_day": period.first, "end_day": period.end,
        }  # fmt: skip

    def placed(self) -> list[Placed]:
        """Accounts placed up to the end of the period."""
        return [Placed(*row) for row in self._rows(_PLACED)]

    def flows(self) -> list[Flow]:
        """Money on those accounts up to the end of the period, by month."""
        return [Flow(*row) for row in self._rows(_FLOWS)]

    def activity(self) -> dict[Group, Activity]:
        """Contacts within the period."""
        return {Group(*row[:3]): Activity(Group(*row[:3]), *row[3:]) for row in self._rows(_ACTIVITY)}

    def workable(self) -> dict[Group, int]:
        """Workable accounts, by currency and by portfolio."""
        return {Group(*row[:3]): row[3] for row in self._rows(_WORKABLE_COUNT)}

    def promises(self) -> dict[Group, Promised]:
        """Promises made or due within the period."""
        return {Group(*row[:3]): Promised(Group(*row[:3]), *row[3:]) for row in self._rows(_PROMISES)}

    def payment_counts(self) -> dict[Group, int]:
        """Payments received within the period."""
        return {Group(*row[:3]): row[3] for row in self._rows(_PAYMENT_COUNTS)}

    def costs(self) -> list[Cost]:
        """What contacts within the period cost."""
        return [Cost(*row) for row in self._rows(_COSTS)]

    def voices(self) -> dict[Group, Voices]:
        """Complaints, disputes and opt-outs within the period, by currency and by portfolio."""
        return {Group(*row[:3]): Voices(Group(*row[:3]), *row[3:]) for row in self._rows(_VOICES)}

    def names(self) -> dict[tuple[str, int], str]:
        """Names of portfolios and of the files of batches, by kind and id."""
        return {(kind, identity): name for kind, identity, name in self._rows(_NAMES)}

    def _rows(self, sql: str) -> Sequence[Any]:
        return self._session.execute(text(sql), self._values).all()
