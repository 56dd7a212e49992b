"""A connector rests also where its account is refused: told apart from an outage, since a person has to mend it."""

import sqlalchemy as sa
from alembic import op

revision = "0119"
down_revision = "0118"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "connector_rests", sa.Column("refused", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("connector_rests", "refused")
