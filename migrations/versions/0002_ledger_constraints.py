"""The books are balanced by the database itself, and closed once they are committed.

Three triggers, all in sets so that a placement file of a million rows stays cheap:

- `stamp`: each transaction header carries the database transaction that made it;
- `closed` (per statement): entries are refused for a header of another database transaction;
- `balanced` (per header, at commit): at least two entries, which sum to zero in each currency.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STAMP = """
CREATE FUNCTION recupero_ledger_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.made_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$
"""

_CLOSED = """
CREATE FUNCTION recupero_ledger_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE late record;
BEGIN
    SELECT e.tenant_id, e.transaction_id INTO late
    FROM (SELECT DISTINCT tenant_id, transaction_id FROM added) e
    LEFT JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
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
CREATE FUNCTION recupero_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entries bigint; wrong text;
BEGIN
    SELECT coalesce(sum(n), 0),
           string_agg(currency || ' by ' || total, ', ' ORDER BY currency) FILTER (WHERE total <> 0)
    INTO entries, wrong
    FROM (
        SELECT currency, count(*) AS n, sum(amount_minor) AS total FROM ledger_entries
        WHERE tenant_id = NEW.tenant_id AND transaction_id = NEW.id GROUP BY currency
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
    for statement in (_STAMP, _CLOSED, _BALANCED):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER stamp BEFORE INSERT ON ledger_transactions"
        " FOR EACH ROW EXECUTE FUNCTION recupero_ledger_stamp()"
    )
    op.execute(
        "CREATE TRIGGER closed AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION recupero_ledger_closed()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_transactions"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION recupero_ledger_balanced()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER balanced ON ledger_transactions")
    op.execute("DROP TRIGGER closed ON ledger_entries")
    op.execute("DROP TRIGGER stamp ON ledger_transactions")
    for name in ("balanced", "closed", "stamp"):
        op.execute(f"DROP FUNCTION recupero_ledger_{name}()")
