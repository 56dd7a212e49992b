"""Remittances with their lines, and numbers of documents without gaps.

What was issued is locked by the database: a trigger lets an issued remittance only become paid, and refuses
every change of the lines of an issued one.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)
_AGENCY = "agency_id = nullif(current_setting('app.agency_id', true), '')::bigint"

_LOCKED = """
CREATE FUNCTION recupero_remittance_locked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before jsonb; after jsonb;
BEGIN
    IF OLD.state IN ('draft', 'reviewed') THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'issued' AND NEW.state = 'paid' THEN
        before := to_jsonb(OLD) - ARRAY['state', 'paid_by', 'paid_at', 'payment_reference'];
        after := to_jsonb(NEW) - ARRAY['state', 'paid_by', 'paid_at', 'payment_reference'];
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
        'remittance %s of tenant %s is %s and locked', OLD.id, OLD.tenant_id, OLD.state);
END $$
"""
_LINES_LOCKED = """
CREATE FUNCTION recupero_remittance_lines_locked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE line record; found_state text;
BEGIN
    line := CASE WHEN TG_OP = 'INSERT' THEN NEW ELSE OLD END;
    SELECT state INTO found_state FROM remittances
    WHERE tenant_id = line.tenant_id AND id = line.remittance_id;
    IF TG_OP = 'UPDATE' OR found_state IS NULL OR found_state NOT IN ('draft', 'reviewed') THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'the lines of remittance %s of tenant %s are locked', line.remittance_id, line.tenant_id);
    END IF;
    RETURN line;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "remittances",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False),
        sa.Column("collected_minor", sa.BigInteger(), nullable=False),
        sa.Column("direct_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("withheld_minor", sa.BigInteger(), nullable=False),
        sa.Column("invoiced_minor", sa.BigInteger(), nullable=False),
        sa.Column("payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("closing_minor", sa.BigInteger(), nullable=False),
        sa.Column("statement_number", sa.BigInteger(), nullable=True),
        sa.Column("invoice_number", sa.BigInteger(), nullable=True),
        sa.Column("drawn_by", sa.String(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_by", sa.String(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", sa.String(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment_reference", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_remittances")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_remittances_period", "remittances", ["tenant_id", "currency", "period_to"], unique=False
    )
    op.create_index(
        "uq_remittances_open",
        "remittances",
        ["tenant_id", "currency"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'reviewed')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON remittances TO recupero_app")
    op.execute("ALTER TABLE remittances ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE remittances FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON remittances USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "remittance_items",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("remittance_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("balance_after_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_remittance_items")),
        sa.UniqueConstraint(
            "tenant_id",
            "transaction_id",
            "account_id",
            name=op.f("uq_remittance_items_tenant_id_transaction_id_account_id"),
        ),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_remittance_items_remittance", "remittance_items", ["tenant_id", "remittance_id"], unique=False
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON remittance_items TO recupero_app")
    op.execute("ALTER TABLE remittance_items ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE remittance_items FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON remittance_items USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "document_series",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("series", sa.String(length=24), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_document_series")),
        sa.UniqueConstraint("agency_id", "series", name=op.f("uq_document_series_agency_id_series")),
        info={"scope": "agency"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON document_series TO recupero_app")
    op.execute("ALTER TABLE document_series ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE document_series FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON document_series USING ({_AGENCY}) WITH CHECK ({_AGENCY})")
    op.create_index(
        "ix_ledger_entries_trust",
        "ledger_entries",
        ["tenant_id", "currency"],
        postgresql_include=["amount_minor"],
        postgresql_where=sa.text("book IN ('trust_cash', 'refunds', 'chargebacks')"),
    )
    op.execute(_LOCKED)
    op.execute(_LINES_LOCKED)
    op.execute(
        "CREATE TRIGGER locked BEFORE UPDATE OR DELETE ON remittances"
        " FOR EACH ROW EXECUTE FUNCTION recupero_remittance_locked()"
    )
    op.execute(
        "CREATE TRIGGER locked BEFORE INSERT OR UPDATE OR DELETE ON remittance_items"
        " FOR EACH ROW EXECUTE FUNCTION recupero_remittance_lines_locked()"
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_entries_trust", table_name="ledger_entries")
    op.drop_table("document_series")
    op.drop_table("remittance_items")
    op.drop_table("remittances")
    op.execute("DROP FUNCTION recupero_remittance_lines_locked()")
    op.execute("DROP FUNCTION recupero_remittance_locked()")
