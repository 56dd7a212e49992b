"""What portfolios and gateways hold is kept as it changes: pages that tell it read no accounts and no payments.

Like the roll-ups of reports (0048): a trigger adds to a bag what its statement changed and changes no row of it;
folding makes one row of many, rebuilding makes all anew from the views over the raw rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)
_OVER = "('resolved', 'exhausted', 'closed', 'returned', 'recalled')"
# Of each bag: its key, what is summed, and that as a change of the rows `{rows}` of its table, with their `sign`.
_BAGS = {
    "portfolio_sums": (
        "portfolio_id", ("accounts", "open_accounts", "placed_minor", "balance_minor"),
        "accounts", "tenant_id, portfolio_id, status, placed_minor, balance_minor",
        "SELECT tenant_id, portfolio_id, sign AS accounts,"
        f" CASE WHEN status IN {_OVER} THEN 0 ELSE sign END AS open_accounts,"
        " sign * placed_minor AS placed_minor, sign * balance_minor AS balance_minor FROM {rows} r",
    ),
    "gateway_sums": (
        "currency", ("held_minor",),
        "payments", "tenant_id, currency, kind, amount_minor, refunded_minor, charged_back_minor",
        "SELECT tenant_id, currency, sign * (amount_minor - refunded_minor - charged_back_minor) AS held_minor"
        " FROM {rows} r WHERE kind = 'gateway'",
    ),
}  # fmt: skip
_CHANGED = {"insert": {"added": 1}, "update": {"added": 1, "gone": -1}, "delete": {"gone": -1}}


def _signed(parts: dict[str, int], columns: str) -> str:
    told = (f"SELECT {sign} AS sign, {columns} FROM {rows}" for rows, sign in parts.items())
    return f"({' UNION ALL '.join(told)})"


def _add(bag: str, facts: str) -> str:
    """Put the sums of facts in, but for those that come to nothing."""
    key, sums, *_ = _BAGS[bag]
    summed, told = ", ".join(f"sum({one})" for one in sums), " OR ".join(f"sum({one}) <> 0" for one in sums)
    return (
        f"INSERT INTO {bag} (tenant_id, {key}, {', '.join(sums)})"
        f" SELECT tenant_id, {key}, {summed} FROM ({facts}) f GROUP BY tenant_id, {key} HAVING {told};"
    )


def _follow(bag: str) -> None:
    """The view over the raw rows, and the triggers on their table."""
    _key, _sums, table, columns, facts = _BAGS[bag]
    raw = facts.format(rows=_signed({table: 1}, columns))
    op.execute(f"CREATE VIEW {bag}_facts WITH (security_invoker = true) AS {raw}")
    op.execute(f"GRANT SELECT ON {bag}_facts TO recupero_app")
    for operation, parts in _CHANGED.items():
        body = _add(bag, facts.format(rows=_signed(parts, columns)))
        seen = {"added": "NEW TABLE AS added", "gone": "OLD TABLE AS gone"}
        op.execute(
            f"CREATE FUNCTION recupero_{bag}_{operation}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN {body} RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER sums_{operation} AFTER {operation} ON {table}"
            f" REFERENCING {' '.join(seen[rows] for rows in parts)}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION recupero_{bag}_{operation}()"
        )


def _keep() -> None:
    """Folding, one at a time for a creditor, and rebuilding: in one statement for each bag, so that what others
    write meanwhile is neither lost nor counted twice."""
    folds, rebuilds = [], []
    for bag, (key, sums, *_) in _BAGS.items():
        added = ", ".join(f"{one} = r.{one} + excluded.{one}" for one in sums)
        folds.append(
            f"WITH gone AS (DELETE FROM {bag} WHERE tenant_id = owner AND NOT folded RETURNING *)"
            f" INSERT INTO {bag} AS r (folded, tenant_id, {key}, {', '.join(sums)})"
            f" SELECT true, tenant_id, {key}, {', '.join(f'sum({one})' for one in sums)} FROM gone"
            f" GROUP BY tenant_id, {key} ON CONFLICT (tenant_id, {key}) WHERE folded DO UPDATE SET {added};"
        )
        facts = f"SELECT * FROM {bag}_facts WHERE tenant_id = owner"
        rebuilds.append(f"WITH gone AS (DELETE FROM {bag} WHERE tenant_id = owner) {_add(bag, facts)}")
    lock = "PERFORM pg_advisory_xact_lock(hashtextextended('recupero_sums', owner));"
    for name, statements in (("fold", folds), ("rebuild", rebuilds)):
        op.execute(
            f"CREATE FUNCTION recupero_sums_{name}(owner bigint) RETURNS void LANGUAGE plpgsql"
            f" AS $$ BEGIN {lock} {' '.join(statements)} END $$"
        )


# A role that owns the tables but may not bypass row-level security sees rows in a scope only.
_FILL = """
DO $$ DECLARE owner bigint; BEGIN
    PERFORM set_config('app.platform', 'on', true);
    FOR owner IN SELECT id FROM tenants ORDER BY id LOOP
        PERFORM set_config('app.tenant_ids', owner::text, true);
        PERFORM recupero_sums_rebuild(owner);
        PERFORM recupero_sums_fold(owner);
    END LOOP;
    PERFORM set_config('app.tenant_ids', '', true), set_config('app.platform', '', true);
END $$
"""


def _table(bag: str, key: sa.Column[object]) -> None:
    zero = sa.text("0")
    op.create_table(
        bag,
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        key,
        *(sa.Column(one, sa.BigInteger(), server_default=zero, nullable=False) for one in _BAGS[bag][1]),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{bag}")),
        info={"scope": "tenant"},
    )
    op.execute(f"CREATE UNIQUE INDEX uq_{bag}_folded ON {bag} (tenant_id, {key.name}) WHERE folded")
    op.execute(f"CREATE INDEX ix_{bag}_open ON {bag} (tenant_id) WHERE NOT folded")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {bag} TO recupero_app")
    op.execute(f"ALTER TABLE {bag} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {bag} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON {bag} USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute(f"ALTER TABLE {bag} ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")


def upgrade() -> None:
    _table("portfolio_sums", sa.Column("portfolio_id", sa.BigInteger(), nullable=False))
    _table("gateway_sums", sa.Column("currency", sa.String(length=3), nullable=False))
    for bag in _BAGS:
        _follow(bag)
    _keep()
    op.execute(_FILL)
    # the accounts of each creditor in the order of what they owe
    op.execute("CREATE INDEX ix_accounts_balance ON accounts (tenant_id, balance_minor, id DESC)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_accounts_balance")
    for name in ("rebuild", "fold"):
        op.execute(f"DROP FUNCTION recupero_sums_{name}(bigint)")
    for bag, (_key, _sums, table, *_) in _BAGS.items():
        for operation in _CHANGED:
            op.execute(f"DROP TRIGGER sums_{operation} ON {table}")
            op.execute(f"DROP FUNCTION recupero_{bag}_{operation}()")
        op.execute(f"DROP VIEW {bag}_facts")
        op.drop_table(bag)
