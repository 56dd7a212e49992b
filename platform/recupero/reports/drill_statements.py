"""What each metric's figure counted, as statements over the raw rows.

What is counted is defined by the views of migration 0048 and by `depth_queries`; these statements say the
same with the rows' ids, and a test holds both against each other. Each has the columns of `_OF_ACCOUNT`,
`at`, `channel`, `part`, `what`, `amount` and `row`, see `Statement`.
"""

from dataclasses import dataclass
from enum import StrEnum

from recupero.kernel.marking import N_
from recupero.payments.books.dating import touched
from recupero.reports import depth_queries as q
from recupero.reports.figures import Unit
from recupero.reports.sums import DIGITAL


class Tells(StrEnum):
    """How the rows make up the figure; of a rate, its numerator."""

    ROWS = "rows"  # as many as it says
    AMOUNT = "amount"  # their amounts add up to it
    AMONG = "among"  # it is one of them, such as their median


@dataclass(frozen=True, slots=True)
class Statement:
    """The rows of a metric. `amount` is how a row's amount is written, None where it has none. A row's
    `part` is the currency that a provider charges in, the code that an account was closed with, what
    stopped a contact, or a move between buckets (`1-30>paid`). Of several rows with one `row` a single one
    counts where it is `once`. `whole`: the figure is about all accounts of the creditor, whatever their
    currency."""

    sql: str
    tells: Tells = Tells.ROWS
    amount: Unit | None = None
    once: bool = False
    whole: bool = False


