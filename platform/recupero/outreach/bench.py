"""`recupero bench execute`: due actions carried out with everything, against RQ's own empty jobs, in turn, in
the same process of the same run."""

import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select, update

from recupero.kernel import clock, command, engines, jobs, migrate, runtime
from recupero.kernel.config import Config
from recupero.kernel.database import PLATFORM, Scope, scope_of
from recupero.outreach import service
from recupero.outreach.points import fits
from recupero.outreach.service import NewAction
from recupero.outreach.tables import Action
from recupero.placements import bench as files
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.tenancy import service as tenancy

_NOON = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # a working Tuesday in Chile
_EMPTY_JOBS = 600
_SINGLE = 200
_CHILEAN = 0.62  # of the invented rows, at least this share are people of Chile that can be written to


def empty_job() -> None:
    """What RQ alone costs."""


@dataclass(frozen=True)
class _Bench:
    """A platform of its own with actions that wait to become due."""

    platform: runtime.Runtime
    scope: Scope
    waiting: list[int]

    def actions(self, count: int) -> float:
        """Seconds from `count` due actions to their outcomes: dispatch, law, words, reservation, records."""
        self._due(count)
        with self.platform.database.transaction(PLATFORM) as session:
            jobs.enqueue(session, "outreach.dispatch")
        return _work()

    def one_by_one(self, count: int) -> float:
        """Seconds for `count` actions with a job each: the urgent path."""
        ids = self._due(count)
        with self.platform.database.transaction(self.scope) as session:
            session.execute(
                update(Action)
                .where(Action.tenant_id == self.scope.tenant(), Action.id.in_(ids))
                .values(state="claimed", leased_until=clock.now() + timedelta(hours=1))
            )
            for action_id in ids:
                jobs.enqueue(session, "outreach.execute", queue="urgent", action_ids=[action_id])
        return _work()

    def empty_jobs(self, count: int) -> float:
        """Seconds for `count` jobs of RQ that do nothing."""
        queue = jobs.rq_queue("default")
        for _ in range(count):
            queue.enqueue(empty_job, result_ttl=0)
        return _work()

    def _due(self, count: int) -> list[int]:
        ids = [self.waiting.pop() for _ in range(count)]
        with self.platform.database.transaction(self.scope) as session:
            session.execute(
                update(Action)
                .where(Action.tenant_id == self.scope.tenant(), Action.id.in_(ids))
                .values(due_at=clock.now())
            )
        return ids

    def done(self) -> int:
        """How many messages went out."""
        with self.platform.database.transaction(self.scope) as session:
            return session.execute(
                select(func.count()).select_from(Action).where(Action.state == "done")
            ).scalar_one()


_finished = 0.0


def note_the_time() -> None:
    """The last job of a round: the worker's own end, which takes a second, is not counted."""
    global _finished
    _finished = time.perf_counter()


def _work() -> float:
    jobs.rq_queue("bulk").enqueue(note_the_time, result_ttl=0)
    began = time.perf_counter()
    jobs.worker().work(burst=True, logging_level="ERROR")
    return _finished - began


@contextmanager
def _bench(count: int) -> Iterator[_Bench]:
    with tempfile.TemporaryDirectory(prefix="recupero-bench-") as name:
        folder = Path(name)
        with engines.start(folder / "data") as running, clock.simulated(_NOON):
            migrate.upgrade(running.owner_database_url.replace("postgresql://", "postgresql+psycopg://", 1))
            config = Config.build(
                folder / "data", owner_database_url=running.owner_database_url, redis_url=running.redis_url
            )
            platform = runtime.start(config)
            try:
                scope = _place(platform, folder, count)
                yield _Bench(platform, scope, _schedule(platform, scope, count))
            finally:
                runtime.stop()


def _place(platform: runtime.Runtime, folder: Path, count: int) -> Scope:
    """A creditor with enough accounts of people in Chile, through the real import."""
    from recupero.placements.imports import import_file

    with platform.database.transaction(PLATFORM) as session:
        tenancy.create_agency(
            session, slug="bench", name="bench", country="CL", locale="es", timezone="America/Santiago",
            contact_phone="+56 2 2345 6789", contact_email="bench@example.com",
        )  # fmt: skip
        tenant = tenancy.create_tenant(
            session, slug="bench", name="bench", country="CL", currency="CLP", locale="es",
            timezone="America/Santiago", actor="system",
        )  # fmt: skip
        scope = Scope(scope_of(session).agency(), (tenant.id,))
    with platform.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name="bench", country="CL", currency="CLP", product="consumer", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        )  # fmt: skip
    path = folder / "placement.csv"
    files.write_csv(path, int(count / _CHILEAN) + 100)
    import_file(
        platform.database, scope, portfolio_id=portfolio.id, path=path, mapping=files.MAPPING, actor="system"
    )
    return scope


def _schedule(platform: runtime.Runtime, scope: Scope, count: int) -> list[int]:
    """One action for each of `count` people, due tomorrow; a round brings its own forward."""
    tomorrow = clock.now() + timedelta(days=1)
    with platform.database.transaction(scope) as session:
        accounts = reach.reachable(session, reach.account_ids(session))
        points = reach.points_of(session, {account.debtor_id for account in accounts.values()})
        rows = [
            NewAction(
                account.account_id, account.debtor_id, account.person_id, channel, "first_notice", tomorrow,
                tomorrow + timedelta(days=5), tone="kind",
            )
            for account in accounts.values()
            if account.country == "CL" and (channel := _channel(points.get(account.debtor_id, [])))
        ]  # fmt: skip
        service.schedule(session, rows[:count])
        return list(session.execute(select(Action.id)).scalars())


def _channel(points: Sequence[reach.Point]) -> str | None:
    """E-mail where there is an address, else SMS where there is a number for it."""
    return next((channel for channel in ("email", "sms") for point in points if fits(point, channel)), None)


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Medians over rounds that alternate between actions and empty jobs, all in one worker process.

    The rooms are wired already: `recupero.cli` does that for every command.
    """
    slice_ = count // rounds
    with _bench(slice_ * rounds + _SINGLE) as bench:
        bench.empty_jobs(50)  # whatever is loaded on first use is loaded now
        single = _SINGLE / bench.one_by_one(_SINGLE)
        seconds, ours, reference = 0.0, list[float](), list[float]()
        for number in range(rounds):
            for turn in (0, 1) if number % 2 == 0 else (1, 0):
                if turn == 0:
                    took = bench.actions(slice_)
                    seconds, ours = seconds + took, [*ours, slice_ / took]
                else:
                    reference.append(_EMPTY_JOBS / bench.empty_jobs(_EMPTY_JOBS))
        carried = bench.done() - _SINGLE
    rate, empty = statistics.median(ours), statistics.median(reference)
    return {
        "n": slice_ * rounds, "carried_out": carried, "seconds": round(seconds, 3), "rate": round(rate, 1),
        "reference": "RQ jobs that do nothing, same worker", "reference_rate": round(empty, 1),
        "ratio": round(rate / empty, 2), "one_by_one_rate": round(single, 1),
        "one_by_one_ratio": round(single / empty, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }  # fmt: skip


@click.command("execute")
@click.option("--n", "count", default=6_000, show_default=True, type=click.IntRange(300, 5_000_000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@command.json_option
@command.answers
def execute_bench(count: int, rounds: int, as_json: bool) -> None:
    """Actions per second through the outbox with everything, and empty RQ jobs per second."""
    answer = measure(count, rounds)
    command.finish(answer, as_json=as_json, ok=answer["carried_out"] == answer["n"])
