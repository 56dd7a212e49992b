"""Reasons told within a period are read from indexes alone, by as many contacts as told one."""

from alembic import op

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None

# By name: what tells of a contact that it counts, and what is read of it.
_INDEXES = {
    "ix_contacts_inbound": ("direction = 'inbound'", "id, account_id"),
    "ix_contacts_reasons": (
        "disposition IN ('NOIN', 'RTPY', 'UTPY', 'DECD', 'DSPT', 'FRDI')", "account_id, disposition",
    ),
}  # fmt: skip


def _make(*, covering: bool) -> None:
    for name, (which, read) in _INDEXES.items():
        include = f" INCLUDE ({read})" if covering else ""
        op.execute(f"DROP INDEX {name}")
        op.execute(f"CREATE INDEX {name} ON contacts (tenant_id, at){include} WHERE {which}")


def upgrade() -> None:
    _make(covering=True)


def downgrade() -> None:
    _make(covering=False)