_OF_ACCOUNT = "a.id, a.client_account, a.currency, a.portfolio_id, a.batch_id, a.placed_on"
_ANSWERED = (
    "'WRNG','TPNA','TPRF','HUNV','HUPV','CBRQ','PTPF','PTPP','PLAN','SETL','PAID','ALRD','NOIN','RTPY',"
    "'UTPY','HARD','DSPT','CMPL','CEAS','ATTY','DECD','INSO','FRDI','LANG'"
)
_REACHED = (
    "(c.right_party OR (c.state = 'answered' AND c.disposition IS DISTINCT FROM 'VMLM')"
    f" OR c.disposition IN ({_ANSWERED}))"
)
_FIRST_OF_DEBTOR = (
    "coalesce({0}.account_id, (SELECT min(o.id) FROM accounts o"
    " WHERE o.tenant_id = :tenant AND o.debtor_id = {0}.debtor_id))"
)
_CONTACTS = f"""
SELECT {_OF_ACCOUNT}, c.at, c.channel, coalesce(c.cost_currency, '') AS part,
       coalesce(c.disposition, c.state) AS what, c.cost_micro AS amount, c.id AS row
FROM contacts c
JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = {_FIRST_OF_DEBTOR.format("c")} AND NOT a.is_test
LEFT JOIN given_verdicts v ON v.tenant_id = c.tenant_id AND v.digest = c.verdict
WHERE c.tenant_id = :tenant AND c.at >= :start AND c.at < :end AND
"""  # noqa: S608 - the constants above
_DIGITAL = "channel IN (" + ", ".join(f"'{name}'" for name in sorted(DIGITAL)) + ")"
_MADE = f"""
SELECT {_OF_ACCOUNT}, p.made_at AS at, coalesce(p.channel, '') AS channel, '' AS part, p.state AS what,
       {{0}} AS amount, p.id AS row
FROM promises p JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id AND NOT a.is_test
WHERE p.tenant_id = :tenant AND
"""  # noqa: S608
_PROMISED = _MADE.format("p.amount_minor")
_DUE = "p.due_date >= :first_day AND p.due_date < :end_day AND p.state"
_SINCE_PLACED = "a.placed_on::timestamp AT TIME ZONE :zone AS at"
_PLACED = f"""
SELECT {_OF_ACCOUNT}, {_SINCE_PLACED}, '' AS channel, coalesce(a.close_code, '') AS part,
       coalesce(a.close_code, a.status) AS what, {{0}} AS amount, a.id AS row
FROM accounts a WHERE a.tenant_id = :tenant AND NOT a.is_test AND a.placed_on < :end_day
"""  # noqa: S608
_PLACED_SUM = _PLACED.format("a.placed_minor")
_CLOSED = " AND a.closed_at < :end AND "
_AGED = f"{_PLACED.format('(a.placed_on - a.delinquency_date)::bigint')} AND a.placed_on >= :first_day"
_REACH = f"""
SELECT {_OF_ACCOUNT}, {_SINCE_PLACED}, '' AS channel, '' AS part, a.status AS what,
       a.balance_minor AS amount, a.id AS row
FROM report_reach r JOIN accounts a ON a.tenant_id = r.tenant_id AND a.id = r.account_id
WHERE r.tenant_id = :tenant AND r.channel = ''
  AND r.workable && daterange(CAST(:first_day AS date), CAST(:end_day AS date))
"""  # noqa: S608
_IN_PERIOD = " && daterange(CAST(:first_day AS date), CAST(:end_day AS date))"
_COVERED = f"""{q.COVERED}
SELECT {_OF_ACCOUNT}, {_SINCE_PLACED}, f.channel, '' AS part, a.status AS what,
       a.balance_minor AS amount, a.id AS row
FROM covered f JOIN accounts a ON a.tenant_id = :tenant AND a.id = f.id WHERE f.usable
"""  # noqa: S608
# Everything that moved up to the end of the period, on accounts placed by then. What else a payment did is
# looked up for the moves that may need it, not over all of them: so what narrows them is applied first.
# `OFFSET 0`: once, however often it is named.
_OF_STEP = "SELECT {0} FROM allocations f WHERE f.tenant_id = :tenant AND f.payment_id = l.payment_id"
_MOVES = f"""
SELECT {_OF_ACCOUNT}, m.at, coalesce(p.channel, '') AS channel, '' AS part, p.kind AS what, {{0}} AS amount,
       l.id AS row
FROM {{1}}
JOIN accounts a ON a.tenant_id = :tenant AND a.id = l.account_id AND NOT a.is_test
CROSS JOIN LATERAL (
    SELECT CASE WHEN l.at = p.received_at OR l.transaction_id = ({_OF_STEP.format("min(f.transaction_id)")})
                THEN p.received_at ELSE l.at END AS at OFFSET 0
) m
WHERE l.tenant_id = :tenant AND m.at < :end AND a.placed_on < :end_day
"""  # noqa: S608
_TAKEN_BACK = f"({_OF_STEP.format('sum(f.amount_minor)')} AND f.transaction_id = l.transaction_id) < 0"
_DIRECT = "p.kind IN ('direct', 'connect')"
# Of payments that came in the period, or that moved in it, each looked up by its key: what else there is of
# all years is not read. `OFFSET 0` keeps it so.
_IN_PERIOD_ONLY = f"""({touched(":tenant", ":start", ":end")}) p CROSS JOIN LATERAL (
    SELECT f.* FROM allocations f WHERE f.tenant_id = :tenant AND f.payment_id = p.id OFFSET 0
) l"""  # noqa: S608
_OF_ALL_YEARS = "allocations l JOIN payments p ON p.tenant_id = :tenant AND p.id = l.payment_id"
_NET = "l.amount_minor - l.fee_minor"


def _ever(amount: str) -> str:
    """Moves up to the end of the period, each with this amount."""
    return _MOVES.format(amount, _OF_ALL_YEARS)


def _moved(amount: str) -> str:
    """Those within the period."""
    return f"{_MOVES.format(amount, _IN_PERIOD_ONLY)} AND m.at >= :start"


