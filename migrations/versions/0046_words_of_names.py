"""The words of names, by which people are found; debtors by the creditor's own reference."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "name_words",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("debtors", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_name_words")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_name_words_word", "name_words", ["tenant_id", "word"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON name_words TO recupero_app")
    op.execute("ALTER TABLE name_words ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE name_words FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON name_words USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE name_words ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "name_lists",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_name_lists")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON name_lists TO recupero_app")
    op.execute("ALTER TABLE name_lists ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE name_lists FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON name_lists USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE name_lists ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_index(
        "ix_debtors_reference", "debtors", ["tenant_id", "client_reference"], unique=False,
        postgresql_where=sa.text("client_reference IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_debtors_reference", table_name="debtors")
    op.drop_table("name_lists")
    op.drop_table("name_words")
