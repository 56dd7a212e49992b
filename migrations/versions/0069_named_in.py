"""A settlement that messages named knows in which: where none of them arrived it is withdrawn."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0069"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("settlements", sa.Column("named_in", ARRAY(sa.BigInteger), nullable=True))
    op.create_index(
        "ix_settlements_named_in", "settlements", ["named_in"], postgresql_using="gin",
        postgresql_where=sa.text("state = 'offered' AND named_in IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_settlements_named_in", "settlements")
    op.drop_column("settlements", "named_in")
