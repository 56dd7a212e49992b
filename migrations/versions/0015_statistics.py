"""The planner is told of every table that was filled at once, not of the ledger's alone."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The application's role owns no table and may not ask for figures of them itself. A name that is no table of
# ours is quoted, and so fails as one that does not exist.
_ANALYSE = """
CREATE FUNCTION recupero_analyse(names text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        EXECUTE format('ANALYZE public.%I', name);
    END LOOP;
END $$
"""

_ANALYSE_LEDGER = """
CREATE FUNCTION recupero_analyse_ledger() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
BEGIN
    ANALYZE ledger_entries, ledger_transactions;
END $$
"""


def upgrade() -> None:
    op.execute(_ANALYSE)
    op.execute("REVOKE ALL ON FUNCTION recupero_analyse(text[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION recupero_analyse(text[]) TO recupero_app")
    op.execute("DROP FUNCTION recupero_analyse_ledger()")


def downgrade() -> None:
    op.execute("DROP FUNCTION recupero_analyse(text[])")
    op.execute(_ANALYSE_LEDGER)
    op.execute("REVOKE ALL ON FUNCTION recupero_analyse_ledger() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION recupero_analyse_ledger() TO recupero_app")
