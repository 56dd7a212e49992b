"""The feature list: what each number means, where it comes from, and as of when it is known.

One set-based statement computes the list for every account of the tenants in scope at any moment `at`, from
rows that carry the time at which each fact became known; what happens later cannot change an earlier vector.
Sex, age, marital status, nationality and the like are not among them and never will be: they are protected.

This is the one place that reads other rooms' tables (by SQL, never by their classes): a vector over all rooms
has to be one statement, or planning a million accounts takes a query each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, narrowed, read
from recupero.decisions.history.known_results import KNOWN, RESULTS
from recupero.decisions.history.promise_money import BOOKED, GRACE_DAYS, counts, kept
from recupero.kernel.database import scope_of

#: The `sql` of what is worked out of the statement's rows: PostgreSQL would sort them all for it.
AFTERWARDS = ""
CHANNELS = ("email", "sms", "whatsapp", "call")
WINDOWS = (7, 30, 90)
#: Channels of whose messages somebody may tell that they were read, and the share that is read where nothing
#: is known of a debtor: of e-mails about a fifth (docs/simulation.md), the others ours.
READ_USUALLY = {"email": 0.2, "sms": 0.05, "whatsapp": 0.5}
#: Messages that the usual share weighs as much as.
READ_HELD = 2


def N_(text: str) -> str:
    """Mark a text for the translation catalogues; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Spec:
    """One feature. `sql` is its expression over the statement below, or `AFTERWARDS`; `label` is a message id
    for reasons."""

    name: str
    label: str
    meaning: str
    unit: str
    source: str
    as_of: str
    sql: str


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


def _days(later: str, earlier: str) -> str:
    return f"date_part('epoch', {later} - {earlier}) / 86400"


_PLACED = "the placement file"
FIXED = "set at placement"
_CONTACTS = "contacts of the debtor with this creditor"
_BY_TIME = "contacts reserved at or before the moment; results by the time they became known"
_MONEY = "allocations booked at or before the moment"
_READING = "contacts of the debtor with this creditor: the provider's receipts, and visits to the page"
_READ_BY = "contacts reserved, and readings told, at or before the moment"
_ANY = "debts placed, and allocations booked, at or before the moment"