_SUM, _FEE, _TAX = (_moved(f"l.{name}_minor") for name in ("amount", "fee", "tax"))
_RECEIVED = f"""
SELECT {_OF_ACCOUNT}, p.received_at AS at, coalesce(p.channel, '') AS channel, '' AS part, p.kind AS what,
       p.amount_minor AS amount, p.id AS row
FROM payments p
CROSS JOIN LATERAL (SELECT DISTINCT f.account_id FROM allocations f
      WHERE f.tenant_id = :tenant AND f.payment_id = p.id AND f.amount_minor > 0) l
JOIN accounts a ON a.tenant_id = :tenant AND a.id = l.account_id AND NOT a.is_test
WHERE p.tenant_id = :tenant AND p.received_at >= :start AND p.received_at < :end
"""  # noqa: S608
_VOICES = f"""
SELECT {_OF_ACCOUNT}, h.started_at AS at, '-' AS channel, '' AS part, h.kind AS what,
       ((h.ended_at AT TIME ZONE :zone)::date - (h.started_at AT TIME ZONE :zone)::date)::bigint AS amount,
       h.id AS row
FROM holds h
JOIN accounts a ON a.tenant_id = h.tenant_id AND a.id = {_FIRST_OF_DEBTOR.format("h")} AND NOT a.is_test
WHERE h.tenant_id = :tenant AND
"""  # noqa: S608
_OPENED = f"{_VOICES} h.started_at >= :start AND h.started_at < :end AND h.kind ="
_DECIDED = f"{_VOICES} h.ended_at >= :start AND h.ended_at < :end AND h.kind = 'dispute'"
_OPT_OUTS = f"""
SELECT {_OF_ACCOUNT}, h.at, '-' AS channel, '' AS part, h.kind AS what, NULL::bigint AS amount, h.id AS row
FROM permissions h JOIN accounts a ON a.tenant_id = h.tenant_id AND NOT a.is_test AND a.id = (
    SELECT min(o.id) FROM accounts o WHERE o.tenant_id = :tenant AND o.debtor_id = h.debtor_id)
WHERE h.tenant_id = :tenant AND h.at >= :start AND h.at < :end AND h.kind = 'opt_out'
  AND h.source ~ '^(page|agent|api|simulation|disposition)'
"""  # noqa: S608
_INSTALMENTS = f"""
SELECT {_OF_ACCOUNT}, i.paid_on::timestamp AT TIME ZONE :zone AS at, '' AS channel, '' AS part,
       i.state AS what, i.amount_minor AS amount, i.id AS row
FROM plan_instalments i JOIN plans p ON p.tenant_id = i.tenant_id AND p.id = i.plan_id
JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_ids[1] AND NOT a.is_test
WHERE i.tenant_id = :tenant AND i.due_date >= :first_day AND i.due_date < :end_day
  AND p.state IN ('running', 'kept', 'broken') AND i.state = 'paid'
  AND i.paid_on <= i.due_date + p.grace_days::int
"""  # noqa: S608
_SETTLED = f"""
SELECT {_OF_ACCOUNT}, s.settled_at AS at, '' AS channel, '' AS part, s.state AS what,
       s.amount_minor AS amount, s.id AS row
FROM settlements s
JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_ids[1] AND NOT a.is_test
WHERE s.tenant_id = :tenant AND s.state = 'settled' AND s.settled_at >= :start AND s.settled_at < :end
"""  # noqa: S608
_STOPPED = f"""
SELECT {_OF_ACCOUNT}, e.at, x.channel, coalesce(e.reason, '') AS part, coalesce(e.reason, e.state) AS what,
       NULL::bigint AS amount, e.id AS row
FROM action_events e JOIN actions x ON x.tenant_id = e.tenant_id AND x.id = e.action_id
JOIN accounts a ON a.tenant_id = x.tenant_id AND a.id = x.account_id AND NOT a.is_test
WHERE e.tenant_id = :tenant AND e.at >= :start AND e.at < :end AND e.state =
"""  # noqa: S608


def _of_depth(table: str, amount: str, which: str, what: str, part: str = "''") -> str:
    """Rows of a table `f` that a statement of `depth_queries` begins with; their moment is the placement."""
    return f"""
{table} SELECT {_OF_ACCOUNT}, {_SINCE_PLACED}, '' AS channel, {part} AS part, {what} AS what,
       ({amount})::bigint AS amount, a.id AS row
FROM {which}
"""  # noqa: S608


_JOINED = "JOIN accounts a ON a.tenant_id = :tenant AND a.id = f.id WHERE "
_CURED = f"moved f {_JOINED} f.was <> 'current' AND f.is_now IN ('paid', 'current')"
_WAITED = "extract(epoch FROM greatest(coalesce({0}, f.seen), {1}) - {1}) / 3600"
_ENDED = "CASE WHEN {0} IS NULL THEN 'waits' ELSE 'ended' END"


def _rolled(which: str) -> str:
    return _of_depth(q.STANDING, "f.opening", which, "f.is_now", "f.was || '>' || f.is_now")


