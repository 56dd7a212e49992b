"""A caller's key is looked up in its agency's scope by one statement, which is a transaction by itself.

The scope stands before the row is read and ends with the statement; row-level security holds inside as anywhere.
"""

from alembic import op

revision = "0073"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION recupero_api_key(of_agency bigint, hash bytea) RETURNS api_keys LANGUAGE plpgsql AS $$
        DECLARE
            known api_keys;
        BEGIN
            PERFORM set_config('app.agency_id', of_agency::text, true), set_config('app.tenant_ids', '', true),
                    set_config('app.platform', '', true);
            SELECT * INTO known FROM api_keys
            WHERE agency_id = of_agency AND secret_hash = hash AND revoked_at IS NULL;
            RETURN known;
        END $$
    """)


def downgrade() -> None:
    op.execute("DROP FUNCTION recupero_api_key(bigint, bytea)")
