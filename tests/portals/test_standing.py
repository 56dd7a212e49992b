"""What the law is told is entered on pages, by those who answer for the law."""

from recupero.contacts import queries, standing
from recupero.kernel.database import Scope
from recupero.portals.words.words import LABELS
from recupero.tenancy import queries as tenancy
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import place
from tests.portals.conftest import Visitor


def law_of(visitor: Visitor, scope: Scope) -> dict[str, object]:
    with visitor.platform.database.transaction(scope) as session:
        stated: dict[str, object] = tenancy.tenant(session).settings["law"]
        return stated


def test_a_creditor_and_its_portfolios_are_stated(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    place(scope)
    visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)
    path = f"/tenants/{scope.tenant()}/facts"
    assert path in visitor.text(f"/tenants/{scope.tenant()}")
    page = visitor.text(path)
    field = page.split('name="owner_type_')[1].split('"')[0]
    sent = {"creditor_sector": "bank", "number_CL": "600 200 300", f"owner_type_{field}": "debt_buyer"}
    assert visitor.send(path, **sent).status_code == 302
    assert law_of(visitor, scope) == {"creditor_sector": "bank", "numbers": {"CL": "600 200 300"}}
    page = visitor.text(path)
    assert 'value="600 200 300"' in page
    assert '<option value="debt_buyer" selected>' in page


def test_a_wrong_number_is_said_at_its_field_and_nothing_is_kept(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)
    answer = visitor.send(f"/tenants/{scope.tenant()}/facts", number_CL="ring me", creditor_sector="bank")
    assert answer.status_code == 422
    assert "this is no telephone number" in answer.text.lower()
    assert 'value="ring me"' in answer.text


def test_the_agency_is_stated_by_whoever_sees_all_of_it(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    answer = visitor.send("/law/facts", region="CL-RM", number_ES="hidden")
    assert answer.status_code == 200
    with visitor.platform.database.transaction(scope) as session:
        assert tenancy.agency(session).law == {"region": "CL-RM", "numbers": {"ES": "hidden"}}


def test_an_agent_may_not(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENT, scope)
    assert visitor.get(f"/tenants/{scope.tenant()}/facts").status_code == 403
    assert visitor.get("/law/facts").status_code == 403


def test_a_kind_of_debt_is_chosen_by_its_word_and_another_is_refused_at_its_field(
    visitor: Visitor, world: World
) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)
    kinds = standing.debt_kinds(queries.packs().by_country.values())
    assert set(kinds) <= set(LABELS["debt_kind"])
    path = f"/tenants/{scope.tenant()}/facts"
    assert ">Bill of exchange or cheque</option>" in visitor.text(f"{path}?lang=en")
    answer = visitor.send(path, debt_kind="karma", number_CL="600 200 300")
    assert answer.status_code == 422
    assert "karma" in answer.text.partition('id="debt_kind-error"')[2].partition("</p>")[0]
    assert 'value="600 200 300"' in answer.text
