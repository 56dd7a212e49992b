"""What came of decisions and contacts, by fixed windows, read set-based for all of them at once.

A window begins with the contact, or with the decision where none was made, and is open at its beginning and
closed at its end. What the person does with any of their debts to this creditor counts, in the account's
currency where it is money: they are written to as one person. A window that has not passed yet is NaN.

Windows of decisions overlap: who waits today is contacted tomorrow, and what the contact brings falls into
the window of the waiting, too. So there is beside them what came while a decision stood alone (`own_…`):
until the next contact that asks for something, at most 30 days.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, read
from recupero.outreach.actions.kinds import AGREED, ANSWERS, THANKS

#: Days after the contact by which each is known. Money of payments booked within 30 days is counted less what
#: was taken back within 60, the last window.
WINDOWS = {
    "reached": 7, "promise": 14, "paid": 30, "paid_minor": 30, "kept": 60, "complaint": 30, "opt_out": 30,
    "hardship": 30,
}  # fmt: skip
LAST = timedelta(days=max(WINDOWS.values()))
_MONEY = ("paid_minor", "fee_minor", "cost_minor", "net_minor")
_OWN = ("own_reached", "own_read", "own_harm", "own_paid")
NAMES = (
    *(name for name in WINDOWS if name != "paid_minor"), *_MONEY, "harm", "contacted", *_OWN, "own_days"
)  # fmt: skip
#: What a debtor who promised or agreed is told of it, and answers to them: none of it asks anew.
_SAYS_NOTHING_NEW = (*AGREED, *THANKS, *ANSWERS)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One value per decision or contact, in order of `id`.

    `reached` (answered, wrote, or proved who they are on the page), `promise` (or a plan agreed), `kept` (one
    made within 14 days, by day 60), `paid`, `complaint`, `opt_out`, `hardship` are 0 or 1, `harm` is
    complaint or opt-out. In minor units: `paid_minor`, less what was taken back; `fee_minor`, the commission
    on it; `cost_minor` of the contact; `net_minor`, what is left after both. `contacted` is 1 where a contact
    was made. `own_reached` and `own_read` (within 7 days), `own_paid`, `own_harm`: before the next contact
    that asks for something and within 30 days; `own_days` is how long that was. Who was reached has read;
    where nobody tells of the channel who reads, and without a contact, `own_read` is NaN.
    """

    id: Ints
    columns: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.id)


_CONTACTED = """
    SELECT DISTINCT ON (tenant_id, action_id) tenant_id, action_id, at, cost_minor, cost_currency,
        CASE WHEN right_party OR (state = 'answered' AND channel <> 'call') THEN state_at END AS heard_at,
        channel, read_at
    FROM contacts WHERE direction = 'outbound' AND action_id IS NOT NULL
    ORDER BY tenant_id, action_id, state = 'failed', at
"""
_OF_DECISIONS = f"""
    SELECT d.tenant_id, d.id, a.debtor_id, a.currency, coalesce(c.at, d.at) AS at, c.heard_at,
        c.channel, c.read_at,
        CASE WHEN c.at IS NULL THEN 0
            WHEN c.cost_minor > 0 AND coalesce(c.cost_currency, a.currency) = a.currency THEN c.cost_minor
            ELSE d.cost_minor END AS cost_minor, (c.at IS NOT NULL)::int AS contacted
    FROM decisions d JOIN accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id
    LEFT JOIN actions w ON w.tenant_id = d.tenant_id AND w.decision_id = d.id
    LEFT JOIN ({_CONTACTED}) c ON c.tenant_id = w.tenant_id AND c.action_id = w.id
    WHERE d.at > %(since)s::timestamptz AND d.at <= %(known)s::timestamptz
"""  # noqa: S608 - constants of ours
_OF_CONTACTS = """
    SELECT c.tenant_id, c.id, c.debtor_id, a.currency, c.at,
        CASE WHEN right_party OR (state = 'answered' AND channel <> 'call') THEN state_at END AS heard_at,
        c.channel, c.read_at,
        CASE WHEN coalesce(c.cost_currency, a.currency) = a.currency THEN c.cost_minor ELSE 0 END
            AS cost_minor, 1 AS contacted
    FROM contacts c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    WHERE c.direction = 'outbound' AND c.at > %(since)s::timestamptz AND c.at <= %(known)s::timestamptz
"""
# What people do, each with the moment it was known and, of a promise, the moment it was kept.
EVENTS = """
    SELECT tenant_id, debtor_id, 'reached' AS kind, at, NULL::timestamptz AS kept FROM contacts
        WHERE direction = 'inbound'
    UNION ALL SELECT tenant_id, debtor_id, 'reached', at, NULL FROM link_visits
    UNION ALL SELECT tenant_id, debtor_id, 'promise', made_at,
        CASE WHEN state IN ('kept', 'partly_kept') THEN settled_at END FROM promises
    UNION ALL SELECT p.tenant_id, p.debtor_id, 'promise', p.agreed_at,
        CASE WHEN p.state <> 'broken' THEN min(i.paid_on)::timestamptz END
        FROM plans p LEFT JOIN plan_instalments i ON i.tenant_id = p.tenant_id AND i.plan_id = p.id
        WHERE p.state NOT IN ('asked', 'refused') GROUP BY p.tenant_id, p.id
    UNION ALL SELECT tenant_id, debtor_id, 'complaint', started_at, NULL FROM holds WHERE kind = 'complaint'
    UNION ALL SELECT tenant_id, debtor_id, 'complaint', state_at, NULL FROM contacts
        WHERE disposition = 'CMPL'
    UNION ALL SELECT tenant_id, debtor_id, 'complaint', stated_at, NULL FROM stated_facts
        WHERE kind = 'event' AND name = 'complaint' AND ended_at IS NULL
    UNION ALL SELECT tenant_id, debtor_id, 'opt_out', at, NULL FROM permissions WHERE kind = 'opt_out'
    UNION ALL SELECT tenant_id, debtor_id, 'opt_out', started_at, NULL FROM holds WHERE kind = 'cease'
    UNION ALL SELECT tenant_id, debtor_id, 'hardship', started_at, NULL FROM holds WHERE kind = 'hardship'
    UNION ALL SELECT tenant_id, debtor_id, 'hardship', opened_at, NULL FROM hardship_cases
"""


