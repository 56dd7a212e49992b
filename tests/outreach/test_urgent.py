"""Urgent actions have a job each; the first carries out those that wait behind it, each once."""

import pytest
from sqlalchemy import select, update

from recupero.contacts.tables import Contact
from recupero.kernel import clock, job_requests, jobs, runtime
from recupero.kernel.database import PLATFORM
from recupero.outreach.actions.states import CLAIM_LEASE
from recupero.outreach.sending import execution, preparation, urgent
from recupero.outreach.tables import Action
from recupero_sdk.channels import Capabilities
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import states
from tests.outreach.two_way import KEY, Pigeon, installed, switch_on

pytestmark = pytest.mark.usefixtures("noon")


def ask(placed: list[Placed]) -> list[int]:
    """Each action claimed for a job of its own; the actions."""
    plan(placed)
    with runtime.current().database.transaction(placed[0].scope) as session:
        ids = list(session.execute(select(Action.id).order_by(Action.id)).scalars())
        session.execute(update(Action).values(state="claimed", leased_until=clock.now() + CLAIM_LEASE))
        for action_id in ids:
            jobs.enqueue(session, "outreach.execute", queue="urgent", action_ids=[action_id])
    return ids


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The actions of each time that some were prepared together and went out."""
    seen = list[list[int]]()

    def prepare(session: object, ids: list[int], gate: object) -> object:
        ready = preparation.prepare(session, ids, gate)  # type: ignore[arg-type]  # passed on
        if ready:  # the last one's job finds that an earlier one took it along
            seen.append(ids)
        return ready

    monkeypatch.setattr(execution, "prepare", prepare)
    return seen


def made(placed: list[Placed]) -> list[int | None]:
    with runtime.current().database.transaction(placed[0].scope) as session:
        return list(session.execute(select(Contact.action_id).order_by(Contact.action_id)).scalars())


def test_the_first_takes_the_others_along(world: World, batches: list[list[int]]) -> None:
    placed = place(world.tenant(), 6)
    ids = ask(placed)
    jobs.drain()
    assert batches == [ids]
    assert states(placed) == [("closed", None)] * 6
    assert made(placed) == ids
    with runtime.current().database.transaction(PLATFORM) as session:
        ended = session.execute(select(job_requests.JobRequest.status)).scalars().all()
    assert set(ended) == {"done"}


def test_no_more_than_so_many_and_none_of_another_creditor(
    world: World, batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urgent, "MOST", 4)
    first, second = place(world.tenant(), 6), place(world.tenant(), 2)
    ids, others = ask(first), ask(second)
    jobs.drain()
    assert batches == [ids[:4], ids[4:], others]
    assert made(first) == ids
    assert made(second) == others


def test_no_more_than_a_slow_account_takes_at_once(
    world: World, batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(monkeypatch):
        slow = Pigeon(capabilities=Capabilities(channels=("email",), per_second=0.5))
        runtime.current().plugins.channels[KEY] = slow  # taken away with `installed`
        placed = place(world.tenant(), 3)
        switch_on(placed[0].scope)
        ids = ask(placed)
        jobs.drain()
    assert batches[0] == ids[:2], "what it takes in five seconds"


def test_what_was_cancelled_meanwhile_stays_so(world: World, batches: list[list[int]]) -> None:
    placed = place(world.tenant(), 3)
    ids = ask(placed)
    with runtime.current().database.transaction(placed[0].scope) as session:
        session.execute(update(Action).where(Action.id == ids[0]).values(state="cancelled"))
    jobs.drain()
    assert batches == [ids[1:]]
    assert [state for state, _reason in states(placed)] == ["cancelled", "closed", "closed"]
