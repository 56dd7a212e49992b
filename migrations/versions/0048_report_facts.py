"""What reports count: one definition, as views over the raw rows and as triggers that follow every change.

A trigger adds the sums of what its statement changed to the bags of `reports.tables`, in the same transaction,
and changes no row of theirs. `recupero_report_reach` works out anew the months of the accounts that changed,
`recupero_report_fold` makes one row of many, `recupero_report_rebuild` makes everything anew from the views.
"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_TRIGGERED = {
    "allocations": ("insert",),
    **{
        table: ("insert", "update", "delete")
        for table in ("accounts", "contacts", "holds", "promises", "permissions")
    },
}

# What is counted, said once: made into views over the raw rows and into the triggers that follow them.
# `{rows}` gives rows of the table with a `sign`: 1 for what is, -1 for what was.

_ATTEMPT = (
    "(c.direction = 'outbound' AND (c.state IN ('sent','delivered','answered','no_answer','unknown')"
    " OR (c.state = 'failed' AND c.disposition IN ('BNCE','DISC'))))"
)  # a failed contact was an attempt only where something went out and came back
_ANSWERED = (
    "'WRNG','TPNA','TPRF','HUNV','HUPV','CBRQ','PTPF','PTPP','PLAN','SETL','PAID','ALRD','NOIN','RTPY',"
    "'UTPY','HARD','DSPT','CMPL','CEAS','ATTY','DECD','INSO','FRDI','LANG'"
)  # codes of the domain page 4.1 in which a person was reached, whoever it was
_REACHED = (
    "(c.right_party OR (c.state = 'answered' AND c.disposition IS DISTINCT FROM 'VMLM')"
    f" OR coalesce(c.disposition IN ({_ANSWERED}), false))"
)  # a voicemail is no person; a link that the verified debtor followed is one
_OF_ACCOUNT = (
    "coalesce({0}.account_id, (SELECT min(o.id) FROM accounts o"
    " WHERE o.tenant_id = {0}.tenant_id AND o.debtor_id = {0}.debtor_id))"
)
_MONTH = "date_trunc('month', {0} AT TIME ZONE t.timezone)::date"

_PLACED_KEYS = ("tenant_id", "currency", "portfolio_id", "batch_id", "cohort", "closed", "code")
_PLACED_SUMS = ("accounts", "placed_minor", "invalid_minor", "owing", "balance_minor")
_MONEY_KEYS = ("tenant_id", "currency", "portfolio_id", "batch_id", "cohort", "month", "direct")
_MONEY_SUMS = ("received_minor", "reversed_minor", "fee_minor", "tax_minor")
_ACTIVITY_KEYS = ("tenant_id", "month", "currency", "portfolio_id", "channel", "charged_in")
_ACTIVITY_SUMS = (
    "attempts", "connects", "answered", "right_party", "out_of_policy", "delivered", "opened", "clicked",
    "charged", "cost_micro", "promises", "due", "kept", "partly", "broken", "promised_minor", "counted_minor",
    "payments", "portfolio_payments", "moved_minor", "complaints", "disputes", "opt_outs",
)  # fmt: skip
_SPANS_KEYS = ("tenant_id", "currency", "portfolio_id", "channel", "series", "at", "before")
_BAGS = {
    "report_placed": (_PLACED_KEYS, _PLACED_SUMS),
    "report_money": (_MONEY_KEYS, _MONEY_SUMS),
    "report_activity": (_ACTIVITY_KEYS, _ACTIVITY_SUMS),
    "report_spans": (_SPANS_KEYS, ("accounts",)),
}

# A recall within 30 days of placement is an invalid placement, as are errors, the insolvent and the deceased.
_PLACED = """
SELECT a.tenant_id, a.currency, a.portfolio_id, a.batch_id, date_trunc('month', a.placed_on)::date AS cohort,
       x.closed, x.code, a.sign AS accounts, a.sign * x.placed_minor AS placed_minor,
       a.sign * x.invalid_minor AS invalid_minor, a.sign * x.owing AS owing,
       a.sign * x.balance_minor AS balance_minor
