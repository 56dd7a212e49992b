"""Imports that run as jobs and say how far they are; ids taken ahead for what is booked together."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SEQUENCES = ("payments_id_seq", "ledger_transactions_id_seq")

# Without figures of what was just inserted, the check of each new header reads all entries of the tenant; the
# application's role does not own the table and may not ask for them itself.
_ANALYSE = """
CREATE FUNCTION recupero_analyse_ledger() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
BEGIN
    ANALYZE ledger_entries, ledger_transactions;
END $$
"""


def upgrade() -> None:
    op.alter_column("import_batches", "content_hash", nullable=True)
    op.add_column(
        "import_batches", sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "import_batches", sa.Column("dry_run", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("import_batches", sa.Column("job_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "import_batches", sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.execute(_ANALYSE)
    op.execute("REVOKE ALL ON FUNCTION recupero_analyse_ledger() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION recupero_analyse_ledger() TO recupero_app")
    for sequence in _SEQUENCES:
        op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO recupero_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION recupero_analyse_ledger()")
    for sequence in _SEQUENCES:
        op.execute(f"REVOKE USAGE ON SEQUENCE {sequence} FROM recupero_app")
    for column in ("rows_done", "job_id", "dry_run", "problem"):
        op.drop_column("import_batches", column)
    op.execute("UPDATE import_batches SET content_hash = '' WHERE content_hash IS NULL")
    op.alter_column("import_batches", "content_hash", nullable=False)
