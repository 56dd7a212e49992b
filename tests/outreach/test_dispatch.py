"""Dispatch is fair between tenants, hands out in slices, and one bad action does not hold up the others."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.errors import UserError
from recupero.kernel.job_requests import JobRequest
from recupero.outreach import jobs as outreach_jobs
from recupero.outreach.actions.states import CLAIM_LEASE, CLOSES_AFTER, Move, move
from recupero.outreach.jobs import dispatch_agency
from recupero.outreach.sending import composing
from recupero.outreach.service import NewAction, schedule
from recupero.outreach.tables import Action
from recupero.outreach.texts.words import Words
from recupero.placements.reach import Reachable
from recupero.tenancy.queries import AgencyScope
from tests.factories import World
from tests.outreach.placed import place, plan
from tests.outreach.test_carrying_out import run, states


@pytest.fixture(autouse=True)
def small(noon: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of five, room for twenty."""
    monkeypatch.setattr(outreach_jobs, "BATCH", 5)
    monkeypatch.setattr(outreach_jobs, "ROOM", 20)


def asked() -> list[tuple[int, int]]:
    """Tenant and size of each batch, in the order asked for."""
    with runtime.current().database.transaction(PLATFORM) as session:
        rows = session.execute(
            select(JobRequest.tenant_ids, JobRequest.arguments)
            .where(JobRequest.name == "outreach.execute")
            .order_by(JobRequest.id)
        ).all()
    return [(row.tenant_ids[0], len(row.arguments["action_ids"])) for row in rows]


def claimed(scope: Scope) -> int:
    with runtime.current().database.transaction(scope) as session:
        return session.execute(
            select(func.count()).select_from(Action).where(Action.state == "claimed")
        ).scalar_one()


def test_the_few_of_one_tenant_stand_between_the_many_of_another(world: World) -> None:
    agency = world.agency()
    big, little = world.tenant(agency), world.tenant(agency)
    plan(place(big, 60))
    plan(place(little, 7), after=timedelta(0))
    assert dispatch_agency(AgencyScope(agency.agency(), (*big.tenant_ids, *little.tenant_ids))) == 27
    one, other = big.tenant(), little.tenant()
    assert asked() == [(one, 5), (other, 5), (one, 5), (other, 2), (one, 5), (one, 5)]
    assert (claimed(big), claimed(little)) == (20, 7)


def test_ten_that_come_later_go_before_what_waits_in_the_queues_of_another(world: World) -> None:
    agency = world.agency()
    big, little = world.tenant(agency), world.tenant(agency)
    scope = AgencyScope(agency.agency(), (*big.tenant_ids, *little.tenant_ids))
    plan(place(big, 20))
    dispatch_agency(scope)
    plan(place(little, 3))
    dispatch_agency(scope)
    order = list[int]()

    def carry_out(database: object, tenant: Scope, ids: list[int], job: object = None) -> int:
        order.append(tenant.tenant())
        return len(ids)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outreach_jobs, "execute", carry_out)
        jobs.drain()
    assert order == [big.tenant(), little.tenant(), *[big.tenant()] * 3]


def test_the_next_slice_follows_without_waiting_for_the_minute(world: World) -> None:
    scope = world.tenant()
    placed = place(scope, 60)
    plan(placed)
    run()
    assert Counter(state for state, _ in states(placed)) == Counter(closed=60)


def test_what_is_claimed_is_not_handed_out_twice(world: World) -> None:
    scope = world.tenant()
    plan(place(scope, 8))
    agency = AgencyScope(scope.agency(), scope.tenant_ids)
    assert (dispatch_agency(agency), dispatch_agency(agency)) == (8, 0)
    clock.advance(CLAIM_LEASE + timedelta(minutes=1))
    with runtime.current().database.transaction(scope) as session:
        assert outreach_jobs.reap_tenant(session)["freed"] == 8
    assert dispatch_agency(agency) == 8


def test_an_action_that_nobody_foresaw_is_set_aside_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = world.tenant()
    placed = place(scope, 9)
    plan(placed)
    real, poison = composing.words.write, placed[4].account_id

    def write(template: str, channel: str, tone: str, account: Reachable, *rest: object) -> Words:
        if account.account_id == poison:
            raise ZeroDivisionError
        return real(template, channel, tone, account, *rest)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(composing.words, "write", write)
    run()
    found = states(placed)
    assert found[4] == ("blocked", "error:ZeroDivisionError")
    assert Counter(state for state, _ in found) == Counter(closed=8, blocked=1)


def test_nothing_due_is_nothing_asked(world: World) -> None:
    scope = world.tenant()
    plan(place(scope, 2), after=timedelta(hours=1))
    run()
    assert asked() == []


@pytest.mark.parametrize(
    "wrong", [{"channel": "pigeon"}, {"template": "threat"}, {"tone": "angry"}, {"expires_at": None}]
)
def test_an_action_that_makes_no_sense_is_refused_when_it_is_scheduled(
    world: World, wrong: dict[str, object]
) -> None:
    one, now = place(world.tenant())[0], clock.now()
    values = {
        "account_id": one.account_id, "debtor_id": one.debtor_id, "person_id": one.person_id,
        "channel": "email", "template": "offer", "due_at": now, "expires_at": now + timedelta(days=1),
        **{name: value or now for name, value in wrong.items()},
    }  # fmt: skip
    database = runtime.current().database
    with pytest.raises(UserError), database.transaction(one.scope) as session:
        schedule(session, [NewAction(**values)])  # type: ignore[arg-type]  # as parametrized


def test_what_went_out_is_closed_when_nothing_more_was_heard_of_it(world: World) -> None:
    scope = world.tenant()
    placed = place(scope, 4)
    plan(placed)
    with runtime.current().database.transaction(scope) as session:
        ids = session.execute(select(Action.id).order_by(Action.id)).scalars().all()
        for state in ("claimed", "reserved", "sent"):
            move(session, [Move(one, state) for one in ids])
        move(
            session, [Move(ids[1], "delivered"), Move(ids[2], "answered"), Move(ids[3], "failed", "refused")]
        )
    for later, closed in ((CLOSES_AFTER - timedelta(minutes=1), 0), (timedelta(minutes=2), 3)):
        clock.advance(later)
        with runtime.current().database.transaction(scope) as session:
            assert outreach_jobs.reap_tenant(session)["closed"] == closed
    assert states(placed) == [
        ("closed", "sent"), ("closed", "delivered"), ("closed", "answered"), ("failed", "refused"),
    ]  # fmt: skip