FEATURES: tuple[Spec, ...] = (
    Spec("balance_log", N_("Balance owed"), "natural log of 1 + balance", "log minor units",
         "placed amount less allocations", _MONEY, "ln(1 + greatest(a.balance, 0))"),
    Spec("balance_rank", N_("Balance among the portfolio's accounts"),
    "share of the portfolio's accounts with a"
         " smaller balance", "0 to 1", "placed amount less allocations", _MONEY,
         AFTERWARDS),
    Spec("paid_share", N_("Share already paid"), "allocated over placed", "0 to 1", "allocations", _MONEY,
         "a.paid::float8 / nullif(a.placed_minor, 0)"),
    Spec("principal_share", N_("Principal in the debt"), "principal over placed amount", "0 to 1", _PLACED,
    FIXED,
         "a.principal_minor::float8 / nullif(a.placed_minor, 0)"),
    Spec("days_past_due", N_("Days past due"), "business date less due date, negative before it", "days",
    _PLACED,
         "date in the creditor's zone at the moment", "a.today - a.due_date"),
    Spec("days_delinquent", N_("Days since the first missed payment"), "business date less delinquency date",
         "days", _PLACED, "date in the creditor's zone at the moment", "a.today - a.delinquency_date"),
    Spec("age_at_placement", N_("Age of the debt when placed"), "placement date less delinquency date",
    "days",
         _PLACED, FIXED, "a.placed_on - a.delinquency_date"),
    Spec("days_placed", N_("Days in our care"), "business date less placement date", "days", _PLACED,
         "date in the creditor's zone at the moment", "a.today - a.placed_on"),
    Spec("placement_number", N_("Placement number"), "1 for primary", "count", _PLACED, FIXED,
         "a.placement_number"),
    Spec("days_to_limitation", N_("Days until the claim lapses"), "limitation date less business date",
    "days",
         _PLACED, "date in the creditor's zone at the moment", "a.limitation_date - a.today"),
    Spec("account_age", N_("Age of the account"), "business date less open date", "days", _PLACED,
         "date in the creditor's zone at the moment", "a.today - a.open_date"),
    Spec("is_firm", N_("Debtor is a firm"), "1 for a firm, 0 for a person", "0 or 1", _PLACED, FIXED,
         "(d.kind = 'firm')::int"),
    Spec("phones", N_("Phone numbers that work"), "numbers not known to be bad", "count", "contact points and"
         " bounced or wrong contacts", "points added, and found bad, at or before the moment",
         "coalesce(k.phones, 0)"),
    Spec("emails", N_("E-mail addresses that work"), "addresses not known to be bad", "count",
    "contact points and"
         " bounced contacts", "points added, and found bad, at or before the moment",
         "coalesce(k.emails, 0)"),
    Spec("has_address", N_("Postal address known"), "1 where an address is known", "0 or 1", "contact points",
         "points added at or before the moment", "coalesce(k.addresses, 0)"),
    Spec("points_bad", N_("Contact data found wrong"), "points found bad", "count",
    "contacts that bounced or met"
         " a wrong number", "by the time they became known", "coalesce(k.bad, 0)"),
    Spec("consents", N_("Channels consented to"), "channels whose newest permission is consent", "count",
         "permissions", "filed at or before the moment", "coalesce(c.consents, 0)"),
    Spec("opt_outs", N_("Channels opted out of"), "channels whose newest permission is an opt-out", "count",
         "permissions", "filed at or before the moment", "coalesce(c.opt_outs, 0)"),
    Spec("other_accounts", N_("Other open debts"),
    "other open accounts of the same person with this creditor",
         "count", "accounts", "placed, and not closed, at the moment",
         AFTERWARDS),
    *(
        Spec(f"attempts_{channel}_{days}d", N_("Attempts by channel"),
        f"{channel} contacts sent in {days} days",
             "count", _CONTACTS, _BY_TIME, f"coalesce(o.attempts_{channel}_{days}d, 0)")
        for channel in CHANNELS for days in WINDOWS
    ),
    *(
        Spec(f"answers_{days}d", N_("Answers lately"), f"contacts answered, or received, in {days} days",
        "count",
             _CONTACTS, _BY_TIME, f"coalesce(o.answers_{days}d, 0)")
        for days in WINDOWS
    ),
    Spec("right_party_90d", N_("Spoke with the debtor"), "right-party contacts in 90 days", "count",
    _CONTACTS,
         _BY_TIME, "coalesce(o.right_party_90d, 0)"),
    Spec("days_since_attempt", N_("Days since the last attempt"), "since the newest attempt in 90 days",
    "days",
         _CONTACTS, _BY_TIME, _days("a.at", "o.last_attempt")),
    Spec("days_since_answer", N_("Days since the last answer"), "since the newest answer in 90 days", "days",
         _CONTACTS, _BY_TIME, _days("a.at", "o.last_answer")),
    *(
        Spec(f"read_{channel}", N_("Messages read"),
             f"share of the {channel} contacts of 90 days that were read (told by the provider, or by a visit"
             f" to the page), drawn to {usually} as strongly as {READ_HELD} contacts; unknown where the"
             " creditor was told of none in 90 days", "0 to 1", _READING, _READ_BY,
             f"CASE WHEN t.{channel} THEN (coalesce(o.read_{channel}, 0) + {usually * READ_HELD})"
             f" / (coalesce(o.attempts_{channel}_90d, 0) + {READ_HELD}) END")
        for channel, usually in READ_USUALLY.items()
    ),
    *(
        Spec(f"days_since_read_{channel}", N_("Days since a message was read"),
             f"since the newest reading of the {channel} contacts of 90 days", "days", _READING, _READ_BY,
             _days("a.at", f"o.last_read_{channel}"))
        for channel in READ_USUALLY
    ),
    Spec("link_opened", N_("Payment page opened"), "1 where a payment page was ever opened", "0 or 1",
         "payment links", "first opened at or before the moment", "(l.opened IS NOT NULL)::int"),
    Spec("days_since_opened", N_("Days since the payment page was opened"), "since the newest first opening",
         "days", "payment links", "first opened at or before the moment", _days("a.at", "l.opened")),
    Spec("promises", N_("Promises made"), "promises on the account", "count", "promises",
         "made at or before the moment", "coalesce(m.made, 0)"),
    Spec("promises_kept", N_("Promises kept"), "promises kept", "count", "promises",
         "settled at or before the moment", "coalesce(m.kept, 0)"),
    Spec("promises_broken", N_("Promises broken"), "promises broken", "count", "promises",
         "settled at or before the moment", "coalesce(m.broken, 0)"),
    Spec("promise_open", N_("A promise is running"), "1 where a promise is neither settled nor cancelled",
    "0 or 1",
         "promises", "made, and not settled, at the moment", "coalesce(m.running, 0)"),
    Spec("days_since_promise", N_("Days since the last promise"), "since the newest promise", "days",
    "promises",
         "made at or before the moment", _days("a.at", "m.newest")),
    Spec("payments", N_("Payments made"), "payments to the account, less those reversed", "count",
    "allocations",
         _MONEY, "a.payments"),
    Spec("days_since_payment", N_("Days since the last payment"), "since the newest allocation", "days",
         "allocations", _MONEY, _days("a.at", "a.newest")),
    Spec("person_balance_log", N_("Owed on all debts"),
         "natural log of 1 + what the person owes on all open debts, in the account's currency",
         "log minor units", "placed amounts less allocations", _ANY, "ln(1 + q.balance)"),
    Spec("person_balance_share", N_("This debt's share of all"), "balance over what the person owes on all",
         "0 to 1", "placed amounts less allocations", _ANY,
         "greatest(a.balance, 0)::float8 / nullif(q.balance, 0)"),
    Spec("person_days_delinquent", N_("Days since the oldest missed payment"),
         "business date less the oldest delinquency date of the person's open debts", "days", _PLACED,
         "date in the creditor's zone at the moment", "a.today - q.delinquent"),
    Spec("person_paid_share", N_("Share paid on all debts"),
         "allocated over placed, on all debts of the person, also closed ones", "0 to 1", "allocations", _ANY,
         "q.paid::float8 / nullif(q.placed, 0)"),
    Spec("person_payments", N_("Payments on all debts"),
         "payments to any debt of the person, less those reversed", "count", "allocations", _ANY,
         "q.payments"),
    Spec("person_days_since_payment", N_("Days since a payment on any debt"),
         "since the newest allocation to any debt of the person", "days", "allocations", _ANY,
         _days("a.at", "q.newest")),
    Spec("person_promises_kept", N_("Promises kept on any debt"), "promises kept on any debt of the person",
         "count", "promises", "settled at or before the moment", "coalesce(n.kept, 0)"),
    Spec("person_promises_broken", N_("Promises broken on any debt"),
         "promises broken on any debt of the person", "count", "promises", "settled at or before the moment",
         "coalesce(n.broken, 0)"),
    Spec("weekday", N_("Day of the week"), "1 Monday to 7 Sunday", "day", "the moment",
         "date in the creditor's zone", "date_part('isodow', a.today)"),
    Spec("day_of_month", N_("Day of the month"), "1 to 31", "day", "the moment",
    "date in the creditor's zone",
         "date_part('day', a.today)"),
)  # fmt: skip
NAMES: tuple[str, ...] = tuple(spec.name for spec in FEATURES)
BY_NAME: dict[str, Spec] = {spec.name: spec for spec in FEATURES}

