"""What was held of promises when they were made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "promise_chances",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("promise_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("chance", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("model_version", sa.String(length=12), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_promise_chances")),
        sa.UniqueConstraint("tenant_id", "promise_id", name=op.f("uq_promise_chances_tenant_id_promise_id")),
        info={"scope": "tenant", "append_only": True},
    )
    op.create_index(
        "ix_promise_chances_account", "promise_chances", ["tenant_id", "account_id"], unique=False
    )
    op.execute("GRANT SELECT, INSERT ON promise_chances TO recupero_app")
    op.execute("ALTER TABLE promise_chances ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE promise_chances FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON promise_chances USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE promise_chances ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON promise_chances FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_table("promise_chances")
