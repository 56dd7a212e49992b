"""The pages of the law: packs and rules, a year of hours, house rules, a bill tried, a contact proven."""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime

import pytest

from recupero.contacts import answers, gate, policies, proving, service
from recupero.contacts.service import Wish
from recupero.decisions.service import plan_tenant
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.law.service import Packs
from recupero.tenancy.permissions import Role
from tests.contacts.test_policies import decree
from tests.contacts.test_standing import portfolio_of
from tests.contacts.test_trials import BILL, PACK
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    return world.tenant()


@pytest.fixture
def placed(scope: Scope) -> Placed:
    return place(scope)[0]


@pytest.fixture
def officer(visitor: Visitor, scope: Scope) -> Visitor:
    return visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)


def contact(placed: Placed, code: str = "HUPV") -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        made = service.reserve(session, [Wish(placed.account_id, "call", placed.points["phone"])])[0]
        assert made.contact_id is not None
        answers.record_disposition(session, made.contact_id, code, actor="user:1")
    return made.contact_id


def test_rules_are_found_by_their_words(officer: Visitor) -> None:
    assert "Chile" in officer.text("/law")
    page = officer.text("/law/CL?q=37-phone")
    assert "CL-37-phone-visit-weekly" in page
    assert "CL-24-fine" not in page
    assert "Nothing found" in officer.text("/law/CL?q=unheard-of")
    assert officer.get("/law/ZZ").status_code == 404


def test_the_calendar_shows_a_year_and_says_it_in_words(officer: Visitor) -> None:
    page = officer.text("/law/calendar?country=CL&channel=call&year=2026")
    assert page.count('class="heat heat-') >= 365
    assert "08:00-20:00" in page
    assert "The same in words" in page
    assert "Magallanes" in page
    assert 'style="' not in page
    assert "Hours are those of Santiago" in page
    assert "New York, Chicago" in officer.text("/law/calendar?country=US&region=US-TN&year=2026")
    assert officer.get("/law/calendar?country=ZZ&channel=fax&region=XX-1&year=9").status_code == 200


def test_house_rules_are_previewed_and_then_hold(officer: Visitor, scope: Scope, placed: Placed) -> None:
    contact(placed)
    edit = f"/law/policies/edit?tenant={scope.tenant()}"
    preview = officer.send(
        edit, weekdays_from="14:00", weekdays_to="20:00", counted="creditor", step="preview"
    )
    assert preview.status_code == 200
    assert "Would be refused" in preview.text
    assert "CL-CREDITOR-hours" in preview.text
    with runtime.current().database.transaction(scope) as session:
        assert policies.versions(session) == []
    kept = officer.send(edit, per_week="2", channel_call="yes", note="acordado", step="keep")
    assert kept.status_code == 302
    page = officer.text("/law/policies")
    assert "at most 2 contacts a week" in page
    assert "acordado" in page
    assert 'value="2"' in officer.text(edit)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"per_day": "many"}, "This is not a whole number."),
        ({"per_day": "0"}, "must be 1 or more"),
        ({"weekdays_from": "09:00"}, "Give both the first and the last hour"),
        ({"saturday_from": "18:00", "saturday_to": "09:00"}, "ends at or before it begins"),
        ({"document": "rules: 3"}, "must be a mapping with a list"),
        ({"starts_on": "2020-01-01", "step": "keep"}, "begin today or later"),
    ],
)
def test_house_rules_that_are_wrong_say_so_at_their_field(
    officer: Visitor, fields: dict[str, str], said: str
) -> None:
    answer = officer.send("/law/policies/edit", **{"step": "preview", **fields})
    assert answer.status_code == 422
    assert said in answer.text
    name = next(iter(fields))
    assert f'id="{name}-error"' in answer.text


def test_rules_come_from_a_file_too(officer: Visitor) -> None:
    file = (io.BytesIO(b"rules: ["), "rules.yaml")
    answer = officer.send("/law/policies/edit", step="preview", file=file)
    assert answer.status_code == 422
    assert "is not YAML" in answer.text


