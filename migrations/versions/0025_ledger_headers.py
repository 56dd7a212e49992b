"""A header is looked up by its id alone: no index that begins with the tenant can be taken instead.

Where statistics say that a tenant has no transactions yet, the key and the index of external keys look equally
good to the planner, and by the latter each header's check read all headers of the tenant.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CLOSED = """
CREATE OR REPLACE FUNCTION recupero_ledger_closed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE late record;
BEGIN
    SELECT e.tenant_id, e.transaction_id INTO late
    FROM (SELECT DISTINCT tenant_id, transaction_id FROM added) e
    LEFT JOIN LATERAL (
        SELECT h.made_in FROM ledger_transactions h
        WHERE h.id = e.transaction_id AND {tenant} = e.tenant_id
        OFFSET 0
    ) t ON true
    WHERE t.made_in IS DISTINCT FROM pg_current_xact_id()::text::bigint
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'ledger transaction %s of tenant %s is closed or unknown: book a new one',
            late.transaction_id, late.tenant_id);
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_index("ix_ledger_transactions_header", "ledger_transactions", ["id", "tenant_id"])
    op.execute(_CLOSED.format(tenant="h.tenant_id + 0"))


def downgrade() -> None:
    op.execute(_CLOSED.format(tenant="h.tenant_id"))
    op.drop_index("ix_ledger_transactions_header", "ledger_transactions")
