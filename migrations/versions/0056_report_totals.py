"""Money and accounts of reports, carried forward: a report reads what stands at the end of its period and adds
up no history.

Folding makes the rows of `report_flows` and `report_runs` anew whose summands it has just folded; a report adds
what waits to be folded. The other two bags are folded as before (0048).
"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)

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
_LOCK = "PERFORM pg_advisory_xact_lock(hashtextextended('recupero_report', owner));"

# A move counts once its month and the placement month of its account have begun.
_SUMMED = ", ".join(f"sum({name})::bigint" for name in _MONEY_SUMS)
_SO_FAR = ", ".join(f"(sum(sum({name})) OVER so_far)::bigint" for name in _MONEY_SUMS)
_FLOWS = f"""
DELETE FROM report_flows
WHERE tenant_id = owner AND (batch_id = ANY(batches) OR cohort = ANY(cohorts) OR portfolio_id = ANY(portfolios));
INSERT INTO report_flows (tenant_id, currency, portfolio_id, batch_id, cohort, month, direct, since, until,
                          {", ".join(_MONEY_SUMS)})
SELECT owner, currency, portfolio_id, NULL::bigint, NULL::date, month, direct, greatest(month, cohort),
       'infinity'::date, {_SUMMED}
FROM report_money WHERE tenant_id = owner AND folded AND portfolio_id = ANY(portfolios)
GROUP BY currency, portfolio_id, month, direct, greatest(month, cohort)
UNION ALL
SELECT owner, currency, NULL, NULL, cohort, month, NULL, greatest(month, cohort), 'infinity', {_SUMMED}
FROM report_money WHERE tenant_id = owner AND folded AND cohort = ANY(cohorts)
GROUP BY currency, cohort, month
UNION ALL
SELECT owner, currency, NULL, batch_id, NULL, NULL, NULL, greatest(month, cohort),
       lead(greatest(month, cohort), 1, 'infinity') OVER so_far, {_SO_FAR}
FROM report_money WHERE tenant_id = owner AND folded AND batch_id = ANY(batches)
GROUP BY currency, batch_id, greatest(month, cohort)
WINDOW so_far AS (PARTITION BY currency, batch_id ORDER BY greatest(month, cohort));
"""
_SINCE = "CASE at WHEN 'infinity' THEN '-infinity' ELSE at END"
_OF_SPANS = (
    "tenant_id = owner AND portfolio_id = ANY(portfolios) AND channel = ANY(channels) AND before = ANY(ends)"
)
_RUNS = f"""
DELETE FROM report_runs WHERE {_OF_SPANS};
INSERT INTO report_runs (tenant_id, currency, portfolio_id, channel, series, before, since, until, accounts)
SELECT owner, currency, portfolio_id, channel, series, before, since,
       lead(since, 1, 'infinity') OVER so_far, (sum(accounts) OVER so_far)::bigint
FROM (SELECT *, {_SINCE} AS since FROM report_spans WHERE folded AND {_OF_SPANS}) s
WINDOW so_far AS (PARTITION BY currency, portfolio_id, channel, series, before ORDER BY since);
"""


def _fold(table: str, then: str = "") -> str:
    """Make one row of the many of each key; `then` may say what to keep of them."""
    keys, sums = _BAGS[table]
    into = f"{', '.join(keys)}, {', '.join(sums)}"
    put = (
        f"INSERT INTO {table} AS r (folded, {into})"
        f" SELECT true, {', '.join(keys)}, {', '.join(f'sum({name})' for name in sums)}"
        f" FROM gone GROUP BY {', '.join(keys)}"
        f" ON CONFLICT ({', '.join(keys)}) WHERE folded DO UPDATE SET"
        f" {', '.join(f'{name} = r.{name} + excluded.{name}' for name in sums)}"
    )
    gone = f"WITH gone AS (DELETE FROM {table} WHERE tenant_id = owner AND NOT folded RETURNING *)"
    return f"{gone}, put AS ({put}) {then} FROM gone;" if then else f"{gone} {put};"


def _touched(**found: str) -> str:
    names = [f"array_agg(DISTINCT {column})" for column in found.values()]
    return f"SELECT {', '.join(names)} INTO {', '.join(found)}"


def _functions(*, carried: bool) -> list[str]:
    """Folding and rebuilding, with what is carried forward or, as before, without."""
    money = _touched(batches="batch_id", cohorts="cohort", portfolios="portfolio_id")
    spans = _touched(portfolios="portfolio_id", channels="channel", ends="before")
    folded = [_fold("report_placed"), _fold("report_activity")]
    if carried:
        folded += [_fold("report_money", money), _FLOWS, _fold("report_spans", spans), _RUNS]
    else:
        folded += [_fold("report_money"), _fold("report_spans")]
    fold = f"""
