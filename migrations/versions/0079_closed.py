"""An action of which nothing more is expected is `closed`, no longer `done`, and those that wait for that are
found by an index.

The history is told in the new word, too: what was done is what is closed now. It cannot be changed otherwise.
"""

from alembic import op

revision = "0079"
down_revision = "0082"
branch_labels = None
depends_on = None


def _rename(old: str, new: str) -> None:
    op.execute("ALTER TABLE action_events DISABLE TRIGGER append_only")
    for table in ("actions", "action_events"):
        # who migrates owns the tables, and is held to their scope like everybody else
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"UPDATE {table} SET state = '{new}' WHERE state = '{old}'")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE action_events ENABLE TRIGGER append_only")


def upgrade() -> None:
    _rename("done", "closed")
    op.execute(
        "CREATE INDEX ix_actions_settled ON actions (tenant_id, changed_at)"
        " WHERE state IN ('sent', 'delivered', 'answered')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_actions_settled")
    _rename("closed", "done")
