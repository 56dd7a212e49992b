"""Calls that people make go through the same gate, and their results change the account at once."""

from datetime import timedelta

import pytest

from recupero.contacts.replaying import replay_contacts
from recupero.kernel import clock, runtime
from recupero.kernel.errors import Conflict, NotFound
from recupero.outreach import queries
from recupero.outreach.calls import calls
from recupero.placements import service as placements
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import history, run, states


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), timezone="America/Santiago")[0]


def start(placed: Placed, **changes: int) -> int | None:
    with runtime.current().database.transaction(placed.scope) as session:
        return calls.start_call(session, account_id=placed.account_id, **changes).contact_id


def finish(placed: Placed, contact_id: int | None, code: str) -> None:
    assert contact_id is not None
    with runtime.current().database.transaction(placed.scope) as session:
        calls.finish_call(session, contact_id, code, actor="user:1")


def test_a_waiting_call_is_taken_up_and_done(placed: Placed) -> None:
    plan([placed], "call")
    with runtime.current().database.transaction(placed.scope) as session:
        (task,) = queries.for_people(session)
    contact_id = start(placed, action_id=task.id)
    with pytest.raises(Conflict):
        start(placed, action_id=task.id)
    finish(placed, contact_id, "PTPF")
    assert states([placed]) == [("closed", "PTPF")]
    assert history(placed) == ["scheduled", "reserved", "closed"]


def test_a_call_without_a_task_takes_up_the_one_that_waits(placed: Placed) -> None:
    plan([placed], "call")
    finish(placed, start(placed), "NOAN")
    assert states([placed]) == [("closed", "NOAN")]


def test_outside_the_hours_the_task_waits_for_the_next_lawful_moment(placed: Placed) -> None:
    clock.advance(timedelta(hours=10))
    plan([placed], "call")
    assert start(placed) is None
    ((state, reason),) = states([placed])
    assert (state, reason) == ("scheduled", "law:CL-37-hours-call-visit")


def test_a_call_that_nobody_finished_counts_as_unknown(placed: Placed) -> None:
    plan([placed], "call")
    contact_id = start(placed)
    clock.advance(timedelta(minutes=20))
    run()
    assert [state for state, _ in states([placed])] == ["unknown"]
    assert start(placed) is None
    finish(placed, contact_id, "NOAN")
    assert states([placed]) == [("closed", "NOAN")]
    assert replay_contacts(runtime.current().database).illegal == ()


def test_held_closed_and_strange_accounts_are_not_called(placed: Placed, world: World) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=None, kind="dispute", source="test"
        )
    with pytest.raises(Conflict, match="dispute"):
        start(placed)
    stranger = world.tenant()
    with pytest.raises(NotFound), runtime.current().database.transaction(stranger) as session:
        calls.start_call(session, account_id=placed.account_id)


def test_without_a_number_there_is_no_call(world: World, noon: object) -> None:
    silent = place(world.tenant(), kinds=("email",))[0]
    with pytest.raises(Conflict, match="telephone"):
        start(silent)
