"""The law's history knows to whom and for what a contact was: enquiries and reminders count without end.

Of contacts made before, recipients are known, and purposes but for those that the due date decides.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_KNOWN = """
UPDATE person_contacts p
SET recipient = c.recipient,
    purpose = CASE WHEN c.purpose IN ('notice', 'reply', 'locate', 'confirmation') THEN c.purpose END
FROM contacts c
WHERE c.tenant_id = p.tenant_id AND c.id = p.contact_id AND c.direction = 'outbound'
  AND (c.recipient <> 'debtor' OR c.purpose IN ('notice', 'reply', 'locate', 'confirmation'))
"""


def upgrade() -> None:
    op.add_column(
        "person_contacts", sa.Column("recipient", sa.String(length=12), server_default="debtor", nullable=False)
    )
    op.add_column("person_contacts", sa.Column("purpose", sa.String(length=12), nullable=True))
    op.execute("ALTER TABLE person_contacts NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY")
    op.execute(_KNOWN)
    op.execute("ALTER TABLE contacts FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE person_contacts FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("person_contacts", "purpose")
    op.drop_column("person_contacts", "recipient")
