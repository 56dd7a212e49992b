"""A debtor of two accounts whom mail and telephone reach, and their page, opened."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from recupero.kernel import clock, crypto, runtime
from recupero.outreach.tables import Action
from recupero.payments.gateways import links
from recupero.placements import normalise
from recupero.placements.tables import ContactPoint, Debtor, Hold
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor

TERMS = {
    "max_instalments": 6, "minimum_instalment_minor": 10_000, "settlement_floor_percent": 60,
    "exception_approver": "supervisor",
}  # fmt: skip
POINTS = {"email": "maria@example.com", "phone": "+56912345678"}


@dataclass
class Page:
    """The debtor at their browser."""

    visitor: Visitor
    placed: Placed
    path: str

    def text(self, below: str = "") -> str:
        return self.visitor.text(f"{self.path}{below}")

    def prove(self) -> None:
        answer = self.visitor.send(self.path, national_id="6785", birth_date="1980-05-17")
        assert answer.status_code == 302, answer.text

    def holds(self) -> set[str]:
        with self.visitor.platform.database.transaction(self.placed.scope) as session:
            return set(session.execute(select(Hold.kind).where(Hold.ended_at.is_(None))).scalars())

    def actions(self, template: str) -> list[tuple[str, str | None]]:
        """State and reason of each action of this template, oldest first."""
        with self.visitor.platform.database.transaction(self.placed.scope) as session:
            query = select(Action.state, Action.reason).where(Action.template == template)
            return [(row.state, row.reason) for row in session.execute(query.order_by(Action.id))]


@pytest.fixture
def stranger(app: Flask, platform: runtime.Runtime, world: World, noon: object) -> Page:
    """The page before the proof."""
    placed = place(platform, world.tenant(), [{"principal": 90_000}, {"principal": 60_000}], terms=TERMS)
    keys: dict[str, Callable[[str], str]] = {"email": normalise.email_key, "phone": normalise.phone_key}
    with platform.database.transaction(placed.scope) as session:
        session.execute(update(Debtor).values(region="CL-RM"))
        session.execute(insert(ContactPoint), [
            {"tenant_id": placed.scope.tenant(), "debtor_id": placed.debtor_id, "kind": kind, "value": value,
             "value_index": crypto.keyring().blind_index(keys[kind](value)), "source": "test",
             "line_type": "mobile" if kind == "phone" else None, "created_at": clock.now()}
            for kind, value in POINTS.items()
        ])  # fmt: skip
        url = links.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    visitor = Visitor(app.test_client(), platform)
    visitor.get("/m?lang=en")
    return Page(visitor, placed, "/p/" + url.rpartition("/p/")[2])


@pytest.fixture
def page(stranger: Page) -> Page:
    """The page after the proof."""
    stranger.prove()
    return stranger
