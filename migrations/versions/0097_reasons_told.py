"""Contacts that told why nothing was paid are found without reading all contacts of their months."""

from alembic import op

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_contacts_reasons ON contacts (tenant_id, at)"
        " WHERE disposition IN ('NOIN', 'RTPY', 'UTPY', 'DECD', 'DSPT', 'FRDI')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_contacts_reasons")
