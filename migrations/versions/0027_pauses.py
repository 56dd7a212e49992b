"""A pause for hardship moves the dates of plans and settlements; papers of a plan tell its newest dates."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _subject_index(*more: str) -> None:
    op.drop_index("uq_documents_subject", "documents")
    op.create_index(
        "uq_documents_subject",
        "documents",
        ["tenant_id", "kind", "subject_id", *more],
        unique=True,
        postgresql_where=sa.text("subject_id IS NOT NULL"),
    )


def upgrade() -> None:
    op.add_column("plans", sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plan_instalments", sa.Column("moved_from", sa.Date(), nullable=True))
    op.add_column("settlements", sa.Column("moved_from", sa.Date(), nullable=True))
    op.add_column(
        "mandates", sa.Column("moves_with_plan", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("documents", sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    _subject_index("revision")


def downgrade() -> None:
    _subject_index()
    op.drop_column("documents", "revision")
    op.drop_column("mandates", "moves_with_plan")
    op.drop_column("settlements", "moved_from")
    op.drop_column("plan_instalments", "moved_from")
    op.drop_column("plans", "moved_at")
