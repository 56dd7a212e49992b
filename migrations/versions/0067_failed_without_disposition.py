"""A contact that failed and says no more was no attempt, and is counted as none.

Whether it was one came out as unknown. Where such a contact had a price, and was the only one of its group, the
whole sum was unknown too: the raw rows could not be told, and the contact could not be written.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def _earlier(name: str) -> ModuleType:
    spec = spec_from_file_location("earlier", Path(__file__).with_name(name))
    assert spec and spec.loader
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _known(facts: ModuleType, body: str) -> str:
    told = f"{facts._ATTEMPT} AS attempt, {facts._REACHED}"
    assert body.count(told) == 1
    return body.replace(told, f"coalesce({facts._ATTEMPT}, false) AS attempt, {facts._REACHED}")


def _replace(*, known: bool) -> None:
    facts, by_key = _earlier("0048_report_facts.py"), _earlier("0064_facts_by_key.py")
    first_of_debtor = facts._OF_ACCOUNT.format("r")
    settings = f"{_earlier('0062_owners_first.py')._ONE_BY_ONE} SET enable_sort = off"
    for operation in ("INSERT", "UPDATE", "DELETE"):
        body = by_key._by_key("contacts", by_key._bodies(operation)["contacts"], first_of_debtor)
        op.execute(
            f"CREATE OR REPLACE FUNCTION recupero_report_contacts_{operation.lower()}() RETURNS trigger"
            f" LANGUAGE plpgsql {settings} AS $$ BEGIN {_known(facts, body) if known else body} RETURN NULL; END $$"
        )
    view = facts._views()["report_activity_facts"]
    op.execute(
        "CREATE OR REPLACE VIEW report_activity_facts WITH (security_invoker = true) AS"
        f" {_known(facts, view) if known else view}"
    )


def upgrade() -> None:
    _replace(known=True)


def downgrade() -> None:
    """As 0064 left them."""
    _replace(known=False)