_ATTEMPTS = ",\n        ".join(
    f"count(*) FILTER (WHERE direction = 'outbound' AND latest AND channel = '{channel}'"
    f" AND at > %(before_{days})s::timestamptz) AS attempts_{channel}_{days}d"
    for channel in CHANNELS
    for days in WINDOWS
)
_ANSWERED = f"((direction = 'inbound' OR state = 'answered') AND {KNOWN})"
_ANSWERS = ",\n        ".join(
    f"count(*) FILTER (WHERE {_ANSWERED} AND at > %(before_{days})s::timestamptz) AS answers_{days}d"
    for days in WINDOWS
)
_READ_BY_THEN = "channel = '{channel}' AND read_at <= %(at)s::timestamptz"
_READS = ",\n        ".join(
    f"count(*) FILTER (WHERE {_READ_BY_THEN}) AS read_{{channel}},"
    f" max(read_at) FILTER (WHERE {_READ_BY_THEN}) AS last_read_{{channel}}".format(channel=channel)
    for channel in READ_USUALLY
)
_TOLD = ",\n        ".join(
    f"EXISTS (SELECT FROM contacts c WHERE c.tenant_id = t.id AND c.{_READ_BY_THEN}"
    " AND c.read_at > %(before_90)s::timestamptz) AS {channel}".format(channel=channel)
    for channel in READ_USUALLY
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
), o AS (
    SELECT tenant_id, debtor_id,
        {_ATTEMPTS},
        {_ANSWERS},
        {_READS},
        count(*) FILTER (WHERE right_party AND {KNOWN}) AS right_party_90d,
        max(at) FILTER (WHERE direction = 'outbound' AND latest) AS last_attempt,
        max(at) FILTER (WHERE {_ANSWERED}) AS last_answer
    FROM {RESULTS} r
    WHERE at <= %(at)s::timestamptz AND at > %(before_90)s::timestamptz /*with debtor_id*/
    GROUP BY tenant_id, debtor_id
), t AS (
    -- Whether anybody tells the creditor what is read: where nobody does, unread says nothing.
    SELECT t.id AS tenant_id,
        {_TOLD}
    FROM tenants t
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
JOIN t ON t.tenant_id = a.tenant_id
JOIN q ON q.tenant_id = a.tenant_id AND q.debtor_id = a.debtor_id AND q.currency = a.currency
LEFT JOIN k ON k.tenant_id = a.tenant_id AND k.debtor_id = a.debtor_id
LEFT JOIN c ON c.tenant_id = a.tenant_id AND c.debtor_id = a.debtor_id
LEFT JOIN o ON o.tenant_id = a.tenant_id AND o.debtor_id = a.debtor_id
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
    # Constants to PostgreSQL: it would work an interval before `at` out again for every row and window.
    before = {f"before_{days}": at - timedelta(days=days) for days in WINDOWS}
    arguments = {"at": at, "debtors": debtors, **before}
    keys, read_ones = read(session, statement, _KEYS, _READ, arguments)
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
