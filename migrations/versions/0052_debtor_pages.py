"""What debtors tell on their own page, the papers they send, the codes that open it, how it looks."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "tellings",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tellings")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_tellings_at", "tellings", ["tenant_id", "told_at"], unique=False)
    op.create_index("ix_tellings_debtor", "tellings", ["tenant_id", "debtor_id"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON tellings TO recupero_app")
    op.execute("ALTER TABLE tellings ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tellings FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON tellings USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE tellings ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "telling_files",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("telling_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_telling_files")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_telling_files_telling", "telling_files", ["tenant_id", "telling_id"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON telling_files TO recupero_app")
    op.execute("ALTER TABLE telling_files ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE telling_files FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON telling_files USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE telling_files ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "page_codes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_page_codes")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_page_codes_action", "page_codes", ["tenant_id", "action_id"], unique=False)
    op.create_index("ix_page_codes_link", "page_codes", ["tenant_id", "link_id", "asked_at"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON page_codes TO recupero_app")
    op.execute("ALTER TABLE page_codes ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE page_codes FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON page_codes USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE page_codes ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "page_looks",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_type", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_page_looks")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_page_looks_tenant_id")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON page_looks TO recupero_app")
    op.execute("ALTER TABLE page_looks ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE page_looks FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON page_looks USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE page_looks ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")


def downgrade() -> None:
    op.drop_table("page_looks")
    op.drop_table("page_codes")
    op.drop_table("telling_files")
    op.drop_table("tellings")
