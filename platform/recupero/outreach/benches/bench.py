"""`recupero bench execute`: due actions carried out with everything, in turn with what they are measured by,
in one process of one run: RQ's own empty jobs, and mails that are only written, built and sent."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rq import SimpleWorker
from sqlalchemy import func, select, update

from recupero.contacts.tables import Contact, GivenVerdict, MessageCopy, Permission, PersonContact
from recupero.kernel import clock, command, jobs, runtime, throwaway
from recupero.kernel.bulk import among, refresh_statistics
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.rq_worker import Worker
from recupero.ledger.tables import LedgerEntry
from recupero.outreach import service
from recupero.outreach.actions.points import fits
from recupero.outreach.benches import bench_mail
from recupero.outreach.jobs import BATCH
from recupero.outreach.service import NewAction
from recupero.outreach.tables import Action, ActionEvent
from recupero.payments.tables import PaymentLink
from recupero.placements import bench as files
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.tenancy import bench as tenancy_bench

_NOON = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # a working Tuesday in Chile
_EMPTY_JOBS = 600
_SINGLE = 200  # a round of the urgent path
_ALONE = 150  # a round of it in which none is taken along
_MAILS = 400  # a round over SMTP
_CHILEAN = 0.62  # of the invented rows, at least this share are people of Chile that can be written to


def empty_job() -> None:
    """What RQ alone costs."""


@dataclass(frozen=True)
class Bench:
    """A platform of its own with actions of a creditor that wait to become due."""

    platform: runtime.Runtime
    scope: Scope
    folder: Path
    waiting: list[int]
    letters: list[int]  # e-mails kept for the rounds over SMTP

    def warm_up(self) -> None:
        """To where a platform is after its first minutes: whatever is loaded on first use is loaded, and the
        planner knows that the tables of messages, money and permissions are no longer empty."""
        self.empty_jobs(50)
        self.actions(BATCH)
        filled = (
            Contact, PersonContact, MessageCopy, GivenVerdict, Permission, Action, ActionEvent, PaymentLink,
            LedgerEntry,
        )  # fmt: skip
        with self.platform.database.transaction(self.scope) as session:
            refresh_statistics(session, *filled)

    def actions(self, count: int, *, by_mail: bool = False) -> float:
        """Seconds from `count` due actions to their outcomes: dispatch, law, words, reservation, records."""
        self.due(count, self.letters if by_mail else self.waiting)
        with self.platform.database.transaction(PLATFORM) as session:
            jobs.enqueue(session, "outreach.dispatch")
        return work()

    def one_by_one(self, count: int, *, alone: bool = False) -> float:
        """Seconds for `count` actions with a job each: the urgent path, all of them waiting at once. `alone`:
        each is handed to RQ, and none is due yet when another looks for others that wait, so that it takes
        nothing along."""
        due = clock.now() + timedelta(hours=1) if alone else None
        ids = self.due(count, self.waiting)
        with self.platform.database.transaction(self.scope) as session:
            session.execute(
                update(Action)
                .where(Action.tenant_id == self.scope.tenant(), among(Action.id, ids))
                .values(state="claimed", leased_until=clock.now() + timedelta(hours=1))
            )
            requests = [
                jobs.enqueue(session, "outreach.execute", queue="urgent", run_at=due, action_ids=[action_id])
                for action_id in ids
            ]
        for request_id in filter(None, requests if alone else ()):
            jobs.send(request_id, "urgent")
        return work()

    def empty_jobs(self, count: int) -> float:
        """Seconds for `count` jobs of RQ that do nothing, by RQ's own worker."""
        queue = jobs.rq_queue("default")
        for _ in range(count):
            queue.enqueue(empty_job, result_ttl=0)
        return work(SimpleWorker)

    def killed(self, to: bench_mail.Relay, count: int) -> bench_mail.Tally:
        """What becomes of `count` mails whose workers are killed."""
        ids = self.due(count, self.letters)
        bench_mail.kill_workers(self.platform, to)
        return bench_mail.tally(self.platform, self.scope, ids, to)

    def accounts(self, count: int) -> list[reach.Reachable]:
        """Accounts to write to without anything else."""
        with self.platform.database.transaction(self.scope) as session:
            return list(reach.reachable(session, reach.account_ids(session)[:count]).values())

    def due(self, count: int, actions: list[int]) -> list[int]:
        """Bring some of these actions forward."""
        ids = [actions.pop() for _ in range(count)]
        with self.platform.database.transaction(self.scope) as session:
            session.execute(
                update(Action)
                .where(Action.tenant_id == self.scope.tenant(), among(Action.id, ids))
                .values(due_at=clock.now())
            )
        return ids

    def done(self) -> int:
        """How many messages went out."""
        with self.platform.database.transaction(self.scope) as session:
            return session.execute(
                select(func.count()).select_from(Action).where(Action.state == "closed")
            ).scalar_one()


