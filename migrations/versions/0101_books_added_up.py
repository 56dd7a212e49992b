"""What the books add up to is kept with each proof of them, so that the trust position reads what came since."""

import sqlalchemy as sa
from alembic import op

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "ledger_proofs",
        *_ids(),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problems", sa.BigInteger(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_proofs")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_ledger_proofs_tenant_id")),
        info={"scope": "tenant"},
    )
    op.create_table(
        "ledger_sums",
        *_ids(),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("book", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_sums")),
        info={"scope": "tenant"},
    )
    for table in ("ledger_proofs", "ledger_sums"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO recupero_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} USING ({_TENANT}) WITH CHECK ({_TENANT})")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute("CREATE INDEX ix_ledger_transactions_made ON ledger_transactions (tenant_id, made_in)")


def _ids() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_ledger_transactions_made")
    op.drop_table("ledger_sums")
    op.drop_table("ledger_proofs")
