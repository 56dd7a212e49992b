"""When it was first known that a message was read is kept with its contact.

What providers and visits told before is told again: the earliest of each.
"""

from alembic import op

revision = "0086"
down_revision = "0081"
branch_labels = None
depends_on = None

_TABLES = ("contacts", "link_visits", "channel_events")
_TOLD = """
UPDATE contacts c SET read_at = r.at FROM (
    SELECT tenant_id, contact_id, min(at) AS at FROM (
        SELECT tenant_id, contact_id, at FROM link_visits
        UNION ALL SELECT tenant_id, contact_id, worked_at FROM channel_events
            WHERE kind = 'status' AND state = 'done' AND reason = 'read'
    ) told WHERE contact_id IS NOT NULL GROUP BY tenant_id, contact_id
) r WHERE c.tenant_id = r.tenant_id AND c.id = r.contact_id
"""


def upgrade() -> None:
    op.execute("ALTER TABLE contacts ADD COLUMN read_at timestamptz")
    for table in _TABLES:
        # who migrates owns the tables, and is held to their scope like everybody else
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_TOLD)
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE INDEX ix_contacts_read ON contacts (tenant_id, channel, read_at) WHERE read_at IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_contacts_read")
    op.execute("ALTER TABLE contacts DROP COLUMN read_at")
