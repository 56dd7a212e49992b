"""Who did something is said in words, never as the trail writes it."""

from datetime import datetime

from recupero.kernel import audit
from recupero.outreach.desk import notes
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import place
from tests.portals.conftest import Visitor


def test_the_trail_and_notes_name_people_keys_and_the_house(
    visitor: Visitor, world: World, noon: datetime
) -> None:
    scope = world.tenant()
    (owed,) = place(scope)
    with visitor.platform.database.transaction(scope) as session:
        for actor in ("system:demo", "system", "debtor", "bulk:12", "user:999999", "somebody"):
            audit.record(session, "tests.said", "account:1", actor=actor, tenant_id=scope.tenant())
        notes.write(session, owed.account_id, "Llamar temprano", actor="simulation")
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = visitor.text("/audit?q=tests.said")
    for said in (
        ">The demonstration<", ">The platform<", ">The debtor<", ">Order for many accounts 12<",
        ">User 999999<", ">somebody<",
    ):  # fmt: skip
        assert said in page
    assert ">system:demo<" not in page
    account = visitor.text(f"/accounts/{owed.account_id}")
    assert "The demonstration" in account
