"""What a message answers belongs to its action, whoever worded it: the automatic ones answer, too."""

from alembic import op

revision = "0116"
down_revision = "0103"
branch_labels = None
depends_on = None

_TABLES = ("actions", "replies")


def _held(how: str) -> None:
    """Who migrates owns the tables, and is held to their scope like everybody else."""
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY")


def upgrade() -> None:
    op.execute("ALTER TABLE actions ADD COLUMN answers varchar")
    _held("NO FORCE")
    op.execute(
        "UPDATE actions a SET answers = r.answers FROM replies r"
        " WHERE r.tenant_id = a.tenant_id AND r.action_id = a.id AND r.answers IS NOT NULL"
    )
    _held("FORCE")
    op.execute("ALTER TABLE replies DROP COLUMN answers")


def downgrade() -> None:
    op.execute("ALTER TABLE replies ADD COLUMN answers varchar")
    _held("NO FORCE")
    op.execute(
        "UPDATE replies r SET answers = a.answers FROM actions a"
        " WHERE a.tenant_id = r.tenant_id AND a.id = r.action_id AND a.answers IS NOT NULL"
    )
    _held("FORCE")
    op.execute("ALTER TABLE actions DROP COLUMN answers")
