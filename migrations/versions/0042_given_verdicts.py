"""What the law said is kept once for all contacts of whom it said the same."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)
_BRING_OVER = """
WITH known AS MATERIALIZED (
    SELECT tenant_id, id, told - 'next_lawful_at' AS said,
           substr(sha256(convert_to(CAST(told - 'next_lawful_at' AS text), 'UTF8')), 1, 16) AS digest
    FROM contacts WHERE told IS NOT NULL
),
kept AS (
    INSERT INTO given_verdicts (tenant_id, digest, said)
    SELECT DISTINCT ON (tenant_id, digest) tenant_id, digest, said FROM known ORDER BY tenant_id, digest
)
UPDATE contacts c SET verdict = known.digest FROM known WHERE c.tenant_id = known.tenant_id AND c.id = known.id
"""


def upgrade() -> None:
    op.create_table(
        "given_verdicts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_given_verdicts")),
        sa.UniqueConstraint("tenant_id", "digest", name=op.f("uq_given_verdicts_tenant_id_digest")),
        info={"scope": "tenant", "append_only": True},
    )
    op.execute("GRANT SELECT, INSERT ON given_verdicts TO recupero_app")
    op.execute("ALTER TABLE given_verdicts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE given_verdicts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON given_verdicts USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE given_verdicts ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON given_verdicts FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )

    op.alter_column("contacts", "verdict", new_column_name="told")
    op.add_column("contacts", sa.Column("verdict", sa.LargeBinary(), nullable=True))
    _see_all_rows(True)
    op.execute(_BRING_OVER)
    _see_all_rows(False)
    op.drop_column("contacts", "told")


def _see_all_rows(yes: bool) -> None:
    """Let the owner see the rows of every tenant, also where it is no superuser: none may be forgotten."""
    for table in ("contacts", "given_verdicts"):
        op.execute(f"ALTER TABLE {table} {'NO FORCE' if yes else 'FORCE'} ROW LEVEL SECURITY")


def downgrade() -> None:
    op.alter_column("contacts", "verdict", new_column_name="digest")
    op.add_column("contacts", sa.Column("verdict", postgresql.JSONB(), nullable=True))
    _see_all_rows(True)
    op.execute(
        "UPDATE contacts c SET verdict = v.said || jsonb_build_object('next_lawful_at', c.at)"
        " FROM given_verdicts v WHERE v.tenant_id = c.tenant_id AND v.digest = c.digest"
    )
    _see_all_rows(False)
    op.drop_column("contacts", "digest")
    op.drop_table("given_verdicts")