_finished = 0.0


def note_the_time() -> None:
    """The last job of a round: the worker's own end, which takes a second, is not counted."""
    global _finished
    _finished = time.perf_counter()


def work(of: type[SimpleWorker] = Worker) -> float:
    """Seconds until a worker in this process has nothing left to do: ours, or RQ's own."""
    jobs.rq_queue("bulk").enqueue(note_the_time, result_ttl=0)
    worker = jobs.worker(of=of)
    began = time.perf_counter()
    worker.work(burst=True, logging_level="ERROR")
    return _finished - began


@contextmanager
def platform_with(count: int, letters: int = 0) -> Iterator[Bench]:
    with throwaway.platform() as (platform, running), clock.simulated(_NOON):
        scope = _place(platform, running.data_dir, count + 2 * letters)
        mails, others = _schedule(platform, scope)
        yield Bench(platform, scope, running.data_dir, others + mails[letters:], mails[:letters])


def _place(platform: runtime.Runtime, folder: Path, count: int) -> Scope:
    """An agency with a creditor that has enough accounts of people in Chile."""
    return _creditor(platform, tenancy_bench.agency(platform), "bench", folder, count)


def _creditor(
    platform: runtime.Runtime, agency: Scope, slug: str, folder: Path, count: int, skip: int = 0
) -> Scope:
    """A creditor of the agency, its accounts placed through the real import."""
    from recupero.placements.imports import import_file

    scope = tenancy_bench.creditor(platform, agency, slug)
    with platform.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name="bench", country="CL", currency="CLP", product="consumer", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        )  # fmt: skip
    path = folder / f"{slug}.csv"
    files.write_csv(path, _rows(count), skip)
    import_file(
        platform.database, scope, portfolio_id=portfolio.id, path=path, mapping=files.MAPPING, actor="system"
    )
    return scope


def _rows(count: int) -> int:
    """Lines of a file that has so many people to write to."""
    return int(count / _CHILEAN) + 100


def neighbour(bench: Bench, count: int, beside: int) -> Bench:
    """Another creditor of the agency with so many actions, of people other than those that the first one was
    placed for (`beside`)."""
    agency = Scope(bench.scope.agency())
    scope = _creditor(bench.platform, agency, "neighbour", bench.folder, count, _rows(beside))
    mails, others = _schedule(bench.platform, scope)
    return Bench(bench.platform, scope, bench.folder, others + mails, [])


def _schedule(platform: runtime.Runtime, scope: Scope) -> tuple[list[int], list[int]]:
    """An action for everybody, due tomorrow; a round brings its own forward. The e-mails, and the others."""
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
        service.schedule(session, rows)
        made = session.execute(select(Action.id, Action.channel).order_by(Action.id)).all()
    mails = [row.id for row in made if row.channel == "email"]
    return mails, [row.id for row in made if row.channel != "email"]


