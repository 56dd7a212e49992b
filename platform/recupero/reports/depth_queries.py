"""What the page in depth reads: raw rows of one period, each statement one figure or table of it."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.payments.books.dating import moved
from recupero.reports.periods import Period

DISPUTE_DAYS = 30  # after which a dispute is past its deadline
_SUCCESS = "('PIF','SIF','CURED','CORRECTED')"
_POINTS = (
    "(VALUES ('call', 'phone'), ('sms', 'phone'), ('whatsapp', 'phone'), ('email', 'email'),"
    " ('letter', 'address')) AS k(channel, kind)"
)
#: An outbound contact that went out, whatever came of it: a bounce and a dead number are attempts (domain
#: page, 4.1), what a provider refused to take is none.
ATTEMPT = (
    "(c.direction = 'outbound' AND (c.state IN ('sent','delivered','answered','no_answer','unknown')"
    " OR (c.state = 'failed' AND c.disposition IN ('BNCE','DISC'))))"
)

# Each workable account of the period's last month by each channel, and whether its debtor may be reached so
# at the end: by a contact point, and by what was said last about the channel, if anything was ever refused.
COVERED = f"""
WITH reachable AS (
    SELECT DISTINCT debtor_id, kind FROM contact_points
    WHERE tenant_id = :tenant AND status <> 'invalid' AND created_at < :end
), said AS (
    SELECT DISTINCT ON (r.debtor_id, k.channel) r.debtor_id, k.channel, r.kind
    FROM permissions r JOIN {_POINTS} ON r.channel IN (k.channel, 'all')
    WHERE r.tenant_id = :tenant AND r.at < :end AND r.debtor_id IN (
        SELECT debtor_id FROM permissions WHERE tenant_id = :tenant AND kind = 'opt_out')
    ORDER BY r.debtor_id, k.channel, r.at DESC, r.id DESC
), covered AS (
    SELECT a.id, r.currency, k.channel,
           p.kind IS NOT NULL AND s.kind IS DISTINCT FROM 'opt_out' AS usable
    FROM report_reach r
    JOIN accounts a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
    CROSS JOIN {_POINTS}
    LEFT JOIN reachable p ON p.debtor_id = a.debtor_id AND p.kind = k.kind
    LEFT JOIN said s ON s.debtor_id = a.debtor_id AND s.channel = k.channel
    WHERE r.tenant_id = :tenant AND r.channel = '' AND r.workable @> CAST(:last_month AS date)
)"""  # noqa: S608 - the constants above
COVERAGE = f"""{COVERED}
SELECT currency, channel, count(*) FILTER (WHERE usable), count(*) FROM covered
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608
PLANS = """
SELECT p.currency, count(*) FILTER (WHERE x.in_time), count(*),
       coalesce(sum(i.amount_minor) FILTER (WHERE x.in_time), 0)::bigint, sum(i.amount_minor)::bigint
FROM plan_instalments i
JOIN plans p ON p.tenant_id = i.tenant_id AND p.id = i.plan_id
JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_ids[1] AND NOT a.is_test
CROSS JOIN LATERAL (SELECT i.state = 'paid' AND i.paid_on <= i.due_date + p.grace_days::int AS in_time) x
WHERE i.tenant_id = :tenant AND i.due_date >= :first_day AND i.due_date < :end_day
  AND p.state IN ('running', 'kept', 'broken')
GROUP BY 1
"""
# What an account owed at a moment: what it owes now, less what the books did to it since. Only what was
# booked since is read, once for all accounts and both ends of the period.
_BOOKED = """booked AS (
    SELECT e.account_id, sum(e.amount_minor) AS since_start,
           sum(e.amount_minor) FILTER (WHERE x.occurred_at >= :end) AS since_end
    FROM ledger_transactions x
    JOIN ledger_entries e ON e.tenant_id = x.tenant_id AND e.transaction_id = x.id AND e.book = 'receivable'
    WHERE x.tenant_id = :tenant AND x.occurred_at >= :start
    GROUP BY 1
)"""
_OWED = "a.balance_minor - coalesce(b.since_{0}, 0)"
_BUCKET = (
    "CASE WHEN {0} <= 0 THEN 'current' WHEN {0} <= 30 THEN '1-30' WHEN {0} <= 60 THEN '31-60'"
    " WHEN {0} <= 90 THEN '61-90' WHEN {0} <= 120 THEN '91-120' WHEN {0} <= 180 THEN '121-180'"
    " WHEN {0} <= 360 THEN '181-360' ELSE '361+' END"
)
# What accounts owed at both ends of the period: those that were placed before it, and still open.
STANDING = f"""
WITH {_BOOKED}, standing AS (
    SELECT a.id, a.currency, a.due_date, {_OWED.format("start")} AS opening,
           {_OWED.format("end")} AS closing, a.closed_at < :end AS closed,
           a.close_code IN {_SUCCESS} AS success
    FROM accounts a LEFT JOIN booked b ON b.account_id = a.id
    WHERE a.tenant_id = :tenant AND NOT a.is_test AND a.placed_on < :first_day
      AND (a.closed_at IS NULL OR a.closed_at >= :start)
), rolled AS (
    SELECT s.id, s.currency, s.opening, {_BUCKET.format("(CAST(:first_day AS date) - s.due_date)")} AS was,
           CASE WHEN s.closed AND NOT s.success THEN 'written_off'
                WHEN s.closed OR s.closing <= 0 THEN 'paid'
                ELSE {_BUCKET.format("(CAST(:end_day AS date) - s.due_date)")} END AS is_now
    FROM standing s WHERE s.opening > 0
), moved AS (
    SELECT r.*, r.was <> 'current' AND r.is_now IN ('paid', 'current') AND EXISTS (
        SELECT FROM contacts c WHERE c.tenant_id = :tenant AND c.account_id = r.id
          AND c.at >= :start AND c.at < :end AND {ATTEMPT} OFFSET 0) AS attempted_cure
    FROM rolled r
)
"""  # noqa: S608
# Whether somebody tried is looked up only of accounts that it matters of: contacts of a month are many more.
ROLLS = f"""{STANDING}
SELECT currency, was, is_now, attempted_cure, count(*), sum(opening)::bigint FROM moved
GROUP BY 1, 2, 3, 4
"""  # noqa: S608
SETTLEMENTS = """
SELECT s.currency, sum(s.amount_minor)::bigint, sum(s.amount_minor + s.written_off_minor)::bigint
FROM settlements s
JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_ids[1] AND NOT a.is_test
WHERE s.tenant_id = :tenant AND s.state = 'settled' AND s.settled_at >= :start AND s.settled_at < :end
GROUP BY 1
"""
BLOCKED = """
SELECT a.currency, count(*) FILTER (WHERE e.state = 'blocked'), count(*) FILTER (WHERE e.state = 'scheduled')
FROM action_events e
JOIN actions x ON x.tenant_id = e.tenant_id AND x.id = e.action_id
JOIN accounts a ON a.tenant_id = x.tenant_id AND a.id = x.account_id AND NOT a.is_test
WHERE e.tenant_id = :tenant AND (e.state = 'blocked' OR e.state = 'scheduled' AND e.reason IS NOT NULL)
  AND e.at >= :start AND e.at < :end
GROUP BY 1
"""
DISPUTES = f"""
SELECT a.currency, count(*),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY x.days),
       percentile_disc(0.9) WITHIN GROUP (ORDER BY x.days),
       count(*) FILTER (WHERE x.days > {DISPUTE_DAYS})
FROM holds h
JOIN accounts a ON a.tenant_id = h.tenant_id AND NOT a.is_test AND a.id = coalesce(h.account_id,
    (SELECT min(o.id) FROM accounts o WHERE o.tenant_id = h.tenant_id AND o.debtor_id = h.debtor_id))
CROSS JOIN LATERAL (SELECT (h.ended_at AT TIME ZONE :zone)::date
                           - (h.started_at AT TIME ZONE :zone)::date AS days) x
WHERE h.tenant_id = :tenant AND h.kind = 'dispute' AND h.ended_at >= :start AND h.ended_at < :end
GROUP BY 1
"""  # noqa: S608
FIRSTS = f"""
WITH placed AS (
    SELECT a.id, a.currency, coalesce(b.finished_at, a.placed_on::timestamp AT TIME ZONE :zone) AS placed,
           (SELECT min(c.at) FROM contacts c
            WHERE c.tenant_id = :tenant AND c.account_id = a.id AND c.at < :now AND {ATTEMPT}) AS tried,
           (SELECT min(p.received_at) FROM allocations l
            JOIN payments p ON p.tenant_id = :tenant AND p.id = l.payment_id
            WHERE l.tenant_id = :tenant AND l.account_id = a.id AND l.amount_minor > 0
              AND p.received_at < :now) AS paid,
           least(coalesce(a.closed_at, :now), :now) AS seen
    FROM accounts a
    LEFT JOIN import_batches b ON b.tenant_id = a.tenant_id AND b.id = a.batch_id
    WHERE a.tenant_id = :tenant AND NOT a.is_test AND a.placed_on >= :first_day AND a.placed_on < :end_day
)"""  # noqa: S608
TO_ATTEMPT = f"""{FIRSTS}
SELECT currency, (extract(epoch FROM greatest(coalesce(tried, seen), placed) - placed) / 3600)::bigint,
       count(tried), count(*) FILTER (WHERE tried IS NULL)
FROM placed GROUP BY 1, 2
"""  # noqa: S608
TO_PAYMENT = f"""{FIRSTS}
SELECT currency, (extract(epoch FROM greatest(coalesce(paid, seen), tried) - tried) / 3600)::bigint,
       count(paid), count(*) FILTER (WHERE paid IS NULL)
FROM placed WHERE tried IS NOT NULL AND (paid IS NULL OR paid >= tried) GROUP BY 1, 2
"""  # noqa: S608
OWED_BY_FIRMS = f"""
WITH {_BOOKED}, owed AS (
    SELECT a.id, a.currency, a.placed_on, a.placed_minor, a.due_date,
           CASE WHEN a.placed_on < :first_day THEN {_OWED.format("start")} ELSE 0 END AS opening,
           CASE WHEN a.closed_at < :end THEN 0 ELSE {_OWED.format("end")} END AS closing
    FROM accounts a JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id AND d.kind = 'firm'
    LEFT JOIN booked b ON b.account_id = a.id
    WHERE a.tenant_id = :tenant AND NOT a.is_test AND a.placed_on < :end_day
      AND (a.closed_at IS NULL OR a.closed_at >= :start)
)"""  # noqa: S608
FIRMS = f"""{OWED_BY_FIRMS}
SELECT currency, sum(greatest(opening, 0))::bigint,
       coalesce(sum(placed_minor) FILTER (WHERE placed_on >= :first_day), 0)::bigint,
       sum(greatest(closing, 0))::bigint,
       coalesce(sum(greatest(closing, 0)) FILTER (WHERE due_date >= :end_day), 0)::bigint
FROM owed GROUP BY 1
"""  # noqa: S608
AGES = """
SELECT currency, sum(placed_on - delinquency_date)::bigint, count(*),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY placed_on - delinquency_date)
FROM accounts
WHERE tenant_id = :tenant AND NOT is_test AND placed_on >= :first_day AND placed_on < :end_day
GROUP BY 1
"""
DESK = """
SELECT coalesce(sum(extract(epoch FROM least(coalesce(s.closed_at, s.leased_until), :end)
                            - greatest(s.taken_at, :start))), 0)::bigint,
       count(DISTINCT s.user_id), count(DISTINCT s.account_id)
FROM desk_sittings s
JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND NOT a.is_test
WHERE s.agency_id = :agency AND s.tenant_id = :tenant AND s.taken_at < :end
  AND coalesce(s.closed_at, s.leased_until) >= :start
"""
BATCHES = """
SELECT currency, portfolio_id, batch_id, cohort, month, sum(received_minor + reversed_minor)::bigint
FROM report_money WHERE tenant_id = :tenant AND month < :end_day AND cohort < :end_day
GROUP BY 1, 2, 3, 4, 5
"""
PEOPLE = f"""
SELECT a.currency, d.person_id, coalesce(sum(x.paid), 0)::bigint, coalesce(sum(k.contacts), 0)::bigint
FROM accounts a
JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
LEFT JOIN (SELECT account_id, sum(amount_minor) AS paid FROM ({moved(":tenant", ":start", ":end")}) m
           WHERE at >= :start AND at < :end GROUP BY 1) x ON x.account_id = a.id
LEFT JOIN (SELECT c.account_id, count(*) AS contacts FROM contacts c
           WHERE c.tenant_id = :tenant AND c.at >= :start AND c.at < :end AND {ATTEMPT} GROUP BY 1) k
       ON k.account_id = a.id
WHERE a.tenant_id = :tenant AND NOT a.is_test AND a.placed_on < :end_day
GROUP BY 1, 2
"""  # noqa: S608


class Deep:
    """Runs these statements for one tenant and period."""

    def __init__(self, session: Session, period: Period, zone: str) -> None:
        scope = scope_of(session)
        start, end = period.bounds(zone)
        now = clock.now()
        self._session = session
        self._values: dict[str, Any] = {
            "tenant": scope.tenant(), "agency": scope.agency_id, "zone": zone, "start": start,
            "end": end, "now": now, "first_day": period.first, "end_day": period.end,
            "last_month": period.last,
        }  # fmt: skip

    def rows(self, statement: str) -> list[Any]:
        """The rows of one of the statements above."""
        return list(self._session.execute(text(statement), self._values).all())
