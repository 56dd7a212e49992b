"""Notes may be changed: their text is sealed anew when keys change."""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP TRIGGER append_only ON account_notes")
    op.execute("GRANT UPDATE, DELETE ON account_notes TO recupero_app")


def downgrade() -> None:
    op.execute("REVOKE UPDATE, DELETE ON account_notes FROM recupero_app")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_notes"
        " FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )
