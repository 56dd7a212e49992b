"""A rebuild of the roll-ups reads a creditor's contacts once, not account by account.

Folding looks at each account that changed by its index, which suits the few of a minute. A rebuild looks at all
of them: over twenty million contacts those single looks were most of its time.
"""

from alembic import op

revision = "0095"
down_revision = "0091"
branch_labels = None
depends_on = None

_BAGS = {
    "report_placed": (
        "tenant_id, currency, portfolio_id, batch_id, cohort, closed, code",
        "accounts placed_minor invalid_minor owing balance_minor",
    ),
    "report_money": (
        "tenant_id, currency, portfolio_id, batch_id, cohort, month, direct",
        "received_minor reversed_minor fee_minor tax_minor",
    ),
    "report_activity": (
        "tenant_id, month, currency, portfolio_id, channel, charged_in",
        "attempts connects answered right_party out_of_policy delivered opened clicked charged cost_micro"
        " promises due kept partly broken promised_minor counted_minor payments portfolio_payments moved_minor"
        " complaints disputes opt_outs",
    ),
}
_ATTEMPT = (
    "(c.direction = 'outbound' AND (c.state IN ('sent', 'delivered', 'answered', 'no_answer', 'unknown')"
    " OR (c.state = 'failed' AND c.disposition IN ('BNCE', 'DISC'))))"
)
_MONTH = "daterange(month, (month + interval '1 month')::date)"

# What an account's months were, as folding says it (0048): a contact about no account in particular is counted
# with the debtor's first.
_REACH = f"""
INSERT INTO report_reach (tenant_id, account_id, channel, currency, portfolio_id, workable, attempted, reached)
WITH firsts AS (
    SELECT debtor_id, min(id) AS account_id FROM accounts WHERE tenant_id = owner GROUP BY debtor_id
), seen AS (
    SELECT coalesce(c.account_id, f.account_id) AS account_id, c.channel,
           date_trunc('month', c.at AT TIME ZONE t.timezone)::date AS month,
           bool_or({_ATTEMPT}) AS attempt, bool_or(c.right_party) AS right_party
    FROM contacts c
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN firsts f ON c.account_id IS NULL AND f.debtor_id = c.debtor_id
    WHERE c.tenant_id = owner AND ({_ATTEMPT} OR c.right_party)
    GROUP BY 1, 2, 3
), kept AS (
    SELECT account_id, coalesce(channel, '') AS channel,
           range_agg({_MONTH}) FILTER (WHERE attempt) AS attempted,
           range_agg({_MONTH}) FILTER (WHERE right_party) AS reached
    FROM seen
    GROUP BY GROUPING SETS ((account_id), (account_id, channel))
), stopped AS (
    SELECT a.id AS account_id,
           range_agg(tstzrange(h.started_at, greatest(h.started_at,
               least(coalesce(h.ended_at, 'infinity'), coalesce(h.until, 'infinity'))))) AS times
    FROM holds h
    JOIN accounts a ON a.tenant_id = h.tenant_id AND a.debtor_id = h.debtor_id
     AND (h.account_id IS NULL OR h.account_id = a.id)
    WHERE h.tenant_id = owner
    GROUP BY a.id
)
SELECT a.tenant_id, a.id, coalesce(k.channel, ''), a.currency, a.portfolio_id,
       CASE WHEN k.channel <> '' THEN '{{}}'::datemultirange ELSE w.months END,
       coalesce(k.attempted, '{{}}'),
       CASE WHEN k.channel <> '' THEN '{{}}'::datemultirange ELSE coalesce(k.reached, '{{}}') END
FROM accounts a
JOIN tenants t ON t.id = a.tenant_id
LEFT JOIN stopped s ON s.account_id = a.id
LEFT JOIN kept k ON k.account_id = a.id
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(daterange(
        date_trunc('month', lower(o) AT TIME ZONE t.timezone)::date,
        CASE WHEN upper(o) = 'infinity' THEN 'infinity' ELSE (date_trunc('month',
            (upper(o) - interval '1 microsecond') AT TIME ZONE t.timezone) + interval '1 month')::date END
    )), '{{}}') AS months
    FROM unnest(
        tstzmultirange(tstzrange(
            a.placed_on::timestamp AT TIME ZONE t.timezone,
            greatest(a.placed_on::timestamp AT TIME ZONE t.timezone, coalesce(a.closed_at, 'infinity'))))
        - coalesce(s.times, '{{}}')
    ) o
    WHERE a.status NOT IN ('received', 'validated', 'acknowledged', 'scrubbed', 'notice')
) w
WHERE NOT a.is_test AND a.tenant_id = owner;
"""
_SPANS = """
INSERT INTO report_spans (tenant_id, currency, portfolio_id, channel, series, at, before, accounts)
SELECT owner, s.currency, s.portfolio_id, s.channel, s.series, e.at, e.before, sum(e.accounts)
FROM (
    SELECT r.currency, CASE r.channel WHEN '' THEN r.portfolio_id ELSE 0 END AS portfolio_id, r.channel, s.series,
           lower(m) AS began, upper(m) AS ended,
           coalesce(lag(upper(m)) OVER (PARTITION BY r.account_id, r.channel, s.series ORDER BY lower(m)),
                    '-infinity'::date) AS before
    FROM report_reach r
    CROSS JOIN LATERAL (VALUES
        ('workable', r.workable), ('attempted', r.attempted), ('reached', r.reached),
        ('workable_or_attempted', CASE WHEN r.channel = '' THEN r.workable + r.attempted ELSE '{}' END),
        ('workable_or_reached', CASE WHEN r.channel = '' THEN r.workable + r.reached ELSE '{}' END)
    ) s(series, months)
    CROSS JOIN LATERAL unnest(s.months) m
    WHERE r.tenant_id = owner
) s
CROSS JOIN LATERAL (VALUES (s.began, s.before, 1), ('infinity'::date, s.ended, -1)) e(at, before, accounts)
WHERE e.before < 'infinity'
GROUP BY s.currency, s.portfolio_id, s.channel, s.series, e.at, e.before
HAVING sum(e.accounts) <> 0;
"""


