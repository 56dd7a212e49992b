"""Papers about plans and settlements are numbered documents, one of each kind for each of them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("subject_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "uq_documents_subject",
        "documents",
        ["tenant_id", "kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("subject_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_documents_subject", "documents")
    op.drop_column("documents", "subject_id")
