"""A debtor's page gathers what they owe and what happened; the line of time narrows and turns."""

import pytest

from recupero.kernel.database import Scope
from recupero.outreach.desk import notes
from recupero.placements import service
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def owed(visitor: Visitor, scope: Scope) -> debts.Debt:
    with visitor.platform.database.transaction(scope) as session:
        return debts.debt(session, debts.portfolio(session), client_account="ACC-77", balance=125_000)


def test_a_debtor_has_all_their_debts_and_what_happened_with_them(
    visitor: Visitor, scope: Scope, owed: debts.Debt
) -> None:
    with visitor.platform.database.transaction(scope) as session:
        service.open_hold(
            session, debtor_id=owed.debtor_id, account_id=None, kind="complaint", source="system"
        )
    visitor.sign_in(Role.SUPERVISOR, scope)
    page = visitor.text(f"/debtors/{owed.debtor_id}")
    for words in ("ACC-77", "CLP\xa0125,000", "On hold: Complaint", "ana@example.com"):
        assert words in page, words


def test_what_was_noted_on_an_account_stands_on_the_debtors_page(
    visitor: Visitor, scope: Scope, owed: debts.Debt
) -> None:
    visitor.sign_in(Role.AGENT, scope)
    account, person = f"/accounts/{owed.account_id}", f"/debtors/{owed.debtor_id}"
    assert visitor.send(f"{account}/notes", _page=account, note="Works <nights>").status_code == 302
    shown = visitor.text(person)
    assert "Works &lt;nights&gt;" in shown
    assert "Ana Prueba" in shown
    assert visitor.get("/debtors/999999").status_code == 404


def test_the_line_of_time_is_narrowed_and_turned(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    with visitor.platform.database.transaction(scope) as session:
        for number in range(33):
            notes.write(session, owed.account_id, f"note-{number:02}.", actor="system")
        service.open_hold(
            session, debtor_id=owed.debtor_id, account_id=owed.account_id, kind="dispute", source="system"
        )
    visitor.sign_in(Role.AGENT, scope)
    page = f"/accounts/{owed.account_id}"
    seen, url = [], f"{page}?show=notes"
    while url:
        shown = visitor.text(url).split('id="happened"')[1]
        seen += [one[:2] for one in shown.split("note-")[1:] if one[2] == "."]
        url = (
            shown.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
            if 'rel="next"' in shown
            else ""
        )
    assert sorted(seen) == [f"{number:02}" for number in range(33)]
    assert seen[0] == "32"
    assert "Hold: Dispute" in visitor.text(f"{page}?show=holds").split('id="happened"')[1]
    assert "note-32" not in visitor.text(f"{page}?show=holds")
    assert "Nothing of this kind" in visitor.text(f"{page}?show=payments&before=rubbish")