FROM {rows} a
JOIN tenants t ON t.id = a.tenant_id
CROSS JOIN LATERAL (
    SELECT 'infinity'::date AS closed, '' AS code, a.placed_minor, 0::bigint AS invalid_minor, 0 AS owing,
           0::bigint AS balance_minor
    UNION ALL
    SELECT date_trunc('month', a.closed_at AT TIME ZONE t.timezone)::date, coalesce(a.close_code, ''), 0,
           CASE WHEN a.close_code IN ('INVALID_DATA','DUPLICATE','NOT_ELIGIBLE','INSOLVENT','DECEASED')
                  OR (a.close_code = 'RECALLED'
                      AND (a.closed_at AT TIME ZONE t.timezone)::date <= a.placed_on + 30)
                THEN a.placed_minor ELSE 0 END,
           (a.balance_minor > 0)::int, greatest(a.balance_minor, 0)
    WHERE a.closed_at IS NOT NULL
) x
WHERE NOT a.is_test
"""
_OF_ACCOUNTS = (
    "tenant_id, id, currency, portfolio_id, batch_id, placed_on, placed_minor, closed_at, close_code,"
    " balance_minor, status, is_test"
)

# The first move of a payment is dated when the money came, later ones when they happened. A move that takes
# more off than it puts on is a reversal; one between accounts, or out of suspense, is none.
_MOVED = """
SELECT l.tenant_id, l.payment_id, l.account_id, l.amount_minor, l.fee_minor, l.tax_minor,
       p.kind IN ('direct', 'connect') AS direct, coalesce(p.channel, '') AS channel, p.received_at,
       CASE WHEN l.transaction_id = min(l.transaction_id) OVER payment THEN p.received_at ELSE l.at END AS at,
       sum(l.amount_minor) OVER step < 0 AS taken_back
FROM {rows} l
JOIN payments p ON p.tenant_id = l.tenant_id AND p.id = l.payment_id
WINDOW payment AS (PARTITION BY l.tenant_id, l.payment_id),
       step AS (PARTITION BY l.tenant_id, l.payment_id, l.transaction_id)
"""
_MONEY = f"""
SELECT m.tenant_id, a.currency, a.portfolio_id, a.batch_id, date_trunc('month', a.placed_on)::date AS cohort,
       {_MONTH.format("m.at")} AS month, m.direct,
       CASE WHEN m.taken_back THEN 0 ELSE m.amount_minor END AS received_minor,
       CASE WHEN m.taken_back THEN m.amount_minor ELSE 0 END AS reversed_minor,
       m.fee_minor, m.tax_minor
FROM {{moved}} m
JOIN tenants t ON t.id = m.tenant_id
JOIN accounts a ON a.tenant_id = m.tenant_id AND a.id = m.account_id AND NOT a.is_test
"""


def _activity(keys: str, source: str, **measures: str) -> str:
    """A statement with all columns of `report_activity`: `keys` as written, measures that it has none of as 0."""
    columns = ", ".join(f"({measures.get(name, '0')})::bigint AS {name}" for name in _ACTIVITY_SUMS)
    return f"SELECT {keys}, {columns} {source}"


_TOLD = f"""
SELECT c.sign, c.tenant_id, a.id AS account_id, {_MONTH.format("c.at")} AS month, a.currency, a.portfolio_id,
       c.channel, CASE WHEN c.cost_micro IS NULL THEN '' ELSE coalesce(c.cost_currency, '') END AS charged_in,
       c.attempt::int AS attempts, (c.direction = 'inbound' OR c.reached)::int AS connects,
       (c.attempt AND (c.reached OR coalesce(c.disposition = 'RPLY', false)))::int AS answered,
       c.right_party::int AS right_party,
       (c.attempt AND coalesce(v.said ->> 'allowed' = 'false', false))::int AS out_of_policy,
       (c.attempt AND c.state IN ('delivered', 'answered'))::int AS delivered,
       (c.attempt AND coalesce(c.disposition IN ('OPEN', 'CLCK', 'RPLY'), false))::int AS opened,
       (c.attempt AND coalesce(c.disposition = 'CLCK', false))::int AS clicked,
       (c.cost_micro IS NOT NULL)::int AS charged, coalesce(c.cost_micro, 0) AS cost_micro
