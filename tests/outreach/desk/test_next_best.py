"""Whose account comes next: by promise, hand-over, worth, language, skill, acquaintance; lawful only."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from recupero.contacts import service as contacts
from recupero.contacts.grounds import judge_planned
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.calls import call_backs as booking
from recupero.outreach.calls import calls, sittings
from recupero.outreach.conversations import conversations
from recupero.outreach.desk import call_backs, next_best
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.understanding import hand_overs, hours
from recupero.placements import service as placements
from recupero.tenancy import queries as tenancy
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import place, plan
from tests.outreach.test_carrying_out import states


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def agent(scope: Scope, name: str = "ana", **work: object) -> int:
    with runtime.current().database.transaction(scope) as session:
        made = users.create(
            session, email=f"{name}@example.com", name=name, password="correct horse battery",
            role=Role.AGENT, tenant_ids=None, locale="es", actor="system",
            languages=work.get("languages", []), skills=work.get("skills", []),  # type: ignore[arg-type]  # lists of codes
        )  # fmt: skip
        return made.id


def take(scope: Scope, user_id: int) -> Sitting | None:
    with runtime.current().database.transaction(scope) as session:
        found = next_best.take_next(session, tenancy.user(session, user_id))
        if found is not None:
            session.expunge(found)
        return found


def lay_down(scope: Scope, user_id: int, ended: str = "done") -> None:
    with runtime.current().database.transaction(scope) as session:
        found = sittings.of_user(session, user_id)
        assert found is not None
        sittings.close(session, found, ended)


def order(scope: Scope, user_id: int) -> list[tuple[int, str]]:
    """Everything that the agent is offered, one after the other."""
    found = list[tuple[int, str]]()
    while len(found) < 9 and (taken := take(scope, user_id)) is not None:
        found.append((taken.account_id, taken.why))
        lay_down(scope, user_id)
    return found


def test_promises_come_before_hand_overs_before_the_plan_by_its_worth(scope: Scope) -> None:
    placed = place(scope, 4, timezone="America/Santiago", kinds=("phone",))
    me, low, high, handed, promised = agent(scope), *placed
    plan([low], "call", priority=10)
    plan([high], "call", priority=90)
    with runtime.current().database.transaction(scope) as session:
        call_backs.promise(session, promised.account_id, clock.now() + timedelta(minutes=30), actor="user:1")
        hand_overs.open_one(
            session, debtor_id=handed.debtor_id, account_id=handed.account_id, contact_id=None,
            why="wants_person",
        )  # fmt: skip
    first = take(scope, me)
    assert first is not None
    assert first.account_id == handed.account_id  # the promised hour has not come
    lay_down(scope, me, "signed_out")
    clock.advance(timedelta(minutes=31))
    assert order(scope, me) == [
        (promised.account_id, "call_back"), (handed.account_id, "handed_over"),
        (high.account_id, "queue"), (low.account_id, "queue"),
    ]  # fmt: skip


def test_a_colleagues_call_back_waits_for_them_before_it_is_anybodys(scope: Scope) -> None:
    (one,) = place(scope, timezone="America/Santiago", kinds=("phone",))
    me, colleague = agent(scope), agent(scope, "eva")
    with runtime.current().database.transaction(scope) as session:
        conversations.spoke(
            session, debtor_id=one.debtor_id, account_id=one.account_id, actor=f"user:{colleague}"
        )
        call_backs.promise(session, one.account_id, clock.now() + timedelta(minutes=5), actor="user:1")
    clock.advance(timedelta(minutes=6))
    assert take(scope, me) is None
    assert take(scope, colleague) is not None
    lay_down(scope, colleague, "released")
    clock.advance(next_best.GRACE)
    assert take(scope, me) is not None


def test_language_and_acquaintance_come_before_worth_and_strangers_languages_last(scope: Scope) -> None:
    spanish = place(scope, 2, timezone="America/Santiago", kinds=("phone",))
    (portuguese,) = place(scope, timezone="America/Santiago", kinds=("phone",), language="pt")
    me = agent(scope, languages=["es"])
    plan(spanish[:1], "call", priority=50)
    plan(spanish[1:], "call", priority=40)
    plan([portuguese], "call", priority=90)
    with runtime.current().database.transaction(scope) as session:
        conversations.spoke(
            session, debtor_id=spanish[1].debtor_id, account_id=spanish[1].account_id, actor=f"user:{me}"
        )
    assert [account for account, _why in order(scope, me)] == [
        spanish[1].account_id, spanish[0].account_id, portuguese.account_id,
    ]  # fmt: skip


def test_a_matter_goes_to_who_is_trained_for_it(scope: Scope) -> None:
    plain, disputed = place(scope, 2, timezone="America/Santiago", kinds=("phone",))
    with runtime.current().database.transaction(scope) as session:
        for one, why in ((plain, "wants_person"), (disputed, "disputes")):
            hand_overs.open_one(
                session, debtor_id=one.debtor_id, account_id=one.account_id, contact_id=None, why=why
            )
    trained, untrained = agent(scope, "eva", skills=["disputes"]), agent(scope)
    mine = take(scope, untrained)
    assert mine is not None
    assert mine.account_id == plain.account_id
    theirs = take(scope, trained)
    assert theirs is not None
    assert theirs.account_id == disputed.account_id


def test_nobody_is_offered_whom_the_law_their_hours_or_a_hold_forbid_to_call(scope: Scope) -> None:
    later, held = place(scope, 2, timezone="America/Santiago", kinds=("phone",))
    (by_mail,) = place(scope, timezone="America/Santiago", kinds=("email",))
    plan([later, held, by_mail], "call")
    me = agent(scope)
    with runtime.current().database.transaction(scope) as session:
        contacts.set_preference(
            session, debtor_id=later.debtor_id, channel=None, from_minute=15 * 60, to_minute=18 * 60,
            source="test",
        )  # fmt: skip
        placements.open_hold(
            session, debtor_id=held.debtor_id, account_id=None, kind="hardship", source="test"
        )
    assert take(scope, me) is None  # it is noon
    clock.advance(timedelta(hours=4))
    taken = take(scope, me)
    assert taken is not None
    assert taken.account_id == later.account_id
    lay_down(scope, me, "signed_out")
    clock.advance(timedelta(hours=8))
    assert take(scope, me) is None  # it is night


def test_two_agents_at_the_same_moment_get_two_people_and_neither_waits(scope: Scope) -> None:
    placed = place(scope, 2, timezone="America/Santiago", kinds=("phone",))
    for one, worth in zip(placed, (90, 10), strict=True):
        plan([one], "call", priority=worth)
    first, second, third = agent(scope), agent(scope, "eva"), agent(scope, "ida")
    database = runtime.current().database
    with database.transaction(scope) as mine:
        mine.execute(text("SET LOCAL lock_timeout = '2s'"))
        best = next_best.take_next(mine, tenancy.user(mine, first))
        assert best is not None
        assert best.account_id == placed[0].account_id
        taken = take(scope, second)  # on a connection of its own, while the first has not committed
        assert taken is not None
        assert taken.account_id == placed[1].account_id
        assert take(scope, third) is None
    assert take(scope, third) is None
    with database.transaction(scope) as session:
        assert {one.user_id for one in sittings.everybody(session)} == {first, second}
        with pytest.raises(Conflict, match="a colleague has this person"):
            sittings.choose(session, third, placed[0].account_id)
        with pytest.raises(Conflict, match="a colleague has this person"):
            calls.start_call(session, account_id=placed[0].account_id, user_id=third)
        with pytest.raises(Conflict, match="first finish the account"):
            sittings.choose(session, first, placed[1].account_id)


def test_many_agents_at_once_never_share_a_person(scope: Scope) -> None:
    plan(place(scope, 6, timezone="America/Santiago", kinds=("phone",)), "call")
    agents, gate = [agent(scope, f"agent-{number}") for number in range(4)], threading.Barrier(8)

    def work(user_id: int) -> Sitting | None:
        gate.wait(timeout=60)
        return take(scope, user_id)

    with ThreadPoolExecutor(8) as pool:  # each agent in two windows
        found = list(pool.map(work, [*agents, *agents]))
    had = {one.user_id: one.account_id for one in found if one is not None}
    assert set(had) == set(agents)
    assert len(set(had.values())) == 4
    assert all(one is None or had[one.user_id] == one.account_id for one in found)


def test_one_person_of_two_creditors_is_at_one_desk(world: World, scope: Scope) -> None:
    (here,) = place(scope, timezone="America/Santiago", kinds=("phone",))
    other = world.tenant(Scope(scope.agency_id))
    (there,) = place(other, people=[here.person_id], timezone="America/Santiago", kinds=("phone",))
    plan([here], "call")
    plan([there], "call")
    assert take(scope, agent(scope)) is not None
    eva = agent(scope, "eva")
    assert take(other, eva) is None
    both = Scope(scope.agency_id, (scope.tenant(), other.tenant()))
    with runtime.current().database.transaction(both) as session:
        assert next_best.next_moment(session, tenancy.user(session, eva)) is None  # nobody else waits


def test_an_account_is_free_again_when_its_agent_leaves_or_does_nothing(scope: Scope) -> None:
    (one,) = place(scope, timezone="America/Santiago", kinds=("phone",))
    plan([one], "call")
    me, colleague, boss = agent(scope), agent(scope, "eva"), "user:99"
    mine = take(scope, me)
    assert mine is not None
    database = runtime.current().database
    with database.transaction(scope) as session:
        sittings.sign_out(session, me)
    again = take(scope, colleague)
    assert again is not None
    with database.transaction(scope) as session:
        sittings.free(session, again.id, actor=boss)
        with pytest.raises(NotFound):
            sittings.free(session, again.id, actor=boss)
    idle = take(scope, me)
    assert idle is not None
    clock.advance(sittings.LEASE - timedelta(minutes=1))
    assert take(scope, colleague) is None
    with database.transaction(scope) as session:
        sittings.held(session, me, idle.id)  # the agent does something
    clock.advance(timedelta(minutes=2))
    assert take(scope, colleague) is None
    clock.advance(sittings.LEASE)
    assert take(scope, colleague) is not None
    with database.transaction(scope) as session, pytest.raises(Conflict, match="not at your desk any more"):
        sittings.held(session, me, idle.id)


def test_who_put_an_account_back_is_not_offered_it_again_at_once_but_others_are(scope: Scope) -> None:
    plan(place(scope, timezone="America/Santiago", kinds=("phone",)), "call")
    me = agent(scope)
    assert take(scope, me) is not None
    lay_down(scope, me, "released")
    assert take(scope, me) is None
    assert take(scope, agent(scope, "eva")) is not None


def test_a_promised_call_is_made_by_people_and_only_at_lawful_moments(scope: Scope) -> None:
    (one,) = place(scope, timezone="America/Santiago", kinds=("phone",))
    plan([one], "email")
    with runtime.current().database.transaction(scope) as session:
        offered = booking.slots(session, one.account_id)
        assert offered
        for at in offered:
            assert judge_planned(session, [(one.account_id, "call", booking.PURPOSE, at)])[0].reason is None
        assert len({at.date() for at in offered}) > 2
        night = clock.now() + timedelta(hours=14)
        with pytest.raises(UserError, match="the law does not allow a call at that moment"):
            call_backs.promise(session, one.account_id, night, actor="user:1")
        with pytest.raises(UserError, match="within the next fourteen days"):
            call_backs.promise(session, one.account_id, clock.now() - timedelta(hours=1), actor="user:1")
        hours.set_hours(session, "09:00", "11:00", actor="user:1")
        zone = ZoneInfo("America/Santiago")
        early = next(at for at in offered if at.astimezone(zone).hour < 11)
        late = next(at for at in offered if at.astimezone(zone).hour >= 11)
        with pytest.raises(UserError, match="nobody works at that moment"):
            call_backs.promise(session, one.account_id, late, actor="user:1")
        call_backs.promise(session, one.account_id, early, actor="user:1")
    assert sorted(states([one])) == [("cancelled", "call_back"), ("scheduled", None)]
