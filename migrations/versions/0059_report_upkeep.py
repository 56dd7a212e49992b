"""What keeps the roll-ups is lighter for moves of money.

What counts is said by the templates of 0048, of which the views are made; here it is said once more in the form
in which a statement's rows are quickest to count. `recupero reports check` proves that both say the same.

The planner keeps a trigger's plan for a session, whatever number of rows it was made for: after a bulk load it
read all payments of a tenant for each single one. So rows are looked up one by one, by their keys.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

_MONTH = "date_trunc('month', {0} AT TIME ZONE t.timezone)::date"
_MONEY_KEYS = ("tenant_id", "currency", "portfolio_id", "batch_id", "cohort", "month", "direct")
_MONEY_SUMS = ("received_minor", "reversed_minor", "fee_minor", "tax_minor")
_ACTIVITY_KEYS = ("tenant_id", "month", "currency", "portfolio_id", "channel", "charged_in")
_PAYMENT_SUMS = ("payments", "portfolio_payments", "moved_minor")


# Payments that come onto one account each and have not moved before: what nearly all are. They are added up before
# anything is looked up for them.
_PLAIN = f"""
SELECT l.tenant_id, a.currency, a.portfolio_id, a.batch_id, date_trunc('month', a.placed_on::timestamp)::date AS cohort,
       {_MONTH.format("p.received_at")} AS month, p.kind IN ('direct', 'connect') AS direct,
       coalesce(p.channel, '') AS channel, sum(l.amount_minor) AS received_minor, 0 AS reversed_minor,
       sum(l.fee_minor) AS fee_minor, sum(l.tax_minor) AS tax_minor, sum(l.paid) AS payments,
       sum(l.paid) AS portfolio_payments, sum(l.amount_minor) AS moved_minor
FROM (SELECT tenant_id, payment_id, min(account_id) AS account_id, sum(amount_minor)::bigint AS amount_minor,
             sum(fee_minor)::bigint AS fee_minor, sum(tax_minor)::bigint AS tax_minor,
             max((amount_minor > 0)::int) AS paid
      FROM added GROUP BY 1, 2) l
JOIN payments p ON p.tenant_id = l.tenant_id AND p.id = l.payment_id
JOIN tenants t ON t.id = l.tenant_id
JOIN accounts a ON a.tenant_id = l.tenant_id AND a.id = l.account_id AND NOT a.is_test
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""

# The first move of a payment is dated when the money came, later ones when they happened. A move that takes more
# off than it puts on is a reversal. A payment counts with the first row of each portfolio that it put money on.
_MOVED = f"""
SELECT {{sign}} AS sign, l.tenant_id, a.currency, a.portfolio_id, a.batch_id,
       date_trunc('month', a.placed_on::timestamp)::date AS cohort,
       {_MONTH.format("CASE WHEN l.transaction_id = min(l.transaction_id) OVER payment THEN p.received_at ELSE l.at END")}
           AS month,
       {_MONTH.format("p.received_at")} AS came, p.kind IN ('direct', 'connect') AS direct,
       coalesce(p.channel, '') AS channel, l.amount_minor, l.fee_minor, l.tax_minor,
       sum(l.amount_minor) OVER step < 0 AS taken_back,
       l.id = min(l.id) FILTER (WHERE l.amount_minor > 0) OVER currency AS pays,
       l.id = min(l.id) FILTER (WHERE l.amount_minor > 0) OVER portfolio AS pays_portfolio
FROM {{rows}} l
JOIN payments p ON p.tenant_id = l.tenant_id AND p.id = l.payment_id
JOIN tenants t ON t.id = l.tenant_id
LEFT JOIN accounts a ON a.tenant_id = l.tenant_id AND a.id = l.account_id AND NOT a.is_test
WINDOW payment AS (PARTITION BY l.tenant_id, l.payment_id),
       step AS (PARTITION BY l.tenant_id, l.payment_id, l.transaction_id),
       currency AS (PARTITION BY l.tenant_id, l.payment_id, a.currency),
       portfolio AS (PARTITION BY l.tenant_id, l.payment_id, a.currency, a.portfolio_id)
"""
_COUNTED = """
SELECT tenant_id, currency, portfolio_id, batch_id, cohort, x.month, direct, channel, x.received_minor,
       x.reversed_minor, x.fee_minor, x.tax_minor, x.payments, x.portfolio_payments, x.moved_minor
FROM ({moved}) m
CROSS JOIN LATERAL (
    SELECT m.month, CASE WHEN taken_back THEN 0 ELSE sign * amount_minor END AS received_minor,
           CASE WHEN taken_back THEN sign * amount_minor ELSE 0 END AS reversed_minor,
           sign * fee_minor AS fee_minor, sign * tax_minor AS tax_minor, 0 AS payments,
           0 AS portfolio_payments, sign * amount_minor AS moved_minor
    UNION ALL
    SELECT came, 0, 0, 0, 0, sign * pays::int, sign, 0 WHERE pays_portfolio
) x
WHERE portfolio_id IS NOT NULL
"""