FROM (SELECT c.*, {_ATTEMPT} AS attempt, {_REACHED} AS reached FROM {{rows}} c) c
JOIN tenants t ON t.id = c.tenant_id
JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = {_OF_ACCOUNT.format("c")} AND NOT a.is_test
LEFT JOIN given_verdicts v ON v.tenant_id = c.tenant_id AND v.digest = c.verdict
WHERE c.attempt OR c.reached OR c.right_party OR c.direction = 'inbound' OR c.cost_micro IS NOT NULL
"""
_OF_CONTACTS = (
    "tenant_id, account_id, debtor_id, direction, channel, state, disposition, right_party, at, verdict,"
    " cost_micro, cost_currency"
)
_COUNTED = (
    "attempts", "connects", "answered", "right_party", "out_of_policy", "delivered", "opened", "clicked",
    "charged", "cost_micro",
)  # fmt: skip
_CONTACTS = _activity(
    "f.tenant_id, f.month, f.currency, f.portfolio_id, f.channel, f.charged_in",
    "FROM {told} f",
    **{name: f"f.sign * f.{name}" for name in _COUNTED},
)

# Promises count when they are made, and by their due date once they are settled.
_PROMISES = _activity(
    "p.tenant_id, x.month, a.currency, a.portfolio_id, coalesce(p.channel, '') AS channel, '' AS charged_in",
    f"""
FROM {{rows}} p
JOIN tenants t ON t.id = p.tenant_id
JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id AND NOT a.is_test
CROSS JOIN LATERAL (
    SELECT {_MONTH.format("p.made_at")} AS month, 1 AS made, 0 AS due
    UNION ALL
    SELECT date_trunc('month', p.due_date)::date, 0, 1 WHERE p.state IN ('kept', 'partly_kept', 'broken')
) x
""",
    promises="p.sign * x.made",
    due="p.sign * x.due",
    kept="p.sign * x.due * (p.state = 'kept')::int",
    partly="p.sign * x.due * (p.state = 'partly_kept')::int",
    broken="p.sign * x.due * (p.state = 'broken')::int",
    promised_minor="p.sign * x.due * p.amount_minor",
    counted_minor="p.sign * x.due * least(p.paid_minor, p.amount_minor)",
)
_OF_PROMISES = "tenant_id, account_id, channel, made_at, due_date, state, amount_minor, paid_minor"

# A payment counts in the month in which it came, once some of it lies on an account.
_RECEIVED = _activity(
    "m.tenant_id, m.month, m.currency, m.portfolio_id, m.channel, '' AS charged_in",
    f"""
FROM (
    SELECT m.tenant_id, a.currency, a.portfolio_id, m.channel, {_MONTH.format("m.received_at")} AS month,
           a.portfolio_id = min(a.portfolio_id) OVER (PARTITION BY m.tenant_id, m.payment_id, a.currency)
               AS first
    FROM (SELECT DISTINCT tenant_id, payment_id, account_id, channel, received_at
          FROM {{moved}} l WHERE l.amount_minor > 0) m
    JOIN tenants t ON t.id = m.tenant_id
    JOIN accounts a ON a.tenant_id = m.tenant_id AND a.id = m.account_id AND NOT a.is_test
    GROUP BY m.tenant_id, m.payment_id, a.currency, a.portfolio_id, m.channel, m.received_at, t.timezone
) m
""",
    payments="m.first::int",
    portfolio_payments="1",
)
_BROUGHT = _activity(
    f"m.tenant_id, {_MONTH.format('m.at')} AS month, a.currency, a.portfolio_id, m.channel, '' AS charged_in",
    """
FROM {moved} m
JOIN tenants t ON t.id = m.tenant_id
JOIN accounts a ON a.tenant_id = m.tenant_id AND a.id = m.account_id AND NOT a.is_test
""",
    moved_minor="m.amount_minor",
)


def _voices(at: str, kind: str, which: str, **measures: str) -> str:
    return _activity(
        f"h.tenant_id, {_MONTH.format(f'h.{at}')} AS month, a.currency, a.portfolio_id, '-' AS channel,"
        " '' AS charged_in",
        f"""
