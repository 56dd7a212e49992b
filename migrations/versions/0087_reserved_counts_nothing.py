"""A contact that is reserved is looked at, not counted: it counts when its outcome is written.

Each message is reserved in a statement of its own when it goes out alone, and the roll-ups found out with a
statement of thirty lines that there is nothing to add. `recupero reports check` proves that they are the same.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from alembic import op

revision = "0087"
down_revision = "0095"
branch_labels = None
depends_on = None

#: Rows for which the view's own conditions (no attempt, reached nobody, inbound, no price) come to nothing.
_NOTHING_YET = (
    "r.direction = 'outbound' AND r.state = 'reserved' AND r.disposition IS NULL AND NOT r.right_party"
    " AND r.cost_micro IS NULL"
)


def _earlier(name: str) -> ModuleType:
    spec = spec_from_file_location("earlier", Path(__file__).with_name(name))
    assert spec and spec.loader
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _replace(*, looked_at: bool) -> None:
    facts, by_key = _earlier("0048_report_facts.py"), _earlier("0064_facts_by_key.py")
    body = by_key._by_key("contacts", by_key._bodies("INSERT")["contacts"], facts._OF_ACCOUNT.format("r"))
    body = _earlier("0067_failed_without_disposition.py")._known(facts, body)
    if looked_at:
        body = f"IF EXISTS (SELECT FROM added r WHERE ({_NOTHING_YET}) IS NOT TRUE) THEN {body} END IF;"
    op.execute(
        "CREATE OR REPLACE FUNCTION recupero_report_contacts_insert() RETURNS trigger LANGUAGE plpgsql"
        f" {_earlier('0062_owners_first.py')._ONE_BY_ONE} SET enable_sort = off"
        f" AS $$ BEGIN {body} RETURN NULL; END $$"
    )


def upgrade() -> None:
    _replace(looked_at=True)


def downgrade() -> None:
    """As 0067 left it."""
    _replace(looked_at=False)
