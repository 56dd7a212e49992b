"""Strategies that somebody thinks about, before a plan uses them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "strategy_drafts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.Column("strategy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_strategy_drafts")),
        sa.UniqueConstraint(
            "tenant_id", "portfolio_id", name=op.f("uq_strategy_drafts_tenant_id_portfolio_id")
        ),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON strategy_drafts TO recupero_app")
    op.execute("ALTER TABLE strategy_drafts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE strategy_drafts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON strategy_drafts USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE strategy_drafts ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")


def downgrade() -> None:
    op.drop_table("strategy_drafts")
