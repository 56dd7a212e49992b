"""How messages were read, and what people must take over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "message_readings",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("guesses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("amounts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("days", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("course", sa.String(length=8), nullable=False),
        sa.Column("corrected", postgresql.ARRAY(sa.String()), nullable=True),
        sa.Column("corrected_by", sa.String(), nullable=True),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_message_readings")),
        sa.UniqueConstraint("tenant_id", "contact_id", name=op.f("uq_message_readings_tenant_id_contact_id")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_message_readings_corrected",
        "message_readings",
        ["tenant_id", "corrected_at"],
        unique=False,
        postgresql_where=sa.text("corrected IS NOT NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON message_readings TO recupero_app")
    op.execute("ALTER TABLE message_readings ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE message_readings FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON message_readings USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "hand_overs",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("next_step", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_hand_overs")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_hand_overs_open",
        "hand_overs",
        ["tenant_id", "debtor_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON hand_overs TO recupero_app")
    op.execute("ALTER TABLE hand_overs ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE hand_overs FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON hand_overs USING ({_TENANT}) WITH CHECK ({_TENANT})")


def downgrade() -> None:
    op.drop_table("hand_overs")
    op.drop_table("message_readings")