CREATE OR REPLACE FUNCTION recupero_report_fold(owner bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE batches bigint[]; portfolios bigint[]; cohorts date[]; ends date[]; channels text[];
BEGIN
    PERFORM recupero_report_reach(owner);
    {_LOCK}
    {" ".join(folded)}
END $$
"""
    emptied = ("report_flows", "report_runs") if carried else ()
    made = []
    for table in ("report_placed", "report_money", "report_activity"):
        keys, sums = _BAGS[table]
        told = " OR ".join(f"sum({name}) <> 0" for name in sums)
        made.append(
            f"WITH gone AS (DELETE FROM {table} WHERE tenant_id = owner)"
            f" INSERT INTO {table} ({', '.join(keys)}, {', '.join(sums)})"
            f" SELECT {', '.join(keys)}, {', '.join(f'sum({name})' for name in sums)}"
            f" FROM {table}_facts WHERE tenant_id = owner GROUP BY {', '.join(keys)} HAVING {told};"
        )
    rebuild = f"""
CREATE OR REPLACE FUNCTION recupero_report_rebuild(owner bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    {_LOCK}
    {" ".join(made)}
    DELETE FROM report_reach WHERE tenant_id = owner;
    DELETE FROM report_spans WHERE tenant_id = owner;
    {" ".join(f"DELETE FROM {table} WHERE tenant_id = owner;" for table in emptied)}
    INSERT INTO report_stale (tenant_id, account_id) SELECT tenant_id, id FROM accounts WHERE tenant_id = owner;
    PERFORM recupero_report_fold(owner);
END $$
"""
    return [fold, rebuild]


# A role that owns the tables but may not bypass row-level security sees rows in a scope only.
_FILL = """
DO $$ DECLARE owner bigint; BEGIN
    PERFORM set_config('app.platform', 'on', true);
    FOR owner IN SELECT id FROM tenants ORDER BY id LOOP
        PERFORM set_config('app.tenant_ids', owner::text, true);
        UPDATE report_money SET folded = false WHERE tenant_id = owner AND folded;
        UPDATE report_spans SET folded = false WHERE tenant_id = owner AND folded;
        PERFORM recupero_report_fold(owner);
    END LOOP;
    PERFORM set_config('app.tenant_ids', '', true), set_config('app.platform', '', true);
END $$
"""


def upgrade() -> None:
    op.create_table(
        "report_flows",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("cohort", sa.Date(), nullable=True),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("direct", sa.Boolean(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("received_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_flows")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_report_flows_until", "report_flows", ["tenant_id", "until"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_flows TO recupero_app")
    op.execute("ALTER TABLE report_flows ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_flows FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_flows USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_flows ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "report_runs",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("series", sa.String(length=24), nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_runs")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_report_runs_until", "report_runs", ["tenant_id", "until", "since"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_runs TO recupero_app")
    op.execute("ALTER TABLE report_runs ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_runs FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_runs USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_runs ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    for statement in [*_functions(carried=True), _FILL]:
        op.execute(statement)


def downgrade() -> None:
    for statement in _functions(carried=False):
        op.execute(statement)
    op.drop_table("report_runs")
    op.drop_table("report_flows")
