"""Papers for debtors and requests for original invoices."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("contents", sa.LargeBinary(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_documents")),
    )
    op.create_index("ix_documents_debtor", "documents", ["tenant_id", "debtor_id"], unique=False)
    op.create_index(
        "uq_documents_receipt",
        "documents",
        ["tenant_id", "payment_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'receipt'"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO recupero_app")
    op.execute("GRANT USAGE ON SEQUENCE documents_id_seq TO recupero_app")
    op.execute("ALTER TABLE documents ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE documents FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON documents USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "invoice_requests",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("asked_with", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_invoice_requests")),
    )
    op.create_index(
        "uq_invoice_requests_open",
        "invoice_requests",
        ["tenant_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON invoice_requests TO recupero_app")
    op.execute("ALTER TABLE invoice_requests ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE invoice_requests FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON invoice_requests USING ({_TENANT}) WITH CHECK ({_TENANT})")


def downgrade() -> None:
    op.drop_table("invoice_requests")
    op.drop_table("documents")
