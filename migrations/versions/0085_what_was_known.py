"""What was known of a contact, a permission and an account's end at a moment stays known of that moment."""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0086"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "earlier_results",
        *_ids(),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=True),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("disposition", sa.String(length=4), nullable=True),
        sa.Column("right_party", sa.Boolean(), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_earlier_results")),
        info={"scope": "tenant", "append_only": True},
    )
    op.create_table(
        "earlier_closings",
        *_ids(),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_earlier_closings")),
        info={"scope": "tenant", "append_only": True},
    )
    op.add_column("permissions", sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True))
    by_debtor = ["tenant_id", "debtor_id"]
    op.create_index("ix_earlier_results_debtor", "earlier_results", by_debtor)
    for table in ("earlier_results", "earlier_closings"):
        op.execute(f"GRANT SELECT, INSERT ON {table} TO recupero_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} USING ({_TENANT}) WITH CHECK ({_TENANT})")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
        )


def _ids() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("permissions", "filed_at")
    op.drop_table("earlier_closings")
    op.drop_table("earlier_results")