def _channel(points: Sequence[reach.Point]) -> str | None:
    """E-mail where there is an address, else SMS where there is a number for it."""
    return next((channel for channel in ("email", "sms") for point in points if fits(point, channel)), None)


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Medians over rounds that alternate between actions and what they are measured by, all in one worker
    process; then workers that are killed, with the relay's own record of what arrived.

    The rooms are wired already: `recupero.cli` does that for every command.
    """
    slice_ = count // rounds
    mails = min(_MAILS, count)
    doomed = BATCH * (bench_mail.KILLED + 2)
    with platform_with(BATCH + (slice_ + _SINGLE + _ALONE) * rounds, mails * rounds + doomed) as bench:
        bench.warm_up()
        rates, peaks = _outbox(bench, slice_, rounds)
        carried = bench.done() - BATCH - (_SINGLE + _ALONE) * rounds
        with bench_mail.relay(bench.folder) as to, bench_mail.by_mail(bench.platform, bench.scope, to):
            rates |= _mails(bench, to, mails, rounds)
            tally = bench.killed(to, doomed)
    rate, empty, single, lone = (
        statistics.median(rates[name]) for name in ("batch", "empty", "single", "alone")
    )
    mail, plain = statistics.median(rates["mail"]), statistics.median(rates["plain"])
    return {
        "n": slice_ * rounds, "carried_out": carried,
        "seconds": round(sum(slice_ / each for each in rates["batch"]), 3),
        "rate": round(rate, 1), "reference": "RQ jobs that do nothing, RQ's own SimpleWorker",
        "reference_rate": round(empty, 1), "ratio": round(rate / empty, 2),
        "one_by_one_rate": round(single, 1), "one_by_one_ratio": round(single / empty, 2),
        "alone_rate": round(lone, 1), "alone_ratio": round(lone / empty, 2),
        "mail_rate": round(mail, 1), "mail_reference_rate": round(plain, 1),
        "mail_ratio": round(mail / plain, 2), "lost": tally.lost, "doubled": tally.doubled,
        "unknown_after_kills": tally.unknown, "memory_growth_mib": round(peaks[-1] - peaks[0], 1),
        "peak_mib": round(peaks[-1], 1),
    }  # fmt: skip


def _outbox(bench: Bench, slice_: int, rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    """Rates of batches, of single actions and of empty jobs through the outbox, in a different order each
    round; and the process's peak of memory after each round."""
    took: dict[str, Callable[[], float]] = {
        "batch": lambda: slice_ / bench.actions(slice_),
        "single": lambda: _SINGLE / bench.one_by_one(_SINGLE),
        "alone": lambda: _ALONE / bench.one_by_one(_ALONE, alone=True),
        "empty": lambda: _EMPTY_JOBS / bench.empty_jobs(_EMPTY_JOBS),
    }
    rates: dict[str, list[float]] = {name: [] for name in took}
    peaks: list[float] = []
    for number in range(rounds):
        names = list(took)[:: -1 if number % 2 else 1]  # none always comes after the same other
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            rates[name].append(took[name]())
        peaks.append(throwaway.peak_mib())
    return rates, peaks


def _mails(bench: Bench, to: bench_mail.Relay, count: int, rounds: int) -> dict[str, list[float]]:
    """Rates of mails with everything, and of mails that are only written, built and sent, in turn."""
    accounts = bench.accounts(count)
    rates: dict[str, list[float]] = {"mail": [], "plain": []}
    for number in range(rounds):
        for name in ("mail", "plain") if number % 2 == 0 else ("plain", "mail"):
            if name == "mail":
                rates[name].append(count / bench.actions(count, by_mail=True))
            else:
                rates[name].append(len(accounts) / bench_mail.plain(to, accounts))
    return rates


@click.command("execute")
@click.option("--n", "count", default=6_000, show_default=True, type=click.IntRange(300, 5_000_000))
@click.option("--rounds", default=6, show_default=True, type=click.IntRange(1, 20))
@command.json_option
@command.answers
def execute_bench(count: int, rounds: int, as_json: bool) -> None:
    """Actions per second with everything, in batches, one by one and by mail, each with its reference; and
    what is lost or doubled when workers are killed."""
    answer = measure(count, rounds)
    sound = answer["carried_out"] == answer["n"] and answer["lost"] == answer["doubled"] == 0
    command.finish(answer, as_json=as_json, ok=sound)
