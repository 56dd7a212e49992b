"""Money of a few days is found without reading all there is."""

from alembic import op

revision = "0081"
down_revision = "0078"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_allocations_at", "allocations", ["at"], postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_allocations_at", "allocations")
