"""The account of a contact, hold or permission is found before the roll-ups join it.

Under row-level security a condition with a query in it is no condition of an index: each contact that changed
looked at every account of its creditor. Found first, and kept apart from the join, the account comes by its key.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

_ONE_BY_ONE = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"
_OPERATIONS = ("INSERT", "UPDATE", "DELETE")


def _facts() -> ModuleType:
    """What 0048 counts."""
    spec = spec_from_file_location("facts", Path(__file__).with_name("0048_report_facts.py"))
    assert spec and spec.loader
    facts = module_from_spec(spec)
    spec.loader.exec_module(facts)
    return facts


def _bodies(facts: ModuleType, operation: str) -> dict[str, str]:
    opt_outs = facts._OPT_OUTS.format(rows=facts._changed(operation, facts._OF_PERMISSIONS))
    return {
        "contacts": facts._on_contacts(operation),
        "holds": facts._on_holds(operation),
        "permissions": f"{facts._add('report_activity', opt_outs)};",
    }


def _found_first(facts: ModuleType, operation: str, table: str, body: str) -> str:
    """The same with each row's account found beforehand; OFFSET keeps that apart from the join."""
    named, row = {
        "contacts": (facts._OF_CONTACTS, "c"),
        "holds": (facts._OF_HOLDS, "h"),
        "permissions": (facts._OF_PERMISSIONS, "h"),
    }[table]
    rows = facts._changed(operation, named)
    owner = facts._OF_ACCOUNT.format("r")
    others = [name for name in named.split(", ") if not name.endswith("account_id")]
    columns = ", ".join(f"r.{name}" for name in ("sign", *others))
    fenced = f"(SELECT {columns}, {owner} AS account_id FROM {rows} r OFFSET 0)"
    joined = facts._OF_ACCOUNT.format(row)
    counted, rest = body.split(joined, 1)
    assert rows in counted and joined not in rest
    before, after = counted.rsplit(rows, 1)
    return f"{before}{fenced}{after}{row}.account_id{rest}"


def upgrade() -> None:
    facts = _facts()
    for operation in _OPERATIONS:
        for table, body in _bodies(facts, operation).items():
            found = _found_first(facts, operation, table, body)
            op.execute(
                f"CREATE OR REPLACE FUNCTION recupero_report_{table}_{operation.lower()}() RETURNS trigger"
                f" LANGUAGE plpgsql {_ONE_BY_ONE} AS $$ BEGIN {found} RETURN NULL; END $$"
            )


def downgrade() -> None:
    """As 0059 left them."""
    facts = _facts()
    for operation in _OPERATIONS:
        for table, body in _bodies(facts, operation).items():
            op.execute(
                f"CREATE OR REPLACE FUNCTION recupero_report_{table}_{operation.lower()}() RETURNS trigger"
                f" LANGUAGE plpgsql {_ONE_BY_ONE} AS $$ BEGIN {body} RETURN NULL; END $$"
            )
