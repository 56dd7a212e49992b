"""One search finds accounts, people and messages, opens what answers alone, and shows nothing of others."""

import pytest

from recupero.contacts.tables import Contact, MessageCopy
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.placements.imports import refiling
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
        portfolio = debts.portfolio(session)
        found = debts.debt(session, portfolio, client_account="ACC-77")
        for number in range(2):
            debts.debt(session, portfolio, client_account=f"ZED-{number}")
    refiling.file_anew(visitor.platform.database, scope)
    return found


def _message(visitor: Visitor, scope: Scope, owed: debts.Debt, code: str) -> None:
    with visitor.platform.database.transaction(scope) as session:
        contact = Contact(
            tenant_id=scope.tenant(), debtor_id=owed.debtor_id, account_id=owed.account_id,
            person_id=owed.person_id, direction="outbound", channel="email", recipient="debtor",
            purpose="collection", at=clock.now(), state="sent", state_at=clock.now(), right_party=False,
            cost_minor=0,
        )  # fmt: skip
        session.add(contact)
        session.flush()
        session.add(MessageCopy(
            tenant_id=scope.tenant(), contact_id=contact.id, language="es", code=code, address="a@b.example",
            subject="s", body="b", created_at=clock.now(),
        ))  # fmt: skip


def test_what_one_account_answers_to_is_opened(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    _message(visitor, scope, owed, "K7M2P9QX")
    visitor.sign_in(Role.AGENT, scope)
    for typed in ("ACC-77", "acc-77 ", "k7m2-p9qx"):
        answer = visitor.client.get("/search", query_string={"q": typed})
        assert answer.headers["Location"] == f"/accounts/{owed.account_id}", typed
    shown = visitor.text("/search?q=ACC-77&all=1")
    assert "By account number" in shown
    assert f"/debtors/{owed.debtor_id}" in shown


def test_several_are_listed_and_nobody_is_said_so(visitor: Visitor, scope: Scope, owed: debts.Debt) -> None:
    visitor.sign_in(Role.AGENT, scope)
    listed = visitor.text("/search?q=ana")
    assert "By name" in listed
    assert "ACC-77" in listed
    assert "ZED-1" in listed
    assert "Nothing found" in visitor.text("/search?q=nadie%00%25")
    assert "What are you looking for?" in visitor.text("/search")


def test_it_stands_on_every_page_and_only_for_readers_of_accounts(
    visitor: Visitor, scope: Scope, owed: debts.Debt, world: World
) -> None:
    assert visitor.get("/search?q=x").status_code == 302
    visitor.sign_in(Role.SUPERVISOR, scope)
    for path in ("/", "/accounts", "/placements"):
        assert 'data-key="/"' in visitor.text(path)
    visitor.client.get("/sign-out")
    creditor = Visitor(visitor.client.application.test_client(), visitor.platform)
    creditor.sign_in(Role.CREDITOR_VIEWER, scope)
    assert creditor.get("/search?q=ACC-77").status_code == 403
    stranger = Visitor(visitor.client.application.test_client(), visitor.platform)
    stranger.sign_in(Role.AGENT, world.tenant())
    assert "Nothing found" in stranger.text("/search?q=ACC-77")
    assert stranger.get(f"/debtors/{owed.debtor_id}").status_code == 404