FROM {{rows}} h
JOIN tenants t ON t.id = h.tenant_id
JOIN accounts a ON a.tenant_id = h.tenant_id AND a.id = {_OF_ACCOUNT.format("h")} AND NOT a.is_test
WHERE h.{kind} AND {which}
""",
        **measures,
    )


_HOLDS = _voices(
    "started_at", "kind IN ('complaint', 'dispute')", "true",
    complaints="h.sign * (h.kind = 'complaint')::int", disputes="h.sign * (h.kind = 'dispute')::int",
)  # fmt: skip
_OF_HOLDS = "tenant_id, account_id, debtor_id, kind, started_at, until, ended_at"
# Not what a placement file said: that answers no contact of ours.
_OPT_OUTS = _voices(
    "at", "kind = 'opt_out'", "h.source ~ '^(page|agent|api|simulation|disposition)'",
    opt_outs="h.sign",
)  # fmt: skip
_OF_PERMISSIONS = "tenant_id, NULL::bigint AS account_id, debtor_id, kind, source, at"

# The months in which an account was workable (active, and for a moment without a hold), attempted, and reached.
_REACH = f"""
SELECT a.tenant_id, a.id AS account_id, coalesce(k.channel, '') AS channel, a.currency, a.portfolio_id,
       CASE WHEN k.channel IS NULL THEN w.months ELSE '{{{{}}}}'::datemultirange END AS workable,
       coalesce(k.attempted, '{{{{}}}}') AS attempted,
       CASE WHEN k.channel IS NULL THEN coalesce(k.reached, '{{{{}}}}') ELSE '{{{{}}}}'::datemultirange END AS reached
FROM accounts a
JOIN tenants t ON t.id = a.tenant_id
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(daterange(
        date_trunc('month', lower(s) AT TIME ZONE t.timezone)::date,
        CASE WHEN upper(s) = 'infinity' THEN 'infinity' ELSE (date_trunc('month',
            (upper(s) - interval '1 microsecond') AT TIME ZONE t.timezone) + interval '1 month')::date END
    )), '{{{{}}}}') AS months
    FROM unnest(
        tstzmultirange(tstzrange(
            a.placed_on::timestamp AT TIME ZONE t.timezone,
            greatest(a.placed_on::timestamp AT TIME ZONE t.timezone, coalesce(a.closed_at, 'infinity'))))
        - coalesce((
            SELECT range_agg(tstzrange(h.started_at, greatest(h.started_at,
                       least(coalesce(h.ended_at, 'infinity'), coalesce(h.until, 'infinity')))))
            FROM holds h
            WHERE h.tenant_id = a.tenant_id AND h.debtor_id = a.debtor_id
              AND (h.account_id IS NULL OR h.account_id = a.id)), '{{{{}}}}')
    ) s
    WHERE a.status NOT IN ('received', 'validated', 'acknowledged', 'scrubbed', 'notice')
) w
CROSS JOIN LATERAL (
    SELECT c.channel,
           range_agg(daterange(c.month, (c.month + interval '1 month')::date)) FILTER (WHERE c.attempt)
               AS attempted,
           range_agg(daterange(c.month, (c.month + interval '1 month')::date)) FILTER (WHERE c.right_party)
               AS reached
    FROM (
        SELECT c.channel, {_ATTEMPT} AS attempt, c.right_party, {_MONTH.format("c.at")} AS month
        FROM contacts c WHERE c.tenant_id = a.tenant_id AND c.account_id = a.id
        UNION ALL
        SELECT c.channel, {_ATTEMPT}, c.right_party, {_MONTH.format("c.at")}
        FROM contacts c
        WHERE c.tenant_id = a.tenant_id AND c.account_id IS NULL AND c.debtor_id = a.debtor_id
          AND a.id = (SELECT min(o.id) FROM accounts o
                      WHERE o.tenant_id = a.tenant_id AND o.debtor_id = a.debtor_id)
    ) c
    WHERE c.attempt OR c.right_party
    GROUP BY GROUPING SETS ((), (c.channel))
) k
WHERE NOT a.is_test {{among}}
"""
# Each run of months adds an account where it begins and takes it away where it ends. Of the runs of an account
# that touch a period, those that count are the ones whose predecessor ended before the period: `before`.
_SPANS = """
SELECT r.tenant_id, r.currency, CASE r.channel WHEN '' THEN r.portfolio_id ELSE 0 END AS portfolio_id,
       r.channel, r.series, e.at, e.before, e.accounts
