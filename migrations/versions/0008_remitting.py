"""Bank accounts of remittances, alarms of the books, and the order of a statement's lines."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "bank_accounts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("bank", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bank_accounts")),
        sa.UniqueConstraint(
            "tenant_id", "purpose", "currency", name=op.f("uq_bank_accounts_tenant_id_purpose_currency")
        ),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON bank_accounts TO recupero_app")
    op.execute("ALTER TABLE bank_accounts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE bank_accounts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON bank_accounts USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "ledger_alarms",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_alarms")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "uq_ledger_alarms_open",
        "ledger_alarms",
        ["tenant_id", "problem"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_alarms TO recupero_app")
    op.execute("ALTER TABLE ledger_alarms ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE ledger_alarms FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON ledger_alarms USING ({_TENANT}) WITH CHECK ({_TENANT})")

    op.drop_index("ix_remittance_items_remittance", table_name="remittance_items")
    op.create_index(
        "ix_remittance_items_remittance", "remittance_items", ["tenant_id", "remittance_id", "id"]
    )


def downgrade() -> None:
    op.drop_index("ix_remittance_items_remittance", table_name="remittance_items")
    op.create_index("ix_remittance_items_remittance", "remittance_items", ["tenant_id", "remittance_id"])
    op.drop_table("ledger_alarms")
    op.drop_table("bank_accounts")
