"""Whoever has an e-mail address is told of the receipt on their page, where nothing speaks against it."""

import pytest
from sqlalchemy import select

from recupero.contacts import service as contacts
from recupero.kernel import clock, crypto, runtime
from recupero.kernel.database import Scope
from recupero.outreach.tables import Action
from recupero.payments.books.booking import Received, book_payment
from recupero.payments.papers import documents
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.tables import ContactPoint
from tests.factories import World
from tests.ledger.placed import Placed
from tests.ledger.placed import place as place_debt


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def place(scope: Scope, kind: str = "email") -> Placed:
    """A debtor in the books with one contact point."""
    placed = place_debt(runtime.current(), scope)
    with runtime.current().database.transaction(scope) as session:
        session.add(ContactPoint(
            tenant_id=scope.tenant(), debtor_id=placed.debtor_id, kind=kind, value="maria@example.com",
            value_index=crypto.keyring().blind_index("maria@example.com"), status="untested", source="test",
            created_at=clock.now(),
        ))  # fmt: skip
    return placed


def paid(placed: Placed, amount: int = 100) -> list[tuple[str, str]]:
    """Channel and template of what is queued once the debtor's payment has its receipt."""
    with runtime.current().database.transaction(placed.scope) as session:
        book_payment(session, Received("gateway:1", "gateway", amount, "CLP", clock.now(), placed.debtor_id,
                                       placed.account_ids))  # fmt: skip
        for _ in range(2):
            documents.issue_receipts(session)
        return [
            (row.channel, row.template) for row in session.execute(select(Action.channel, Action.template))
        ]


def test_a_receipt_is_offered_by_e_mail_once(platform: runtime.Runtime, scope: Scope) -> None:
    assert paid(place(scope)) == [("email", "thanks")]


def test_who_owes_nothing_more_is_told_so(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(scope)
    with platform.database.transaction(scope) as session:
        owed = sum(one.balance_minor for one in reach.reachable(session, placed.account_ids).values())
    assert paid(placed, owed) == [("email", "paid_in_full")]


def test_not_without_an_address(platform: runtime.Runtime, scope: Scope) -> None:
    assert paid(place(scope, "phone")) == []


@pytest.mark.parametrize("channel", ["email", "all"])
def test_not_to_who_closed_the_channel(platform: runtime.Runtime, scope: Scope, channel: str) -> None:
    placed = place(scope)
    with platform.database.transaction(scope) as session:
        contacts.record_permission(
            session, debtor_id=placed.debtor_id, channel=channel, kind="opt_out", source="page"
        )
    assert paid(placed) == []


def test_not_on_what_the_creditor_took_back(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(scope)
    with platform.database.transaction(scope) as session:
        placements.recall_accounts(session, placed.account_ids)
    assert paid(placed) == []
