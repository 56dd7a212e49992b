"""Consents to automatic payments, and each charge by them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.add_column(
        "plans", sa.Column("smallest_minor", sa.BigInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.create_table(
        "mandates",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("most_minor", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("last4", sa.String(length=4), nullable=True),
        sa.Column("expires", sa.Date(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_why", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mandates")),
        sa.UniqueConstraint(
            "tenant_id", "idempotency_key", name=op.f("uq_mandates_tenant_id_idempotency_key")
        ),
        info={"scope": "tenant"},
    )
    op.create_index("ix_mandates_method", "mandates", ["tenant_id", "gateway", "method"], unique=False)
    op.create_index("ix_mandates_plan", "mandates", ["tenant_id", "plan_id"], unique=False)
    op.create_index(
        "uq_mandates_active",
        "mandates",
        ["tenant_id", "plan_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON mandates TO recupero_app")
    op.execute("ALTER TABLE mandates ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE mandates FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON mandates USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "automatic_charges",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("mandate_id", sa.BigInteger(), nullable=False),
        sa.Column("instalment_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.BigInteger(), nullable=False),
        sa.Column("asks", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=11), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("again_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_automatic_charges")),
        sa.UniqueConstraint(
            "tenant_id",
            "instalment_id",
            "attempt",
            name=op.f("uq_automatic_charges_tenant_id_instalment_id_attempt"),
        ),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_automatic_charges_mandate", "automatic_charges", ["tenant_id", "mandate_id"], unique=False
    )
    op.create_index(
        "uq_automatic_charges_charge", "automatic_charges", ["tenant_id", "charge_id"], unique=True
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON automatic_charges TO recupero_app")
    op.execute("ALTER TABLE automatic_charges ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE automatic_charges FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON automatic_charges USING ({_TENANT}) WITH CHECK ({_TENANT})")


def downgrade() -> None:
    op.drop_table("automatic_charges")
    op.drop_table("mandates")
    op.drop_column("plans", "smallest_minor")