def _made_anew(table: str) -> str:
    keys, measures = _BAGS[table]
    sums = ", ".join(f"sum({name})" for name in measures.split())
    told = " OR ".join(f"sum({name}) <> 0" for name in measures.split())
    return (
        f"WITH gone AS (DELETE FROM {table} WHERE tenant_id = owner)"
        f" INSERT INTO {table} ({keys}, {', '.join(measures.split())})"
        f" SELECT {keys}, {sums} FROM {table}_facts WHERE tenant_id = owner GROUP BY {keys} HAVING {told};"
    )


def _rebuild(*, in_one_reading: bool) -> str:
    """Rebuilding. What others change meanwhile they also leave in `report_stale`, for the next folding."""
    each = "INSERT INTO report_stale (tenant_id, account_id) SELECT tenant_id, id FROM accounts WHERE tenant_id = owner;"
    settings = "SET work_mem TO '256MB'" if in_one_reading else ""
    return f"""
CREATE OR REPLACE FUNCTION recupero_report_rebuild(owner bigint) RETURNS void LANGUAGE plpgsql {settings} AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('recupero_report', owner));
    {" ".join(map(_made_anew, _BAGS))}
    DELETE FROM report_reach WHERE tenant_id = owner;
    DELETE FROM report_spans WHERE tenant_id = owner;
    DELETE FROM report_flows WHERE tenant_id = owner;
    DELETE FROM report_runs WHERE tenant_id = owner;
    {_REACH + _SPANS if in_one_reading else each}
    PERFORM recupero_report_fold(owner);
END $$
"""


def upgrade() -> None:
    op.execute(_rebuild(in_one_reading=True))


def downgrade() -> None:
    op.execute(_rebuild(in_one_reading=False))
