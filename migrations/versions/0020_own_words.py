"""An agency's own words of messages, in versions."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_AGENCY = "agency_id = nullif(current_setting('app.agency_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "message_templates",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("template", sa.String(length=24), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("form", sa.String(length=5), nullable=False),
        sa.Column("tone", sa.String(length=7), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_message_templates")),
        sa.UniqueConstraint(
            "agency_id",
            "tenant_id",
            "template",
            "language",
            "form",
            "tone",
            "version",
            name="uq_message_templates_version",
            postgresql_nulls_not_distinct=True,
        ),
        info={"scope": "agency"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON message_templates TO recupero_app")
    op.execute("ALTER TABLE message_templates ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE message_templates FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON message_templates USING ({_AGENCY}) WITH CHECK ({_AGENCY})")


def downgrade() -> None:
    op.drop_table("message_templates")