def _within(kind: str, days: int, more: str = "") -> str:
    return (
        f"max((e.kind = '{kind}' AND e.at <= w.at + interval '{days} days'{more})::int)"
        f" AS {'kept' if more else kind}"
    )


_HAPPENED = ",\n        ".join([
    *(_within(name, WINDOWS[name]) for name in ("reached", "promise", "complaint", "opt_out", "hardship")),
    _within("promise", WINDOWS["promise"], f" AND e.kept <= w.at + interval '{WINDOWS['kept']} days'"),
    "max((e.kind = 'reached' AND e.at < w.until"
    f" AND e.at <= w.at + interval '{WINDOWS['reached']} days')::int) AS own_reached",
    "max((e.kind IN ('complaint', 'opt_out') AND e.at < w.until)::int) AS own_harm",
])  # fmt: skip
# Later by a microsecond at least: EXCLUDE GROUP says the same, but reads all of a debtor's rows for each.
_STATEMENT = """
WITH asked AS MATERIALIZED ({which}
), chased AS (
    SELECT c.tenant_id, c.debtor_id, c.at FROM contacts c
    LEFT JOIN actions x ON x.tenant_id = c.tenant_id AND x.id = c.action_id
    WHERE c.direction = 'outbound' AND c.state <> 'failed' AND c.at > %(since)s::timestamptz
      AND (x.id IS NULL OR x.template NOT IN ({quiet}))
), tellers AS (
    SELECT DISTINCT tenant_id, channel FROM contacts
    WHERE read_at <= %(known)s::timestamptz AND at > %(since)s::timestamptz
), followed AS (
    SELECT tenant_id, id, min(chased_at) OVER (
        PARTITION BY tenant_id, debtor_id ORDER BY at DESC
        RANGE BETWEEN UNBOUNDED PRECEDING AND interval '1 microsecond' PRECEDING
    ) AS next_at
    FROM (
        SELECT tenant_id, debtor_id, id, at, NULL::timestamptz AS chased_at FROM asked
        UNION ALL SELECT tenant_id, debtor_id, NULL, at, at FROM chased
    ) both_of
), w AS MATERIALIZED (
    SELECT a.*, least(a.at + interval '{paid} days', f.next_at) AS until
    FROM asked a JOIN followed f ON f.tenant_id = a.tenant_id AND f.id = a.id
), happened AS (
    SELECT w.tenant_id, w.id,
        {happened}
    FROM w JOIN ({events}) e ON e.tenant_id = w.tenant_id AND e.debtor_id = w.debtor_id AND e.at > w.at
    GROUP BY w.tenant_id, w.id
), x AS (
    SELECT x.tenant_id, a.debtor_id, a.currency, x.amount_minor, x.fee_minor, x.at,
        min(x.at) OVER (PARTITION BY x.tenant_id, x.payment_id) AS booked
    FROM allocations x JOIN accounts a ON a.tenant_id = x.tenant_id AND a.id = x.account_id
), money AS (
    SELECT w.tenant_id, w.id, sum(x.amount_minor) AS paid_minor, sum(x.fee_minor) AS fee_minor,
        coalesce(sum(x.amount_minor) FILTER (WHERE x.booked < w.until), 0) AS own_minor
    FROM w JOIN x ON x.tenant_id = w.tenant_id AND x.debtor_id = w.debtor_id AND x.currency = w.currency
    WHERE x.booked > w.at AND x.booked <= w.at + interval '{paid} days'
      AND x.at <= least(w.at + interval '{last} days', %(known)s::timestamptz)
    GROUP BY w.tenant_id, w.id
)
SELECT w.id, extract(epoch FROM w.at)::float8 AS began, w.contacted::float8 AS contacted,
    greatest(coalesce(h.reached, 0), (w.heard_at <= w.at + interval '{reached} days')::int)::float8
        AS reached,
    greatest(coalesce(h.own_reached, 0),
        (w.heard_at < w.until AND w.heard_at <= w.at + interval '{reached} days')::int)::float8
        AS own_reached,
    CASE WHEN t.channel IS NOT NULL THEN greatest(coalesce(h.own_reached, 0),
        (w.read_at < w.until AND w.read_at <= w.at + interval '{reached} days')::int)::float8
        ELSE 'NaN' END AS own_read,
    coalesce(h.own_harm, 0)::float8 AS own_harm, (coalesce(m.own_minor, 0) > 0)::int::float8 AS own_paid,
    extract(epoch FROM w.until - w.at)::float8 / 86400 AS own_days,
    {flags},
    coalesce(m.paid_minor, 0)::float8 AS paid_minor, coalesce(m.fee_minor, 0)::float8 AS fee_minor,
    w.cost_minor::float8 AS cost_minor
FROM w
LEFT JOIN happened h ON h.tenant_id = w.tenant_id AND h.id = w.id
LEFT JOIN money m ON m.tenant_id = w.tenant_id AND m.id = w.id
LEFT JOIN tellers t ON t.tenant_id = w.tenant_id AND t.channel = w.channel
ORDER BY w.id
"""
_FLAGS = ("promise", "kept", "complaint", "opt_out", "hardship")
_READ = (
    "began", "contacted", "reached", *_OWN, "own_days", *_FLAGS, "paid_minor", "fee_minor", "cost_minor"
)  # fmt: skip


