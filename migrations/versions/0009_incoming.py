"""Money by other ways than a link: receipts, bank statements, payouts, money to pay back, reconciliations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)
_TABLES = ("receipts", "refund_tasks", "bank_statements", "bank_lines", "gateway_payouts", "reconciliations")


def _table(name: str, *columns: "sa.Column[object] | sa.UniqueConstraint") -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{name}")),
        info={"scope": "tenant"},
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO recupero_app")
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON {name} USING ({_TENANT}) WITH CHECK ({_TENANT})")


def upgrade() -> None:
    _charges()
    _receipts()
    _bank()
    _gateways()


def _charges() -> None:
    op.add_column("charges", sa.Column("mode", sa.String(length=7), server_default="trust", nullable=False))
    op.add_column("charges", sa.Column("fee_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("charges", sa.Column("problem", sa.String(), nullable=True))
    op.create_index("ix_allocations_suspense", "allocations", ["tenant_id", "payment_id"],
                    postgresql_where=sa.text("account_id IS NULL"))  # fmt: skip


def _receipts() -> None:
    _table(
        "receipts",
        sa.Column("means", sa.String(length=8), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=True),
        sa.Column("account_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("payer", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
    )
    op.create_index(
        "ix_receipts_entered", "receipts", ["tenant_id", "id"], postgresql_where=sa.text("state = 'entered'")
    )
    op.create_index("ix_receipts_payment", "receipts", ["tenant_id", "payment_id"])
    _table(
        "refund_tasks",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=4), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("means", sa.String(length=8), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
    )
    op.create_index(
        "uq_refund_tasks_open",
        "refund_tasks",
        ["tenant_id", "payment_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def _bank() -> None:
    _table(
        "bank_statements",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("opening_minor", sa.BigInteger(), nullable=True),
        sa.Column("closing_minor", sa.BigInteger(), nullable=True),
        sa.Column("closing_on", sa.Date(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint(
            "tenant_id", "content_hash", name=op.f("uq_bank_statements_tenant_id_content_hash")
        ),
    )
    op.create_index("ix_bank_statements_closing", "bank_statements", ["tenant_id", "currency", "closing_on"])
    _table(
        "bank_lines",
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("line_key", sa.LargeBinary(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("counter_account", sa.LargeBinary(), nullable=True),
        sa.Column("counter_index", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("matched_by", sa.String(), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subject", sa.String(length=11), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.UniqueConstraint("tenant_id", "line_key", name=op.f("uq_bank_lines_tenant_id_line_key")),
    )
    op.create_index(
        "ix_bank_lines_open",
        "bank_lines",
        ["tenant_id", "booked_on"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_bank_lines_statement", "bank_lines", ["tenant_id", "statement_id"])
    op.create_index("ix_bank_lines_counter", "bank_lines", ["tenant_id", "counter_index"])
    op.create_index(
        "uq_bank_lines_subject",
        "bank_lines",
        ["tenant_id", "subject", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state = 'matched'"),
    )


def _gateways() -> None:
    _table(
        "gateway_payouts",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint(
            "tenant_id", "gateway", "reference", name=op.f("uq_gateway_payouts_tenant_id_gateway_reference")
        ),
    )
    _table(
        "reconciliations",
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
    )


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)
    op.drop_index("ix_allocations_suspense", table_name="allocations")
    for column in ("problem", "fee_minor", "mode"):
        op.drop_column("charges", column)