def _add(table: str, keys: tuple[str, ...], sums: tuple[str, ...], facts: str) -> str:
    """Add the sums of facts to a bag, but for those that come to nothing."""
    names, summed = ", ".join(sums), ", ".join(f"sum({name})" for name in sums)
    told = " OR ".join(f"sum({name}) <> 0" for name in sums)
    return (
        f"INSERT INTO {table} ({', '.join(keys)}, {names})"
        f" SELECT {', '.join(keys)}, {summed} FROM ({facts}) f GROUP BY {', '.join(keys)} HAVING {told}"
    )


def _on_allocations() -> str:
    """What the payments of these moves count for now, less what they counted for before."""

    def added(known: str) -> str:
        activity = "SELECT *, '' AS charged_in FROM known"
        return (
            f"WITH known AS MATERIALIZED ({known}),"
            f" money AS ({_add('report_money', _MONEY_KEYS, _MONEY_SUMS, 'SELECT * FROM known')})"
            f" {_add('report_activity', _ACTIVITY_KEYS, _PAYMENT_SUMS, activity)};"
        )

    every = (
        "(SELECT l.* FROM (SELECT DISTINCT tenant_id, payment_id FROM added) d"
        " JOIN allocations l ON l.tenant_id = d.tenant_id AND l.payment_id = d.payment_id)"
    )
    before = f"(SELECT * FROM {every} l WHERE NOT EXISTS (SELECT FROM added d WHERE d.id = l.id))"
    moved = f"{_MOVED.format(sign=1, rows=every)} UNION ALL {_MOVED.format(sign=-1, rows=before)}"
    unlike = (
        "SELECT FROM added d LEFT JOIN LATERAL (SELECT true AS other FROM allocations l"
        " WHERE l.tenant_id = d.tenant_id AND l.payment_id = d.payment_id"
        " AND (l.id - (SELECT min(id) FROM added) < 0 OR l.transaction_id <> d.transaction_id"
        " OR l.account_id IS DISTINCT FROM d.account_id) LIMIT 1) o ON true"
        " WHERE other OR d.account_id IS NULL OR d.amount_minor < 0"
    )
    return f"IF EXISTS ({unlike}) THEN {added(_COUNTED.format(moved=moved))} ELSE {added(_PLAIN)} END IF;"


_ONE_BY_ONE = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"


_OTHERS = [
    f"ALTER FUNCTION recupero_report_{table}_{operation}()"
    for table in ("accounts", "contacts", "holds", "promises", "permissions")
    for operation in ("insert", "update", "delete")
]


def upgrade() -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION recupero_report_allocations_insert() RETURNS trigger LANGUAGE plpgsql"
        f" {_ONE_BY_ONE} SET enable_sort = off AS $$ BEGIN {_on_allocations()} RETURN NULL; END $$"
    )
    for function in _OTHERS:
        op.execute(f"{function} {_ONE_BY_ONE}")


def downgrade() -> None:
    """As 0048 made them."""
    for function in _OTHERS:
        op.execute(f"{function} RESET enable_hashjoin RESET enable_mergejoin")
    spec = spec_from_file_location("facts", Path(__file__).with_name("0048_report_facts.py"))
    assert spec and spec.loader
    before = module_from_spec(spec)
    spec.loader.exec_module(before)
    function, _trigger = before._trigger("allocations", "INSERT", before._on_allocations())
    op.execute(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