_TO_ATTEMPT = _of_depth(
    q.FIRSTS, _WAITED.format("f.tried", "f.placed"), f"placed f {_JOINED} true", _ENDED.format("f.tried")
)
_TO_PAYMENT = _of_depth(
    q.FIRSTS,
    _WAITED.format("f.paid", "f.tried"),
    f"placed f {_JOINED} f.tried IS NOT NULL AND (f.paid IS NULL OR f.paid >= f.tried)",
    _ENDED.format("f.paid"),
)
_OWES = "greatest(f.closing, 0)"
_PLACED_SINCE = "CASE WHEN f.placed_on >= :first_day THEN f.placed_minor ELSE 0 END"
_ADDED = f"greatest(f.opening, 0) + {_PLACED_SINCE} - {_OWES}"
_AT_DESKS = f"""
SELECT {_OF_ACCOUNT}, max(s.taken_at) AS at, '' AS channel, '' AS part, a.status AS what,
       NULL::bigint AS amount, a.id AS row
FROM desk_sittings s
JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND NOT a.is_test
WHERE s.agency_id = :agency AND s.tenant_id = :tenant AND s.taken_at < :end
  AND coalesce(s.closed_at, s.leased_until) >= :start
GROUP BY a.tenant_id, a.id
"""  # noqa: S608


def _money(sql: str) -> Statement:
    return Statement(sql, Tells.AMOUNT, Unit.MONEY)


def _with_sum(sql: str) -> Statement:
    """Rows that are counted, whose amounts are money."""
    return Statement(sql, Tells.ROWS, Unit.MONEY)


_CHARGED = f"{_CONTACTS} c.cost_micro IS NOT NULL"
_COST = Statement(_CHARGED, Tells.AMOUNT, Unit.COST)
_LIQUIDATED = _money(_ever("l.amount_minor"))
_DIGITAL_ATTEMPT = f"{_CONTACTS} c.{_DIGITAL} AND {q.ATTEMPT} AND"
_DAYS_AMONG = Statement(_DECIDED, Tells.AMONG, Unit.DAYS)

