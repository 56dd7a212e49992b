"""A call is booked for a moment at which people work and the law allows it, and waits for the desk."""

import re
from datetime import datetime, timedelta

from sqlalchemy import select

from recupero.kernel import clock
from recupero.outreach import queries as outreach
from recupero.outreach.calls import calls
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.jobs import reap_tenant
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
    assert "Times on your clock (Chile Time)" in page.text("/talk")
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
    clock.advance(at - clock.now())
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        assert [one.template for one in outreach.for_people(session)] == ["call_back"]


def hold(page: Page, kind: str) -> None:
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        placements.open_hold(
            session, debtor_id=page.placed.debtor_id, account_id=None, kind=kind, source="test"
        )


def test_what_rests_the_chase_leaves_the_call_that_they_asked_for(page: Page) -> None:
    book(page, moments(page)[0])
    for kind in ("hardship", "dispute", "complaint", "vulnerable", "promise", "client"):
        hold(page, kind)
    page.visitor.send(f"{page.path}/reach", f"{page.path}/reach", reach_channel="email", reach_language="en")
    assert page.actions("call_back") == [("scheduled", None)]
    assert "is not made" not in page.text("/talk")


def test_a_call_that_nobody_may_make_any_more_is_taken_back_and_told(page: Page) -> None:
    book(page, moments(page)[0])
    hold(page, "insolvency")
    assert page.actions("call_back") == [("cancelled", "hold:insolvency")]
    assert "is not made" in page.text("/talk")
    assert moments(page) == [], "nor is another one offered"
    clock.advance(timedelta(days=30))
    page.prove()
    assert "is not made" not in page.text("/talk")


def test_a_call_that_was_forgotten_is_owned_up_to(page: Page) -> None:
    moment = moments(page)[0]
    book(page, moment)
    clock.advance(datetime.fromisoformat(moment) - clock.now() + timedelta(hours=5))
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        assert reap_tenant(session)["expired"] == 1
    page.prove()
    assert "We are sorry" in page.text("/talk")
    book(page, moments(page)[0])
    assert "We are sorry" not in page.text("/talk"), "another call is booked"


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
    assert page.holds() == {"person"}
    called_off = page.visitor.send(f"{page.path}/call/cancel", f"{page.path}/talk")
    assert "Nobody calls you at that time" in page.visitor.text(called_off.headers["Location"])
    assert page.actions("call_back") == [("cancelled", "not_wanted")]
    assert page.holds() == set(), "the machines may go on"
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        closed = session.execute(select(HandOver)).scalar_one()
        assert (closed.closed_by, closed.cause) == ("debtor", None)
        waits = session.execute(select(Conversation)).scalar_one()
        assert (waits.due_at, waits.waiting_since, waits.assigned_to) == (None, None, None)


def test_who_calls_it_off_may_still_want_a_person(page: Page) -> None:
    page.visitor.send(f"{page.path}/person", f"{page.path}/talk")
    book(page, moments(page)[0])
    page.visitor.send(f"{page.path}/call/cancel", f"{page.path}/talk")
    assert page.holds() == {"person"}
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        still = session.execute(select(HandOver)).scalar_one()
        assert (still.why, still.closed_at) == ("wants_person", None)


def test_a_call_that_is_moved_to_later_is_not_late_before(page: Page) -> None:
    book(page, moments(page)[0])
    last = moments(page)[-1]
    book(page, last)
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        assert session.execute(select(HandOver.due_at)).scalar_one() > datetime.fromisoformat(last)


def test_who_wishes_no_certain_way_is_not_shown_as_wishing_none(page: Page) -> None:
    for language, anyhow in (("es", "cualquier medio"), ("pt", "qualquer meio")):
        options = page.text(f"/reach?lang={language}").partition('name="reach_channel"')[2]
        assert anyhow in options.partition("</option>")[0]
