"""The checks of the ledger find their rows by the one index that can serve them, whatever the statistics say.

Row-level security gives every lookup the tenant as well. Where the statistics know other tenants well and this one
not at all, each index that begins with the tenant looks as good as the one meant, and each header's check read all
that its tenant has: a new creditor's first 1,500 headers took 1,500 x 1,500 reads. Now a lookup asks for its rows in
the order of one index and may not sort, and no other index gives that order.
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# Equal bounds and not an equality: rows that are all equal have no order to ask for.
_CLOSED = """
CREATE OR REPLACE FUNCTION recupero_ledger_closed() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE late record;
BEGIN
    SELECT e.tenant_id, e.transaction_id INTO late
    FROM (SELECT DISTINCT tenant_id, transaction_id FROM added) e
    LEFT JOIN LATERAL (
        SELECT h.made_in FROM ledger_transactions h
        WHERE h.id BETWEEN e.transaction_id AND e.transaction_id AND h.tenant_id = e.tenant_id
        ORDER BY h.id
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

_BALANCED = """
CREATE OR REPLACE FUNCTION recupero_ledger_balanced() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE entries bigint; wrong text;
BEGIN
    SELECT coalesce(sum(n), 0),
           string_agg(currency || ' by ' || total, ', ' ORDER BY currency) FILTER (WHERE total <> 0)
    INTO entries, wrong
    FROM (
        SELECT currency, count(*) AS n, sum(amount_minor) AS total
        FROM (
            SELECT currency, amount_minor FROM ledger_entries
            WHERE transaction_id BETWEEN NEW.id AND NEW.id AND tenant_id = NEW.tenant_id
            ORDER BY transaction_id
            OFFSET 0
        ) own
        GROUP BY currency
    ) per_currency;
    IF entries < 2 OR wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'ledger transaction %s does not balance: %s entries%s',
            NEW.id, entries, coalesce(', off in ' || wrong, ''));
    END IF;
    RETURN NULL;
END $$
"""

_CLOSED_BEFORE = """
CREATE OR REPLACE FUNCTION recupero_ledger_closed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE late record;
BEGIN
    SELECT e.tenant_id, e.transaction_id INTO late
    FROM (SELECT DISTINCT tenant_id, transaction_id FROM added) e
    LEFT JOIN LATERAL (
        SELECT h.made_in FROM ledger_transactions h
        WHERE h.id = e.transaction_id AND h.tenant_id + 0 = e.tenant_id
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

_BALANCED_BEFORE = """
CREATE OR REPLACE FUNCTION recupero_ledger_balanced() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE entries bigint; wrong text;
BEGIN
    SELECT coalesce(sum(n), 0),
           string_agg(currency || ' by ' || total, ', ' ORDER BY currency) FILTER (WHERE total <> 0)
    INTO entries, wrong
    FROM (
        SELECT currency, count(*) AS n, sum(amount_minor) AS total FROM ledger_entries
        WHERE transaction_id = NEW.id AND tenant_id + 0 = NEW.tenant_id GROUP BY currency
    ) per_currency;
    IF entries < 2 OR wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format(
            'ledger transaction %s does not balance: %s entries%s',
            NEW.id, entries, coalesce(', off in ' || wrong, ''));
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.drop_index("ix_ledger_transactions_header", "ledger_transactions")  # the key gives the order as well
    op.execute(_CLOSED)
    op.execute(_BALANCED)


def downgrade() -> None:
    op.create_index("ix_ledger_transactions_header", "ledger_transactions", ["id", "tenant_id"])
    op.execute(_CLOSED_BEFORE)
    op.execute(_BALANCED_BEFORE)
