"""Messages that people write to one debtor, and the actions that send them."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("tone", sa.String(length=7), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_drafts")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_drafts_account", "drafts", ["tenant_id", "account_id"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON drafts TO recupero_app")
    op.execute("ALTER TABLE drafts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE drafts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON drafts USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE drafts ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.add_column("actions", sa.Column("draft_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_actions_draft", "actions", ["tenant_id", "draft_id"], postgresql_where="draft_id IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_index("ix_actions_draft", "actions")
    op.drop_column("actions", "draft_id")
    op.drop_table("drafts")
