"""An administrator states what only the creditor knows; nobody else does."""

from recupero.outreach.texts import disclosures
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor


def test_what_is_stated_is_kept_and_shown_again(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    path = f"/tenants/{scope.tenant()}/disclosures"
    assert path in visitor.text(f"/tenants/{scope.tenant()}")
    answer = visitor.send(path, creditor_address="Rua Um 1 <Recife>", agent="")
    assert answer.status_code == 302
    assert "Rua Um 1 &lt;Recife&gt;" in visitor.text(path)
    with visitor.platform.database.transaction(scope) as session:
        assert disclosures.stated(session) == {"creditor_address": "Rua Um 1 <Recife>"}


def test_a_text_that_is_too_long_is_said_at_its_field_and_kept_on_the_page(
    visitor: Visitor, world: World
) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    answer = visitor.send(f"/tenants/{scope.tenant()}/disclosures", agent="x" * 501)
    assert answer.status_code == 422
    assert "At most 500 characters" in answer.text
    assert "x" * 501 in answer.text


def test_an_agent_may_not(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENT, scope)
    assert visitor.get(f"/tenants/{scope.tenant()}/disclosures").status_code == 403
