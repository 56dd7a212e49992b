"""A call is booked for a moment at which people work and the law allows it, and waits for the desk."""

import re
from datetime import datetime, timedelta

from sqlalchemy import select

from recupero.kernel import clock
from recupero.outreach import calls
from recupero.outreach import queries as outreach
from recupero.outreach.tables import Action
from recupero.outreach.understanding.tables import HandOver
from recupero.placements import service as placements
from tests.portals.debtor.conftest import Page


def moments(page: Page) -> list[str]:
    return re.findall(r'<option value="([^"]+)"', page.text("/talk"))


def book(page: Page, moment: str) -> int:
    return page.visitor.send(f"{page.path}/call", f"{page.path}/talk", moment=moment).status_code


def test_moments_lie_in_peoples_hours_and_lawful(page: Page) -> None:
    offered = [datetime.fromisoformat(one) for one in moments(page)]
    assert offered
    assert all(9 <= at.hour < 18 and at.weekday() < 5 for at in offered)
    assert offered[0] >= clock.now() + timedelta(hours=1)


def test_a_booked_call_comes_to_the_desk_at_its_moment(page: Page) -> None:
    first, second = moments(page)[:2]
    assert book(page, first) == 302
    assert book(page, second) == 302, "moving it is booking another"
    assert page.holds() == {"person"}
    assert [state for state, _reason in page.actions("call_back")] == ["cancelled", "scheduled"]
    assert page.text("/talk").count("Your call is booked") == 1
    at = datetime.fromisoformat(second)
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        assert outreach.for_people(session) == []
        given = session.execute(select(HandOver)).scalar_one()
        assert (given.why, given.due_at > at) == ("call_me_back", True)
        placements.open_hold(
            session, debtor_id=page.placed.debtor_id, account_id=None, kind="vulnerable", source="test"
        )
    clock.advance(at - clock.now())
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        session.expire_all()
        state = session.execute(select(Action.state).order_by(Action.id.desc()).limit(1)).scalar_one()
        assert state == "cancelled", "a hold of law or care beats a booked call"


def test_the_desk_may_make_the_call_although_a_person_has_the_debtor(page: Page) -> None:
    first = moments(page)[0]
    book(page, first)
    clock.advance(datetime.fromisoformat(first) - clock.now())
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        (due,) = outreach.for_people(session)
        made = calls.start_call(session, account_id=due.account_id, action_id=due.id)
        assert made.contact_id is not None


def test_a_moment_that_is_none_is_refused_and_a_call_can_be_cancelled(page: Page) -> None:
    for moment in ("", "tomorrow", "2026-03-02T03:00:00+00:00", "2026-03-02T12:00:00"):
        assert book(page, moment) == 422
    assert page.actions("call_back") == []
    book(page, moments(page)[0])
    page.visitor.send(f"{page.path}/call/cancel", f"{page.path}/talk")
    assert page.actions("call_back") == [("cancelled", "not_wanted")]
