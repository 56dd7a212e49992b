"""Many workers over one person for many simulated weeks make no contact too many, also when killed."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from recupero.contacts import service
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.service import Result, Wish
from recupero.contacts.tables import Contact, PersonContact
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from tests.contacts.racer import CHANNELS, ENDS
from tests.contacts.test_policies import decree
from tests.factories import World
from tests.outreach.placed import Placed, place

ROOT = Path(__file__).parents[2]
SANTIAGO = ZoneInfo("America/Santiago")
WORKERS = 8


@pytest.fixture
def debts(world: World, noon: object) -> list[Placed]:
    """Two debts each with three creditors of one agency, all of the same person."""
    agency = world.agency()
    scopes = [world.tenant(agency) for _ in range(3)]
    first = place(scopes[0])[0]
    known = [first, *(place(scope, people=[first.person_id])[0] for scope in scopes[1:])]
    return [*known, *(place(one.scope, of=one)[0] for one in known)]


def whole(debts: list[Placed]) -> Scope:
    return Scope(debts[0].scope.agency_id, tuple(sorted({one.scope.tenant() for one in debts})))


def race(debts: list[Placed], chance: random.Random) -> None:
    """Everybody at once tries to reserve a contact, then says what came of it."""
    gate = threading.Barrier(WORKERS)
    picks = [(chance.choice(debts), chance.choice(CHANNELS), chance.choice(ENDS)) for _ in range(WORKERS)]

    def work(debt: Placed, channel: str, state: str) -> None:
        database = runtime.current().database
        gate.wait(timeout=60)
        with database.transaction(debt.scope) as session:
            wish = Wish(debt.account_id, channel, None)  # type: ignore[arg-type]  # one of CHANNELS
            made = service.reserve(session, [wish])[0].contact_id
        if made is not None:
            with database.transaction(debt.scope) as session:
                service.confirm(session, [Result(made, state)])

    threads = [threading.Thread(target=work, args=pick) for pick in picks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()


def counted(debts: list[Placed]) -> list[tuple[datetime, str, str]]:
    """Moments, channels and outcomes of what counts, oldest first, straight from the table."""
    with runtime.current().database.transaction(whole(debts)) as session:
        rows = session.execute(
            select(PersonContact.at, PersonContact.channel, PersonContact.outcome)
            .where(PersonContact.direction == "outbound")
            .order_by(PersonContact.at, PersonContact.id)
        )
        return [(row[0], row[1], row[2]) for row in rows]


def most_within(moments: list[datetime], length: timedelta) -> int:
    """The most moments that any window of this length holds, its end excluded."""
    return max((sum(first <= at < first + length for at in moments) for first in moments), default=0)


def check_by_counting(debts: list[Placed], per_week: int) -> None:
    """The caps counted by hand, without the gate: Chile's two, and the house's."""
    made = counted(debts)
    weekly = [at for at, _channel, outcome in made if outcome != "failed"]
    assert most_within(weekly, timedelta(hours=168)) <= per_week
    by_week: dict[tuple[int, int], int] = {}
    for at in weekly:
        year, week, _day = at.astimezone(SANTIAGO).isocalendar()
        by_week[year, week] = by_week.get((year, week), 0) + 1
    assert max(by_week.values(), default=0) <= per_week
    talks = [at for at, channel, outcome in made if channel == "call" and outcome in ("answered", "unknown")]
    assert most_within(talks, timedelta(hours=168)) <= 1
    messages = [at for at, channel, _outcome in made if channel != "call"]
    assert most_within(messages, timedelta(hours=48)) <= 1
    assert all(8 <= at.astimezone(SANTIAGO).hour < 20 for at, _channel, _outcome in made)


def test_workers_that_race_for_weeks_make_no_contact_too_many(debts: list[Placed]) -> None:
    """Seeded, so that a failure comes again: ten weeks, three times a week eight workers at once."""
    decree(whole(debts), per_week=3, counts="attempts")
    chance = random.Random(1)
    for _round in range(30):
        race(debts, chance)
        clock.advance(timedelta(hours=chance.choice((20, 47, 48, 49, 72, 96))))
    made = counted(debts)
    assert len(made) > 12, "nothing was contacted, so nothing is proven"
    assert len({channel for _at, channel, _outcome in made}) > 1, "only one kind of cap was raced for"
    check_by_counting(debts, per_week=3)
    assert replay_contacts(runtime.current().database).broken == ()


def start(debts: list[Placed], log: Path, seed: int, die: dict[str, int]) -> "subprocess.Popen[bytes]":
    config = runtime.current().config
    asked = {
        "data_dir": str(config.data_dir), "database": config.owner_database_url.replace("+psycopg", ""),
        "redis": config.redis_url, "agency": debts[0].scope.agency(), "now": clock.now().isoformat(),
        "accounts": [[one.scope.tenant(), one.account_id] for one in debts], "weeks": 3, "log": str(log),
        "seed": seed, "die": die,
    }  # fmt: skip
    paths = [ROOT, ROOT / "platform", ROOT / "platform/sdk"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-m", "tests.contacts.racer", json.dumps(asked)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


@pytest.mark.slow
def test_workers_killed_between_their_steps_make_no_contact_too_many(
    debts: list[Placed], tmp_path: Path
) -> None:
    """Three workers at once through three weeks, killed at random statements or just after sending; three
    such rounds of nine weeks in all, the last worker lives."""
    decree(whole(debts), per_week=3, counts="attempts")
    chance, log, ends = random.Random(20260310), tmp_path / "provider", list[int]()
    for _round in range(3):
        deaths = [
            {"statement": chance.randint(10, 90)}, {"statement": chance.randint(10, 90)},
            {"sent": chance.randint(1, 2)},
        ]  # fmt: skip
        workers = [start(debts, log, chance.randint(1, 10**6), die) for die in deaths]
        try:
            ends += [worker.wait(timeout=180) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        clock.advance(timedelta(weeks=3))
    assert ends.count(-signal.SIGKILL) >= 6, f"too few were killed: {ends}"
    assert start(debts, log, 7, {}).wait(timeout=180) == 0
    check_by_counting(debts, per_week=3)
    assert replay_contacts(runtime.current().database).broken == ()
    out = {int(line) for line in log.read_text().splitlines()}
    with runtime.current().database.transaction(whole(debts)) as session:
        known = set(session.execute(select(PersonContact.contact_id)).scalars())
        reserved = set(session.execute(select(Contact.id).where(Contact.state == "reserved")).scalars())
    assert out <= known, "something went out that does not count"
    assert reserved <= known, "what a dead worker left reserved must count"
