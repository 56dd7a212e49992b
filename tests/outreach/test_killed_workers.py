"""Workers killed with SIGKILL, a Redis that forgets, workers that race: nobody is written to twice, and
nothing is lost from sight."""

import multiprocessing
import random
import signal
import threading
from collections import Counter
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from recupero.contacts.replaying import replay_contacts
from recupero.contacts.tables import Contact, PersonContact
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.outreach import queries
from recupero.outreach.jobs import dispatch_agency
from recupero.outreach.sending.execution import execute
from recupero.outreach.tables import Action
from recupero.tenancy.queries import AgencyScope
from tests.factories import World
from tests.outreach import killable
from tests.outreach.killable import RecordingOutbox
from tests.outreach.placed import Placed, place, plan

#: Workers are forked from one process that has loaded everything: starting Python costs more than their work.
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload([killable.__name__])


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def ask(*names: str) -> None:
    """What the scheduler does each minute."""
    with runtime.current().database.transaction(PLATFORM) as session:
        for name in names:
            jobs.enqueue(session, name, queue="urgent", unique_key=f"periodic:{name}")
    jobs.sweep()


def start(log: Path, kill: dict[str, int]) -> BaseProcess:
    """A worker process of its own; it ends when nothing is left to do, or dies as it was told."""
    config = runtime.current().config
    asked = {
        "data_dir": str(config.data_dir), "database": config.owner_database_url.replace("+psycopg", ""),
        "redis": config.redis_url, "now": clock.now().isoformat(), "log": str(log), "kill": kill,
    }  # fmt: skip
    worker = WARM.Process(target=killable.main, args=(asked,))
    worker.start()
    return worker


def end_of(worker: BaseProcess) -> int | None:
    """How a worker ended: its exit code, or minus the signal that it died of."""
    try:
        worker.join(timeout=120)
        return worker.exitcode
    finally:
        worker.kill()


def round_of_work(log: Path, kill: dict[str, int]) -> int | None:
    """Dispatch, let a worker run, and say how it ended."""
    ask("outreach.reap", "outreach.dispatch")
    return end_of(start(log, kill))


def states(scope: Scope) -> Counter[str]:
    with runtime.current().database.transaction(scope) as session:
        rows = session.execute(select(Action.state, func.count()).group_by(Action.state)).all()
    return Counter({row[0]: row[1] for row in rows})


def delivered(log: Path) -> list[tuple[str, str]]:
    """What really went out: message key and recipient."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [(key, recipient) for key, recipient in (line.split(" ", 1) for line in lines)]


def check_nothing_doubled_nor_lost(scope: Scope, log: Path, placed: list[Placed]) -> Counter[str]:
    out = delivered(log)
    assert max(Counter(recipient for _, recipient in out).values()) == 1, "somebody was written to twice"
    with runtime.current().database.transaction(scope) as session:
        contacts = session.execute(select(Contact.id, Contact.state, Contact.action_id)).all()
        counted = session.execute(select(PersonContact.contact_id, PersonContact.outcome)).all()
        unknown = queries.unknown(session, limit=len(placed))
    by_key = {f"{scope.tenant()}-{row.id}": row.state for row in contacts}
    assert {by_key[key] for key, _ in out} <= {"sent", "unknown"}, "what went out must count"
    sent = {key for key, state in by_key.items() if state == "sent"}
    assert sent <= {key for key, _ in out}, "what is called sent went out"
    assert len({row.action_id for row in contacts}) == len(contacts), "an action has one contact"
    assert {row.contact_id: row.outcome for row in counted} == {
        row.id: "delivered" if row.state == "sent" else "unknown" for row in contacts
    }
    found = states(scope)
    assert found["closed"] + found["unknown"] == len(placed), f"something is lost: {found}"
    assert len(unknown) == found["unknown"], "what is unknown is shown"
    assert replay_contacts(runtime.current().database).illegal == ()
    return found


@pytest.fixture
def log(platform: runtime.Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the provider notes, also of the messages that this process sends."""
    noted = tmp_path / "provider"
    monkeypatch.setitem(platform.plugins.channels, "outbox", RecordingOutbox(noted, {}))
    return noted


def work_here() -> None:
    """A round of scheduler and worker that nobody kills, in this process."""
    ask("outreach.reap", "outreach.dispatch")
    jobs.drain()
    clock.advance(jobs.LEASE + timedelta(minutes=1))