def test_only_those_who_may_set_house_rules(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    assert visitor.get("/law/policies").status_code == 200
    assert visitor.get("/law/policies/edit").status_code == 403
    assert visitor.get("/law/try").status_code == 403


def test_a_creditor_out_of_reach_has_no_house_rules_to_edit(officer: Visitor, world: World) -> None:
    assert officer.get(f"/law/policies/edit?tenant={world.tenant().tenant()}").status_code == 404


def bill() -> tuple[io.BytesIO, str]:
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w") as archive:
        for file in sorted(PACK.rglob("*.yaml")):
            archive.write(file, str(file.relative_to(PACK)))
        archive.writestr("rules/99-bill.yaml", BILL)
    blob.seek(0)
    return blob, "draft.zip"


def test_a_bill_is_tried_on_the_history(officer: Visitor, placed: Placed) -> None:
    contact(placed)
    answer = officer.send("/law/try", draft=bill(), since="2026-01-01")
    assert answer.status_code == 200, answer.text
    assert "CL-BILL-no-mornings" in answer.text
    assert "Would be refused" in answer.text


def test_a_bill_that_is_none_says_what_to_send(officer: Visitor) -> None:
    answer = officer.send("/law/try", draft=(io.BytesIO(b"text"), "draft.zip"), since="2026-01-01")
    assert answer.status_code == 422
    assert "neither a folder nor a ZIP" in answer.text
    assert "Choose the ZIP" in officer.send("/law/try", since="2026-01-01").text


def test_the_proof_is_linked_and_complete(officer: Visitor, scope: Scope, placed: Placed) -> None:
    decree(scope, per_month=4)
    number = contact(placed)
    assert f"/contacts/{number}/proof" in officer.text(f"/accounts/{placed.account_id}")
    page = officer.text(f"/contacts/{number}/proof")
    for words in ("CL-37-phone-visit-weekly", "CL-AGENCY-per-month", "the same", "Ley 19.496"):
        assert words in page
    assert "máximo" in officer.text(f"/contacts/{number}/proof?lang=es")
    assert officer.get("/contacts/999999/proof").status_code == 404


def test_the_account_shows_its_week(officer: Visitor, placed: Placed) -> None:
    assert "The week as the law sees it" in officer.text(f"/accounts/{placed.account_id}")
    contact(placed)
    page = officer.text(f"/accounts/{placed.account_id}")
    assert "What is used up" in page
    assert "1 of 1 used" in page


WHY = "rules/01-hours.yaml is missing"


def closed(countries: Sequence[str], packs: Packs) -> Packs:
    left = {code: pack for code, pack in packs.by_country.items() if code not in countries}
    return Packs(left, {**packs.closed, **dict.fromkeys(countries, WHY)})


def test_a_closed_country_is_said_on_every_page_that_plans_for_it(
    visitor: Visitor, scope: Scope, placed: Placed, platform: runtime.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    known = gate.packs()
    for place_ in ("recupero.contacts.gate", "recupero.contacts.queries", "recupero.portals.agency.law",
                   "recupero.portals.home", "recupero.decisions.service"):  # fmt: skip
        monkeypatch.setattr(f"{place_}.packs", lambda: closed(["CL"], known))
    for path in (
        "/",
        "/tenants",
        f"/tenants/{scope.tenant()}",
        f"/tenants/{scope.tenant()}/facts",
        f"/tenants/{scope.tenant()}/portfolios/{portfolio_of(placed)}/strategy",
        f"/accounts/{placed.account_id}",
        "/law",
        "/law/policies",
        "/law/facts",
        "/desk",
        "/inbox",
        "/outbox",
    ):
        page = visitor.text(path)
        assert "closed to contact" in page, path
        assert WHY in page, path
    assert visitor.text(f"/accounts/{placed.account_id}").count(WHY) == 1
    assert WHY in visitor.get("/law/CL").text
    assert f"CL is closed to contact: {WHY}" in plan_tenant(platform.database, scope).notes
    with platform.database.transaction(scope) as session:
        assert proving.account_week(session, placed.account_id, clock.now()).closed == WHY


def test_a_country_without_any_law_is_said_where_its_creditor_is(
    visitor: Visitor, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    for place_ in ("recupero.portals.agency.law", "recupero.portals.home"):
        monkeypatch.setattr(f"{place_}.packs", lambda: Packs({}))
    assert "Chile is closed to contact: no law is installed for it" in visitor.text("/")
    assert "no pack is installed for this country" in visitor.text("/tenants")


def test_what_is_wrong_with_house_rules_is_told_in_the_readers_language(officer: Visitor) -> None:
    officer.get("/law/policies?lang=pt")
    document = (
        "rules:\n- id: CL-AGENCY-x\n  kind: stop\n  title: {es: a, en: a}\n  parameters: {flags: [asleep]}\n"
    )
    answer = officer.send("/law/policies/edit", step="preview", document=document)
    assert answer.status_code == 422
    assert "linha 5" in answer.text
    assert "não é admitido; use um de" in answer.text
