"""What people state of a debtor or an account because the law asks for it."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "stated_facts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("channel", sa.String(length=12), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("stated_by", sa.String(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stated_facts")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_stated_facts_account", "stated_facts", ["tenant_id", "account_id"], unique=False)
    op.create_index(
        "ix_stated_facts_debtor",
        "stated_facts",
        ["tenant_id", "debtor_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON stated_facts TO recupero_app")
    op.execute("ALTER TABLE stated_facts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE stated_facts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON stated_facts USING ({_TENANT}) WITH CHECK ({_TENANT})")


def downgrade() -> None:
    op.drop_table("stated_facts")
