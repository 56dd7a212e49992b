"""Labels of accounts: each creditor's set, the accounts that bear them, and orders about them."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0067"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)
_BORNE = sa.text("removed_by IS NULL")


def upgrade() -> None:
    op.create_table(
        "labels",
        *_ids(),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("colour", sa.String(8), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_labels")),
        info={"scope": "tenant"},
    )
    op.create_index("uq_labels_key", "labels", ["tenant_id", "key"], unique=True)
    op.create_table(
        "account_labels",
        *_ids(),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("label_id", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by", sa.String(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_account_labels")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "label_id"],
            ["labels.tenant_id", "labels.id"],
            name=op.f("fk_account_labels_tenant_id_label_id"),
            ondelete="CASCADE",
        ),
        info={"scope": "tenant"},
    )
    by_account = ["tenant_id", "account_id", "label_id"]
    op.create_index("uq_account_labels", "account_labels", by_account, unique=True, postgresql_where=_BORNE)
    by_label = ["tenant_id", "label_id", "account_id"]
    op.create_index("ix_account_labels_label", "account_labels", by_label, postgresql_where=_BORNE)
    op.create_index("ix_account_labels_given", "account_labels", ["tenant_id", "given_by"])
    op.create_index(
        "ix_account_labels_removed",
        "account_labels",
        ["tenant_id", "removed_by"],
        postgresql_where=sa.text("removed_by IS NOT NULL"),
    )
    for table in ("labels", "account_labels"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO recupero_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} USING ({_TENANT}) WITH CHECK ({_TENANT})")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.add_column("bulk_orders", sa.Column("label_id", sa.BigInteger(), nullable=True))


def _ids() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("bulk_orders", "label_id")
    op.drop_table("account_labels")
    op.drop_table("labels")
