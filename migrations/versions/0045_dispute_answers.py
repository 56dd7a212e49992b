"""What creditors answered to those who dispute a debt"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "dispute_answers",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=9), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_dispute_answers")),
        sa.UniqueConstraint("tenant_id", "hold_id", name=op.f("uq_dispute_answers_tenant_id_hold_id")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_dispute_answers_debtor", "dispute_answers", ["tenant_id", "debtor_id"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON dispute_answers TO recupero_app")
    op.execute("ALTER TABLE dispute_answers ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE dispute_answers FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON dispute_answers USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE dispute_answers ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")


def downgrade() -> None:
    op.drop_table("dispute_answers")
