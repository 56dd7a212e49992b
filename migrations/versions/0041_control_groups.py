"""Every creditor has a control group from now on; of those who were worked before it begins today.

A creditor without a word of it in its settings has the group from its beginning (decisions/control.py).
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_BEGINS = """
UPDATE tenants SET settings = settings || jsonb_build_object(
    'control_share', 0.02,
    'control_changes', jsonb_build_array(
        jsonb_build_array(to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), 0, 0.02)
    )
)
"""


def upgrade() -> None:
    op.execute("ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY")
    op.execute(_BEGINS)
    op.execute("ALTER TABLE tenants FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE tenants SET settings = settings - 'control_share' - 'control_changes'")
    op.execute("ALTER TABLE tenants FORCE ROW LEVEL SECURITY")
