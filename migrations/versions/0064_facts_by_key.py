"""What the roll-ups look up for a changed row is fetched by its key, whatever number of rows the plan was made for.

A trigger's plan is made once in a session, often for a statement of one row. Joined the other way round, each
account of a creditor looked through all rows of the statement; found by another index that begins with the tenant,
each row looked through all accounts. Many contacts, holds or promises written at once took time by the square of
their number. A lateral query that nothing is pulled out of, in the order of its key, leaves no other way.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_ROW = {"contacts": "c", "holds": "h", "permissions": "h", "promises": "p"}


def _earlier(name: str) -> ModuleType:
    spec = spec_from_file_location("earlier", Path(__file__).with_name(name))
    assert spec and spec.loader
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _bodies(operation: str) -> dict[str, str]:
    """What the triggers do since 0063."""
    owners, opt_outs = _earlier("0062_owners_first.py"), _earlier("0063_opt_outs_first.py")
    facts = owners._facts()
    found = {
        table: owners._found_first(facts, operation, table, body)
        for table, body in owners._bodies(facts, operation).items()
    }
    changed = facts._changed(operation, facts._OF_PERMISSIONS)
    counts = f"EXISTS (SELECT FROM {changed} r WHERE {opt_outs._COUNTS})"
    found["permissions"] = f"IF {counts} THEN {found['permissions']} END IF;"
    promises = facts._PROMISES.format(rows=facts._changed(operation, facts._OF_PROMISES))
    found["promises"] = f"{facts._add('report_activity', promises)};"
    return found


def _found(table: str, key: str, row: str, value: str) -> str:
    """The rows of `table` whose `key` is a row's `value`. Asked for in the order of the one index that is meant, with
    sorting off: no statistics make another do. Equal bounds, since rows that are all equal have no order to ask for."""
    return (
        f"SELECT o.* FROM {table} o WHERE o.tenant_id = {row}.tenant_id"
        f" AND o.{key} BETWEEN {row}.{value} AND {row}.{value} ORDER BY o.{key} OFFSET 0"
    )


def _swap(body: str, old: str, new: str) -> str:
    assert body.count(old) == 1
    return body.replace(old, new)


def _by_key(table: str, body: str, first_of_debtor: str) -> str:
    """The same with the accounts of a row looked up for that row."""
    row = _ROW[table]
    body = _swap(
        body,
        f"JOIN accounts a ON a.tenant_id = {row}.tenant_id AND a.id = {row}.account_id AND NOT a.is_test",
        f"JOIN LATERAL ({_found('accounts', 'id', row, 'account_id')}) a ON NOT a.is_test",
    )
    if table != "promises":
        first = f"(SELECT min(o.id) FROM ({_found('accounts', 'debtor_id', 'r', 'debtor_id')}) o)"
        body = _swap(body, first_of_debtor, f"coalesce(r.account_id, {first})")
    if table == "holds":
        body = _swap(
            body,
            "JOIN accounts a ON a.tenant_id = h.tenant_id AND a.debtor_id = h.debtor_id"
            " AND (h.account_id IS NULL OR h.account_id = a.id)",
            f"JOIN LATERAL ({_found('accounts', 'debtor_id', 'h', 'debtor_id')}) a"
            " ON h.account_id IS NULL OR h.account_id = a.id",
        )
    return body


def _moves(body: str) -> str:
    """The same for moves of money, which look up payments and their moves too."""
    account = _found("accounts", "id", "l", "account_id")
    for old, new in {
        "JOIN payments p ON p.tenant_id = l.tenant_id AND p.id = l.payment_id": (
            f"JOIN LATERAL ({_found('payments', 'id', 'l', 'payment_id')}) p ON true"
        ),
        "JOIN accounts a ON a.tenant_id = l.tenant_id AND a.id = l.account_id AND NOT a.is_test": (
            f"JOIN LATERAL ({account}) a ON NOT a.is_test"
        ),
        "JOIN allocations l ON l.tenant_id = d.tenant_id AND l.payment_id = d.payment_id": (
            f"JOIN LATERAL ({_found('allocations', 'payment_id', 'd', 'payment_id')}) l ON true"
        ),
    }.items():
        assert old in body
        body = body.replace(old, new)
    return body


def _replace(*, by_key: bool) -> None:
    owners = _earlier("0062_owners_first.py")
    first_of_debtor = owners._facts()._OF_ACCOUNT.format("r")
    settings = f"{owners._ONE_BY_ONE} SET enable_sort = off" if by_key else owners._ONE_BY_ONE
    for operation in ("INSERT", "UPDATE", "DELETE"):
        for table, body in _bodies(operation).items():
            done = _by_key(table, body, first_of_debtor) if by_key else body
            op.execute(
                f"CREATE OR REPLACE FUNCTION recupero_report_{table}_{operation.lower()}() RETURNS trigger"
                f" LANGUAGE plpgsql {settings} AS $$ BEGIN {done} RETURN NULL; END $$"
            )
    money = _earlier("0059_report_upkeep.py")
    body = money._on_allocations()
    op.execute(
        "CREATE OR REPLACE FUNCTION recupero_report_allocations_insert() RETURNS trigger LANGUAGE plpgsql"
        f" {money._ONE_BY_ONE} SET enable_sort = off AS $$ BEGIN {_moves(body) if by_key else body} RETURN NULL; END $$"
    )


def upgrade() -> None:
    _replace(by_key=True)


def downgrade() -> None:
    """As 0063 left them."""
    _replace(by_key=False)
