"""How a debtor wants to be reached is said on their own page or to an agent, and holds from then on; who asks
there for a person gets one, by a deadline."""

import pytest
from flask import Flask
from sqlalchemy import select

from recupero.contacts.queries import preferences
from recupero.kernel import runtime
from recupero.outreach.inbound.tables import Conversation
from recupero.outreach.understanding.tables import HandOver
from recupero.placements import reach
from recupero.placements.tables import Debtor
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor
from tests.portals.test_documents import debtor


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}])


def asked(placed: Placed) -> tuple[str | None, int | None, int | None, str]:
    with runtime.current().database.transaction(placed.scope) as session:
        row = preferences(session, [placed.debtor_id])[placed.debtor_id]
        language = session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id)).language
        return row.channel, row.from_minute, row.to_minute, language


WISH = {"begins": "10:00", "ends": "18:30"}


def test_the_debtor_says_it_on_their_page_and_reads_that_it_holds(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    visitor, page = debtor(app, platform, placed)
    wish = {"reach_channel": "email", "reach_language": "en", **WISH}
    answer = visitor.send(f"{page}/reach", page, **wish)
    assert answer.status_code == 302
    assert asked(placed) == ("email", 600, 1110, "en")
    text = visitor.text(answer.headers["Location"])
    assert "From now on we keep to it" in text
    refused = visitor.send(f"{page}/reach", page, **{**wish, "ends": "08:00"})
    assert refused.status_code == 422
    assert "must end after they begin" in refused.text
    assert asked(placed) == ("email", 600, 1110, "en")


def test_an_agent_notes_what_the_debtor_told(visitor: Visitor, placed: Placed) -> None:
    visitor.sign_in(Role.AGENT, placed.scope)
    page = f"/accounts/{placed.account_ids[0]}"
    wish = {"channel": "sms", "language": "pt", **WISH}
    assert visitor.send(f"{page}/reach", page, **wish).status_code == 302
    assert asked(placed) == ("sms", 600, 1110, "pt")
    assert 'value="18:30"' in visitor.get(page).text
    assert visitor.send(f"{page}/reach", page, **{**wish, "begins": "x"}).status_code == 422


def test_who_asks_for_a_person_on_their_page_gets_one_by_a_deadline(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    visitor, page = debtor(app, platform, placed)
    for _time in range(2):
        visitor.send(f"{page}/person", page)
    with platform.database.transaction(placed.scope) as session:
        given = session.execute(select(HandOver)).scalar_one()
        talk = session.execute(select(Conversation)).scalar_one()
        holds = [hold.kind for hold in reach.open_holds(session, [placed.debtor_id])[placed.debtor_id]]
    assert (given.why, given.contact_id, given.closed_at) == ("wants_person", None, None)
    assert talk.due_at == given.due_at
    assert talk.waiting_since is not None
    assert holds == ["person"]
    agent = Visitor(app.test_client(), platform)
    agent.sign_in(Role.AGENT, placed.scope)
    talk_page = f"/inbox/{placed.debtor_id}"
    assert agent.get(talk_page).status_code == 200
    assert agent.send(talk_page, talk_page, text="Hola").status_code in (409, 422)
    closed = agent.send(f"{talk_page}/done", talk_page, cause="FORGOT", next_step="called, pays on Friday")
    assert closed.status_code == 302
    with platform.database.transaction(placed.scope) as session:
        assert reach.open_holds(session, [placed.debtor_id]).get(placed.debtor_id, []) == []