@pytest.mark.slow
def test_workers_killed_at_random_points_double_and_lose_nothing(scope: Scope, log: Path) -> None:
    """Seeded, so that a failure comes again. One worker at a time, so that it always gets as far as its end;
    the points lie in every part of the work."""
    placed, chance = place(scope, 450), random.Random(20260310)
    plan(placed)
    ends: list[int | None] = []
    for kind in ("statement", "send", "statement", "sent", "statement"):
        number = chance.randint(8, 45) if kind == "statement" else chance.randint(1, 3)
        ends.append(round_of_work(log, {kind: number}))
        clock.advance(jobs.LEASE + timedelta(minutes=1))
    assert ends == [-signal.SIGKILL] * 5, "a worker was not killed"
    for _ in range(4):
        work_here()
    found = check_nothing_doubled_nor_lost(scope, log, placed)
    assert found["unknown"] > 0, "no worker died between reserving and confirming"
    assert found["closed"] > found["unknown"]


@pytest.mark.parametrize("kill", [{"send": 1}, {"sent": 1}])
def test_a_crash_around_sending_leaves_unknown_that_is_never_sent_again(
    scope: Scope, log: Path, kill: dict[str, int]
) -> None:
    plan(place(scope, 20))
    assert round_of_work(log, kill) == -signal.SIGKILL
    assert states(scope) == Counter(reserved=20)
    clock.advance(jobs.LEASE + timedelta(minutes=1))
    work_here()
    assert states(scope) == Counter(unknown=20)
    assert len(delivered(log)) == (15 if "sent" in kill else 0)


def test_a_crash_before_reserving_leaves_the_action_to_the_next_worker(scope: Scope, log: Path) -> None:
    placed = place(scope, 20)
    plan(placed)
    ask("outreach.dispatch")
    jobs.worker(("urgent",)).work(burst=True, logging_level="ERROR")
    worker = start(log, {"statement": 10})
    assert end_of(worker) == -signal.SIGKILL
    assert states(scope) == Counter(claimed=20)
    clock.advance(jobs.LEASE + timedelta(minutes=1))
    work_here()
    assert states(scope) == Counter(closed=20)
    check_nothing_doubled_nor_lost(scope, log, placed)


def test_a_redis_that_forgets_loses_nothing(scope: Scope) -> None:
    placed = place(scope, 450)
    plan(placed)
    ask("outreach.dispatch")
    jobs.worker(("urgent",)).work(burst=True, logging_level="ERROR")
    jobs.worker(("default",)).work(burst=True, max_jobs=1, logging_level="ERROR")
    runtime.current().redis.flushdb()
    assert states(scope)["closed"] < 450
    clock.advance(timedelta(minutes=3))
    ask("outreach.reap", "outreach.dispatch")
    jobs.drain()
    assert states(scope) == Counter(closed=450)
    with runtime.current().database.transaction(scope) as session:
        assert session.execute(select(func.count()).select_from(Contact)).scalar_one() == 450


@pytest.fixture
def race(world: World, noon: object) -> list[list[Placed]]:
    """Three tenants of one agency that all know the same forty people, two debts each."""
    agency = world.agency()
    scopes = [world.tenant(agency) for _ in range(3)]
    first = place(scopes[0], 40)
    people = [one.person_id for one in first]
    groups = [first, *(place(scope, 40, people=people) for scope in scopes[1:])]
    return [[*group, *(place(group[0].scope, 1, of=one)[0] for one in group)] for group in groups]


def test_workers_that_race_for_the_same_people_never_exceed_a_cap(race: list[list[Placed]]) -> None:
    database = runtime.current().database
    for group in race:
        plan(group)
    agency = AgencyScope(race[0][0].scope.agency(), tuple(group[0].scope.tenant() for group in race))
    assert dispatch_agency(agency) == 240
    jobs_of = [(group[0].scope, _claimed(group[0].scope)) for group in race]
    batches = [(scope, ids[start::8]) for scope, ids in jobs_of for start in range(8)]
    random.Random(7).shuffle(batches)
    threads = [
        threading.Thread(
            target=lambda part: [execute(database, *batch) for batch in part], args=(batches[i::6],)
        )
        for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    with database.transaction(agency.scope()) as session:
        each = session.execute(
            select(PersonContact.person_id, func.count()).group_by(PersonContact.person_id)
        ).all()
    assert len(each) == 40
    assert {count for _, count in each} == {1}  # a second one within two days would break the law of Chile
    assert replay_contacts(database).illegal == ()


def _claimed(scope: Scope) -> list[int]:
    with runtime.current().database.transaction(scope) as session:
        return list(session.execute(select(Action.id).where(Action.state == "claimed")).scalars())
