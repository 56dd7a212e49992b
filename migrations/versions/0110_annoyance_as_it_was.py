"""Strategies that say nothing of what a complaint is held to cost keep the 1,000 minor units that it was.

From here on such a one means what is usual in its currency. Versions and drafts are told in the same words, so
that a look back weighs what was held then.
"""

from alembic import op

revision = "0110"
down_revision = "0115"
branch_labels = None
depends_on = None

_TABLES = ("portfolios", "strategy_versions", "strategy_drafts")


def _change(how: str) -> None:
    op.execute("ALTER TABLE strategy_versions DISABLE TRIGGER append_only")
    for table in _TABLES:
        # who migrates owns the tables, and is held to their scope like everybody else
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"UPDATE {table} SET strategy = {how}")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE strategy_versions ENABLE TRIGGER append_only")


def upgrade() -> None:
    _change("""strategy || '{"annoyance_minor": 1000}' WHERE NOT strategy ? 'annoyance_minor'""")


def downgrade() -> None:
    _change("strategy - 'annoyance_minor' WHERE strategy @> '{\"annoyance_minor\": 1000}'")
