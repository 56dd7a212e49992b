"""Connectors whose provider is down are left alone for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "connector_rests",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_connector_rests")),
        sa.UniqueConstraint("tenant_id", "connector", name=op.f("uq_connector_rests_tenant_id_connector")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON connector_rests TO recupero_app")
    op.execute("ALTER TABLE connector_rests ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE connector_rests FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON connector_rests USING ({_TENANT}) WITH CHECK ({_TENANT})")


def downgrade() -> None:
    op.drop_table("connector_rests")