def _statement(which: str) -> str:
    return _STATEMENT.format(
        which=which, happened=_HAPPENED, events=EVENTS, paid=WINDOWS["paid"], last=LAST.days,
        reached=WINDOWS["reached"], quiet=", ".join(f"'{name}'" for name in _SAYS_NOTHING_NEW),
        flags=", ".join(f"coalesce(h.{name}, 0)::float8 AS {name}" for name in _FLAGS),
    )  # fmt: skip


_FROM_DECISIONS, _FROM_CONTACTS = _statement(_OF_DECISIONS), _statement(_OF_CONTACTS)


def of_decisions(session: Session, at: datetime, since: datetime) -> Outcomes:
    """What came, as known at `at`, of the decisions after `since` of the tenants in scope."""
    return _outcomes(session, _FROM_DECISIONS, at, since)


def of_contacts(session: Session, at: datetime, since: datetime) -> Outcomes:
    """What came, as known at `at`, of each contact that was made after `since`; see `Outcomes`."""
    return _outcomes(session, _FROM_CONTACTS, at, since)


def _outcomes(session: Session, statement: str, at: datetime, since: datetime) -> Outcomes:
    keys, columns = read(session, statement, ("id",), _READ, {"known": at, "since": since})
    columns["paid"] = (columns["paid_minor"] > 0).astype(np.float64)
    columns["harm"] = np.maximum(columns["complaint"], columns["opt_out"])
    columns["net_minor"] = columns["paid_minor"] - columns["fee_minor"] - columns["cost_minor"]
    passed = at.timestamp() - columns.pop("began")
    days = {
        **WINDOWS, "fee_minor": 30, "net_minor": 30, "harm": 30, "cost_minor": 0, "contacted": 0,
        **dict.fromkeys((*_OWN, "own_days"), WINDOWS["paid"]),
    }  # fmt: skip
    for name, column in columns.items():
        column[passed < timedelta(days=days[name]).total_seconds()] = np.nan
    return Outcomes(keys["id"], {name: columns[name] for name in NAMES})
