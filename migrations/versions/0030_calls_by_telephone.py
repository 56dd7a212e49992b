"""Calls over the telephone: their legs, what the assistant remembers, where agents take calls."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.add_column("users", sa.Column("phone", sa.LargeBinary(), nullable=True))
    op.add_column("users", sa.Column("takes_calls_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("call_runs", sa.Column("dialogue", postgresql.JSONB(), server_default="{}", nullable=False))
    op.create_table(
        "call_legs",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leg", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_call_legs")),
        info={"scope": "tenant", "append_only": True},
    )
    op.create_index("ix_call_legs_contact", "call_legs", ["tenant_id", "contact_id", "id"], unique=False)
    op.execute("GRANT SELECT, INSERT ON call_legs TO recupero_app")
    op.execute("ALTER TABLE call_legs ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE call_legs FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON call_legs USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE call_legs ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON call_legs FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_column("call_runs", "dialogue")
    op.drop_column("users", "takes_calls_until")
    op.drop_column("users", "phone")
    op.drop_table("call_legs")