STATEMENTS = {
    "attempts": Statement(f"{_CONTACTS}{q.ATTEMPT}"),
    "intensity": Statement(f"{_CONTACTS}{q.ATTEMPT}"),
    "connects": Statement(f"{_CONTACTS}(c.direction = 'inbound' OR {_REACHED})"),
    "connect_rate": Statement(f"{_CONTACTS}c.channel = 'call' AND {q.ATTEMPT} AND {_REACHED}"),
    "right_party": Statement(f"{_CONTACTS}c.right_party"),
    "right_party_rate": Statement(f"{_CONTACTS}c.right_party"),
    "right_party_per_hour": Statement(f"{_CONTACTS}c.right_party"),
    "out_of_policy": Statement(f"{_CONTACTS}{q.ATTEMPT} AND v.said ->> 'allowed' = 'false'"),
    "delivered_rate": Statement(f"{_DIGITAL_ATTEMPT} c.state IN ('delivered', 'answered')"),
    "opened_rate": Statement(f"{_DIGITAL_ATTEMPT} c.disposition IN ('OPEN', 'CLCK', 'RPLY')"),
    "clicked_rate": Statement(f"{_DIGITAL_ATTEMPT} c.disposition = 'CLCK'"),
    "paid_rate": Statement(f"{_RECEIVED} AND p.{_DIGITAL}", Tells.ROWS, Unit.MONEY, once=True),
    "payments": Statement(_RECEIVED, Tells.ROWS, Unit.MONEY, once=True),
    "charged": Statement(_CHARGED, Tells.ROWS, Unit.COST),
    **dict.fromkeys(
        ("cost", "cost_each", "cost_per_account", "cost_per_right_party", "cost_per_payment",
         "cost_per_thousand"), _COST,
    ),
    "workable": _with_sum(_REACH),
    "penetration": _with_sum(f"{_REACH} AND r.attempted{_IN_PERIOD}"),
    "contactability": _with_sum(f"{_REACH} AND r.reached{_IN_PERIOD}"),
    "coverage": _with_sum(_COVERED),
    "promises": _with_sum(f"{_PROMISED} p.made_at >= :start AND p.made_at < :end"),
    "promise_rate": _with_sum(f"{_PROMISED} p.made_at >= :start AND p.made_at < :end"),
    "promises_per_hour": _with_sum(f"{_PROMISED} p.made_at >= :start AND p.made_at < :end"),
    "kept_rate": _with_sum(f"{_PROMISED}{_DUE} = 'kept'"),
    "partly_kept_rate": _with_sum(f"{_PROMISED}{_DUE} = 'partly_kept'"),
    "broken_rate": _with_sum(f"{_PROMISED}{_DUE} = 'broken'"),
    "kept_value_rate": _money(
        f"{_MADE.format('least(p.paid_minor, p.amount_minor)')}{_DUE} IN ('kept', 'partly_kept', 'broken')"
    ),
    "placed_accounts": _with_sum(_PLACED_SUM),
    "placed": _money(_PLACED_SUM),
    "placed_in_period": _money(f"{_PLACED_SUM} AND a.placed_on >= :first_day"),
    "pif_rate": _with_sum(f"{_PLACED_SUM}{_CLOSED}a.close_code = 'PIF'"),
    "sif_rate": _with_sum(f"{_PLACED_SUM}{_CLOSED}a.close_code = 'SIF'"),
    "returned_rate": _with_sum(f"{_PLACED.format('a.balance_minor')}{_CLOSED}a.balance_minor > 0"),
    "returned_minor": _money(f"{_PLACED.format('a.balance_minor')}{_CLOSED}a.balance_minor > 0"),
    "age_mean": Statement(_AGED, Tells.AMOUNT, Unit.DAYS),
    "age_median": Statement(_AGED, Tells.AMONG, Unit.DAYS),
    "collected": _money(_SUM),
    "collected_per_hour": _money(_SUM),
    "collected_agency": _money(f"{_SUM} AND NOT {_DIRECT}"),
    "collected_direct": _money(f"{_SUM} AND {_DIRECT}"),
    "reversed": _money(f"{_moved('-l.amount_minor')} AND {_TAKEN_BACK}"),
    "liquidation": _LIQUIDATED,
    "liquidation_net": _LIQUIDATED,
    # What came before the placement month stands in month 0.
    "liquidation_in_month": _money(
        _ever("l.amount_minor") + " AND (m.at >= :start OR a.placed_on >= :first_day)"
    ),
    "fees": _money(_FEE),
    "fee_tax": _money(_TAX),
    "average_fee": _money(_FEE),
    "fee_yield": _money(_ever("l.fee_minor")),
    "net_back": _money(_moved(_NET)),
    "net_back_rate": _money(_ever(_NET)),
    "complaint_rate": Statement(f"{_OPENED} 'complaint'"),
    "dispute_rate": Statement(f"{_OPENED} 'dispute'"),
    "opt_out_rate": Statement(_OPT_OUTS),
    "dispute_median": _DAYS_AMONG,
    "dispute_p90": _DAYS_AMONG,
    "disputes_late": Statement(
        f"{_DECIDED} AND (h.ended_at AT TIME ZONE :zone)::date - (h.started_at AT TIME ZONE :zone)::date"
        f" > {q.DISPUTE_DAYS}", Tells.ROWS, Unit.DAYS,
    ),
    "plan_rate": _with_sum(_INSTALMENTS),
    "plan_value_rate": _money(_INSTALMENTS),
    "settlement_percent": _money(_SETTLED),
    "blocked": Statement(f"{_STOPPED} 'blocked'"),
    "put_off": Statement(f"{_STOPPED} 'scheduled' AND e.reason IS NOT NULL"),
    "cure_rate": _with_sum(_rolled(_CURED)),
    "self_cure_rate": _with_sum(_rolled(f"{_CURED} AND NOT f.attempted_cure")),
    "roll_rate": _money(_rolled(f"moved f {_JOINED} true")),
    "hours_to_attempt": Statement(_TO_ATTEMPT, Tells.AMONG, Unit.HOURS),
    "hours_to_payment": Statement(_TO_PAYMENT, Tells.AMONG, Unit.HOURS),
    "dso": _money(_of_depth(q.OWED_BY_FIRMS, _OWES, f"owed f {_JOINED} true", "a.status")),
    "cei": _money(_of_depth(q.OWED_BY_FIRMS, _ADDED, f"owed f {_JOINED} true", "a.status")),
    "accounts_per_agent": Statement(_AT_DESKS, whole=True),
}  # fmt: skip
#: Figures that have no rows of their own, and why.
WITHOUT_ROWS = {
    "batch_track": N_("It sets one file against another: their rows are behind the liquidation of each."),
    "increment_per_contact": N_(
        "It sets the people worked against the control group, scaled to it: neither one's rows add up to it."
    ),
}