FROM (
    SELECT r.tenant_id, r.currency, r.portfolio_id, r.channel, s.series, lower(m) AS began, upper(m) AS ended,
           coalesce(lag(upper(m)) OVER (PARTITION BY r.tenant_id, r.account_id, r.channel, s.series
                                        ORDER BY lower(m)), '-infinity'::date) AS before
    FROM unnest(numbers) n
    JOIN report_reach r ON r.tenant_id = owner AND r.account_id = n
    CROSS JOIN LATERAL (VALUES
        ('workable', r.workable), ('attempted', r.attempted), ('reached', r.reached),
        ('workable_or_attempted', CASE WHEN r.channel = '' THEN r.workable + r.attempted ELSE '{}' END),
        ('workable_or_reached', CASE WHEN r.channel = '' THEN r.workable + r.reached ELSE '{}' END)
    ) s(series, months)
    CROSS JOIN LATERAL unnest(s.months) m
) r
CROSS JOIN LATERAL (VALUES (r.began, r.before, 1), ('infinity'::date, r.ended, -1)) e(at, before, accounts)
WHERE e.before < 'infinity'
"""


def _raw(table: str, columns: str) -> str:
    return f"(SELECT 1 AS sign, {columns} FROM {table})"


def _changed(operation: str, columns: str) -> str:
    """The rows of a statement with their signs."""
    parts = {
        "added": f"SELECT 1 AS sign, {columns} FROM added",
        "gone": f"SELECT -1 AS sign, {columns} FROM gone",
    }
    named = {"INSERT": ("added",), "UPDATE": ("added", "gone"), "DELETE": ("gone",)}[operation]
    return "(" + " UNION ALL ".join(parts[name] for name in named) + ")"


def _add(table: str, facts: str) -> str:
    """Add the sums of facts to a bag, but for those that come to nothing."""
    keys, sums = _BAGS[table]
    names, summed = ", ".join(sums), ", ".join(f"sum({name})" for name in sums)
    told = " OR ".join(f"sum({name}) <> 0" for name in sums)
    return (
        f"INSERT INTO {table} ({', '.join(keys)}, {names})"
        f" SELECT {', '.join(keys)}, {summed} FROM ({facts}) f GROUP BY {', '.join(keys)} HAVING {told}"
    )


def _columns(table: str) -> str:
    return ", ".join(name for group in _BAGS[table] for name in group)


def _views() -> dict[str, str]:
    moved = f"({_MOVED.format(rows='allocations')})"
    activity = [
        _CONTACTS.format(told=f"({_TOLD.format(rows=_raw('contacts', _OF_CONTACTS))})"),
        _PROMISES.format(rows=_raw("promises", _OF_PROMISES)),
        _RECEIVED.format(moved=moved),
        _BROUGHT.format(moved=moved),
        _HOLDS.format(rows=_raw("holds", _OF_HOLDS)),
        _OPT_OUTS.format(rows=_raw("permissions", _OF_PERMISSIONS)),
    ]
    return {
        "report_placed_facts": _PLACED.format(rows=_raw("accounts", _OF_ACCOUNTS)),
        "report_money_facts": _MONEY.format(moved=moved),
        "report_activity_facts": " UNION ALL ".join(activity),
        "report_reach_facts": _REACH.format(among=""),
    }


def _trigger(table: str, operation: str, body: str) -> list[str]:
    name = f"recupero_report_{table}_{operation.lower()}"
    referencing = {
        "INSERT": "NEW TABLE AS added",
        "UPDATE": "NEW TABLE AS added OLD TABLE AS gone",
        "DELETE": "OLD TABLE AS gone",
    }[operation]
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$ BEGIN {body} RETURN NULL; END $$",
        f"CREATE TRIGGER report_{operation.lower()} AFTER {operation} ON {table} REFERENCING {referencing}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
    ]


def _on_accounts(operation: str) -> str:
    rows = _changed(operation, _OF_ACCOUNTS)
    stale = (
        "INSERT INTO report_stale (tenant_id, account_id) SELECT tenant_id, id"
        f" FROM {rows} a GROUP BY tenant_id, id, status, placed_on, closed_at, is_test HAVING sum(sign) <> 0"
    )
    return f"{_add('report_placed', _PLACED.format(rows=rows))}; {stale};"


def _on_contacts(operation: str) -> str:
    told = _TOLD.format(rows=_changed(operation, _OF_CONTACTS))
    return (
        f"WITH told AS MATERIALIZED ({told}), stale AS ("
        " INSERT INTO report_stale (tenant_id, account_id) SELECT tenant_id, account_id FROM told"
        " GROUP BY tenant_id, account_id, channel, month"
        " HAVING sum(sign * attempts) <> 0 OR sum(sign * right_party) <> 0)"
        f" {_add('report_activity', _CONTACTS.format(told='told'))};"
    )


def _on_holds(operation: str) -> str:
    rows = _changed(operation, _OF_HOLDS)
    stale = (
        "INSERT INTO report_stale (tenant_id, account_id) SELECT DISTINCT a.tenant_id, a.id"
        f" FROM {rows} h JOIN accounts a ON a.tenant_id = h.tenant_id AND a.debtor_id = h.debtor_id"
        " AND (h.account_id IS NULL OR h.account_id = a.id)"
    )
    return f"{_add('report_activity', _HOLDS.format(rows=rows))}; {stale};"


def _on_allocations() -> str:
    """What the payments of these moves count for now, less what they counted for before. What each move is
    worth is worked out once for all that is counted."""

    def facts(moved: str, sign: int) -> list[str]:
        kinds = [(_MONEY, _MONEY_KEYS, _MONEY_SUMS), (_RECEIVED, _ACTIVITY_KEYS, _ACTIVITY_SUMS),
                 (_BROUGHT, _ACTIVITY_KEYS, _ACTIVITY_SUMS)]  # fmt: skip
        told = []
        for template, keys, sums in kinds:
            columns = ", ".join([*keys, *(f"{sign} * {name} AS {name}" for name in sums)])
            told.append(f"SELECT {columns} FROM ({template.format(moved=moved)}) f")
        return told

    def added(moved: dict[str, str], told: list[list[str]]) -> str:
        known = ", ".join(
            f"{name} AS MATERIALIZED ({_MOVED.format(rows=rows)})" for name, rows in moved.items()
        )
        money = _add("report_money", " UNION ALL ".join(one[0] for one in told))
        activity = _add("report_activity", " UNION ALL ".join(part for one in told for part in one[1:]))
        return f"WITH {known}, money AS ({money}) {activity};"

    columns = "tenant_id, id, payment_id, transaction_id, account_id, amount_minor, fee_minor, tax_minor, at"
    every = (
        "(SELECT l.* FROM (SELECT DISTINCT tenant_id, payment_id FROM added) d"
        " JOIN allocations l ON l.tenant_id = d.tenant_id AND l.payment_id = d.payment_id)"
    )
    before = f"(SELECT {columns} FROM {every} l EXCEPT ALL SELECT {columns} FROM added)"
    alone = added({"alone": "added"}, [facts("alone", 1)])
    changed = added({"now": every, "was": before}, [facts("now", 1), facts("was", -1)])
    return f"IF (SELECT count(*) FROM added) = (SELECT count(*) FROM {every} l) THEN {alone} ELSE {changed} END IF;"


def _triggers() -> list[str]:
    made = _trigger("allocations", "INSERT", _on_allocations())
    for operation in ("INSERT", "UPDATE", "DELETE"):
        promises = _PROMISES.format(rows=_changed(operation, _OF_PROMISES))
        opt_outs = _OPT_OUTS.format(rows=_changed(operation, _OF_PERMISSIONS))
        made += _trigger("accounts", operation, _on_accounts(operation))
        made += _trigger("contacts", operation, _on_contacts(operation))
        made += _trigger("holds", operation, _on_holds(operation))
        made += _trigger("promises", operation, f"{_add('report_activity', promises)};")
        made += _trigger("permissions", operation, f"{_add('report_activity', opt_outs)};")
    return made


def _fold(table: str) -> str:
    keys, sums = _BAGS[table]
    return (
        f"WITH gone AS (DELETE FROM {table} WHERE tenant_id = owner AND NOT folded RETURNING *)"
        f" INSERT INTO {table} AS r (folded, {_columns(table)})"
        f" SELECT true, {', '.join(keys)}, {', '.join(f'sum({name})' for name in sums)}"
        f" FROM gone GROUP BY {', '.join(keys)}"
        f" ON CONFLICT ({', '.join(keys)}) WHERE folded DO UPDATE SET"
        f" {', '.join(f'{name} = r.{name} + excluded.{name}' for name in sums)};"
    )


def _functions() -> list[str]:
    lock = "PERFORM pg_advisory_xact_lock(hashtextextended('recupero_report', owner));"
    keys = ", ".join(_SPANS_KEYS)

    def spans(sign: str) -> str:
        return (
            f"INSERT INTO report_spans ({keys}, accounts)"
            f" SELECT {keys}, {sign}sum(accounts) FROM ({_SPANS}) s GROUP BY {keys} HAVING sum(accounts) <> 0;"
        )

    reach = f"""
