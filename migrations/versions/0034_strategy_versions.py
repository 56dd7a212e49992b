"""Strategies of portfolios have versions, and a decision names the one it was made under."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "strategy_versions",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("strategy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_strategy_versions")),
        sa.UniqueConstraint(
            "tenant_id",
            "portfolio_id",
            "version",
            name=op.f("uq_strategy_versions_tenant_id_portfolio_id_version"),
        ),
        info={"scope": "tenant", "append_only": True},
    )
    op.add_column(
        "portfolios", sa.Column("strategy_version", sa.SmallInteger(), server_default="1", nullable=False)
    )
    op.add_column("decisions", sa.Column("strategy_version", sa.SmallInteger(), nullable=True))
    op.execute("ALTER TABLE portfolios NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO strategy_versions (tenant_id, portfolio_id, version, strategy, made_by, made_at)"
        " SELECT tenant_id, id, 1, strategy, 'system', created_at FROM portfolios"
    )
    op.execute("ALTER TABLE portfolios FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT ON strategy_versions TO recupero_app")
    op.execute("ALTER TABLE strategy_versions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE strategy_versions FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON strategy_versions USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE strategy_versions ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON strategy_versions"
        " FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_column("decisions", "strategy_version")
    op.drop_column("portfolios", "strategy_version")
    op.drop_table("strategy_versions")
