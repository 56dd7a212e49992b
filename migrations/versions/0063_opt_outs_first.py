"""Permissions are looked at for the roll-ups where one of them counts: an opt-out that answers a contact of ours.

Since 0059 each permission that a file brings was held against each account, since 0062 its account was looked
for as well: an import took time by the square of its rows.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

_COUNTS = "r.kind = 'opt_out' AND r.source ~ '^(page|agent|api|simulation|disposition)'"


def _earlier(name: str) -> ModuleType:
    spec = spec_from_file_location("earlier", Path(__file__).with_name(name))
    assert spec and spec.loader
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _replace(*, asked: bool) -> None:
    owners = _earlier("0062_owners_first.py")
    facts = owners._facts()
    for operation in owners._OPERATIONS:
        body = owners._bodies(facts, operation)["permissions"]
        found = owners._found_first(facts, operation, "permissions", body)
        if asked:
            rows = facts._changed(operation, facts._OF_PERMISSIONS)
            found = f"IF EXISTS (SELECT FROM {rows} r WHERE {_COUNTS}) THEN {found} END IF;"
        op.execute(
            f"CREATE OR REPLACE FUNCTION recupero_report_permissions_{operation.lower()}() RETURNS trigger"
            f" LANGUAGE plpgsql {owners._ONE_BY_ONE} AS $$ BEGIN {found} RETURN NULL; END $$"
        )


def upgrade() -> None:
    _replace(asked=True)


def downgrade() -> None:
    """As 0062 left them."""
    _replace(asked=False)