CREATE FUNCTION recupero_report_reach(owner bigint) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE numbers bigint[]; newest bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM report_stale WHERE tenant_id = owner) THEN RETURN; END IF;
    {lock}
    LOOP
        SELECT max(id) INTO newest
        FROM (SELECT id FROM report_stale WHERE tenant_id = owner ORDER BY id LIMIT 10000) s;
        WITH gone AS (DELETE FROM report_stale WHERE tenant_id = owner AND id <= newest RETURNING account_id)
        SELECT array_agg(DISTINCT account_id) INTO numbers FROM gone;
        EXIT WHEN numbers IS NULL;
        {spans("-")}
        DELETE FROM report_reach r USING unnest(numbers) n WHERE r.tenant_id = owner AND r.account_id = n;
        INSERT INTO report_reach (tenant_id, account_id, channel, currency, portfolio_id, workable, attempted, reached)
        {_REACH.format(among="AND a.tenant_id = owner AND a.id IN (SELECT unnest(numbers))")};
        {spans("")}
    END LOOP;
END $$
"""
    fold = f"""
CREATE FUNCTION recupero_report_fold(owner bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recupero_report_reach(owner);
    {lock}
    {" ".join(_fold(table) for table in _BAGS)}
END $$
"""
    rebuilt = []
    for table in ("report_placed", "report_money", "report_activity"):
        facts = f"SELECT * FROM {table}_facts WHERE tenant_id = owner"
        rebuilt.append(f"WITH gone AS (DELETE FROM {table} WHERE tenant_id = owner) {_add(table, facts)};")
    rebuild = f"""
CREATE FUNCTION recupero_report_rebuild(owner bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    {lock}
    {" ".join(rebuilt)}
    DELETE FROM report_reach WHERE tenant_id = owner;
    DELETE FROM report_spans WHERE tenant_id = owner;
    INSERT INTO report_stale (tenant_id, account_id) SELECT tenant_id, id FROM accounts WHERE tenant_id = owner;
    PERFORM recupero_report_fold(owner);
END $$
"""
    return [reach, fold, rebuild]


# A role that owns the tables but may not bypass row-level security sees rows in a scope only.
_FILL = """
DO $$ DECLARE owner bigint; BEGIN
    PERFORM set_config('app.platform', 'on', true);
    FOR owner IN SELECT id FROM tenants ORDER BY id LOOP
        PERFORM set_config('app.tenant_ids', owner::text, true);
        PERFORM recupero_report_rebuild(owner);
    END LOOP;
    PERFORM set_config('app.tenant_ids', '', true), set_config('app.platform', '', true);
END $$
"""


def upgrade() -> None:
    for name, statement in _views().items():
        op.execute(f"CREATE VIEW {name} WITH (security_invoker = true) AS {statement}")
        op.execute(f"GRANT SELECT ON {name} TO recupero_app")
    for statement in [*_functions(), *_triggers(), _FILL]:
        op.execute(statement)


def downgrade() -> None:
    for table, operations in _TRIGGERED.items():
        for operation in operations:
            op.execute(f"DROP TRIGGER report_{operation} ON {table}")
            op.execute(f"DROP FUNCTION recupero_report_{table}_{operation}()")
    for name in ("rebuild", "fold", "reach"):
        op.execute(f"DROP FUNCTION recupero_report_{name}(bigint)")
    for name in ("placed", "money", "activity", "reach"):
        op.execute(f"DROP VIEW report_{name}_facts")
