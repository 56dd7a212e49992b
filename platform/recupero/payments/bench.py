"""`recupero bench webhook`: a burst of signed events, a third of them doubles, through the real web server,
against the database alone taking the same statements; then what was told is booked, and the books are proven.
"""

import random
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import psycopg
from sqlalchemy import func, insert, select, update

from recupero.kernel import burst, clock, command, engines, jobs, runtime, throwaway
from recupero.kernel.database import APP_ROLE, Scope
from recupero.kernel.supervisor import ProcessSpec
from recupero.ledger import queries as ledger
from recupero.payments.gateways import door, gateways, links
from recupero.payments.tables import Charge, Payment, PaymentLink, ProviderEvent
from recupero.placements import bench as files
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.serving import HOST, processes
from recupero.tenancy import bench as tenancy_bench
from recupero_sdk.gateways import Charge as MadeCharge
from recupero_sdk.gateways import ChargeRequest, PaymentEventKind, PretendGateway

DOUBLES = 0.3
A_COMMIT = 50
_AMOUNT = 1_000
_PLAYED_BACK = 600

_PLAIN = """INSERT INTO provider_events
    (gateway, agency_id, tenant_id, event_id, body, headers, state, received_at)
VALUES (%(gateway)s, %(agency)s, %(tenant)s, %(event_id)s, %(body)s, %(signature)s, 'received', %(now)s)"""

Told = tuple[bytes, Mapping[str, str]]


@dataclass
class _Bench:
    """A platform of its own whose creditor's debtors all have a payment page open."""

    platform: runtime.Runtime
    running: engines.Engines
    scope: Scope
    charges: list[int]

    def events(self, count: int) -> list[Told]:
        """`count` signed events in random order; three in ten are doubles of others."""
        unique = count - int(count * DOUBLES)
        with self.platform.database.transaction(self.scope) as session:
            gateway, config = gateways.open_gateway(session, gateways.SANDBOX)
        assert isinstance(gateway, PretendGateway)
        made = []
        for charge in [self.charges.pop() for _ in range(unique)]:
            metadata = {"recupero_tenant": str(self.scope.tenant()), "recupero_charge": str(charge)}
            request = ChargeRequest(f"bench-{charge}", _AMOUNT, "CLP", "", "", metadata)
            made.append(
                gateway.pretend(
                    MadeCharge(f"bench-{charge}", ""), request, PaymentEventKind.SUCCEEDED, config,
                    now=clock.now(),
                )
            )  # fmt: skip
        rng = random.Random(7)  # noqa: S311 - an order, no secret
        told = made + rng.choices(made, k=count - unique)
        rng.shuffle(told)
        return told

    def database_alone(self, count: int) -> float:
        """Seconds in which the database takes the statement of as many events by as many connections."""
        (told,), url = self.events(1), self.running.owner_database_url
        share, tag = count // burst.CONNECTIONS, random.random()  # noqa: S311 - a name for this round
        row = door.parameters(self.scope, gateways.SANDBOX, ["ref"], [told], clock.now())

        def work(number: int, ready: threading.Barrier) -> None:
            with psycopg.connect(
                url, options=f"-c role={APP_ROLE} -c timezone=UTC", autocommit=True
            ) as connection:
                ready.wait()
                for turn in range(share):
                    connection.execute(door.STORE, row | {"event_ids": [f"ref-{tag}-{number}-{turn}"]})

        return burst.together(work)

    def over_http(self, port: int, told: Sequence[Told]) -> tuple[float, list[float]]:
        """Seconds of the burst by as many kept connections, and the time of each answer."""
        path = f"/webhooks/sandbox/{self.scope.tenant()}"
        requests = [burst.request("POST", path, headers, body) for body, headers in told]
        took: list[float] = []

        def work(number: int, ready: threading.Barrier) -> None:
            with burst.Connection(port) as connection:
                ready.wait()
                for request in requests[number :: burst.CONNECTIONS]:
                    began = time.perf_counter()
                    status, _ = connection.ask(request)
                    took.append(time.perf_counter() - began)
                    if status != 200:
                        raise RuntimeError(f"an event was answered with {status}")

        return burst.together(work), took

    def replayed(self, told: Sequence[Told]) -> float:
        """Seconds to play events back: checked and stored, fifty a commit."""
        began = time.perf_counter()
        for start in range(0, len(told), A_COMMIT):
            some = told[start : start + A_COMMIT]
            door.receive_events(self.platform.database, self.scope, gateways.SANDBOX, some)
        return time.perf_counter() - began

    def inserted(self, count: int) -> float:
        """Seconds for as many plain inserts of an event, fifty a commit, without checks."""
        (told,), url, tag = self.events(1), self.running.owner_database_url, random.random()  # noqa: S311
        row = door.parameters(self.scope, gateways.SANDBOX, ["ref"], [told], clock.now())
        row |= {"body": row["bodies"][0], "signature": row["headers"][0]}
        with psycopg.connect(url) as connection:
            began = time.perf_counter()
            for number in range(count):
                connection.execute(_PLAIN, row | {"event_id": f"ref-{tag}-{number}"})
                if number % A_COMMIT == A_COMMIT - 1:
                    connection.commit()
            connection.commit()
            return time.perf_counter() - began

    def forget(self) -> None:
        """Leave nothing of the references for the worker."""
        with psycopg.connect(self.running.owner_database_url) as connection:
            connection.execute("DELETE FROM provider_events WHERE event_id LIKE 'ref-%'")

    def counted(self) -> tuple[int, int, list[str]]:
        """Events stored, payments booked, and what is wrong in the books."""
        with self.platform.database.transaction(self.scope) as session:
            events = session.execute(
                select(func.count()).where(ProviderEvent.tenant_id == self.scope.tenant())
            ).scalar_one()
            payments = session.execute(select(func.count()).select_from(Payment)).scalar_one()
            return events, payments, ledger.check(session)


@contextmanager
def _bench(count: int) -> Iterator[_Bench]:
    with creditor(count) as (platform, running, scope):
        yield _Bench(platform, running, scope, _charge(platform, scope, count))


@contextmanager
def creditor(count: int) -> Iterator[tuple[runtime.Runtime, engines.Engines, Scope]]:
    """A platform of its own, with a creditor who placed at least `count` debts in pesos of Chile."""
    with throwaway.platform() as (platform, running):
        yield platform, running, _place(platform, running.data_dir, count)


def _place(platform: runtime.Runtime, folder: Path, count: int) -> Scope:
    """A creditor with accounts of `count` debtors, through the real import."""
    from recupero.placements.imports import import_file

    scope = tenancy_bench.creditor(platform, tenancy_bench.agency(platform))
    with platform.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name="bench", country="CL", currency="CLP", product="consumer", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        )  # fmt: skip
    path = folder / "placement.csv"
    files.write_csv(path, int(count * 1.05) + 50)
    import_file(
        platform.database, scope, portfolio_id=portfolio.id, path=path, mapping=files.MAPPING, actor="system"
    )
    return scope


def _charge(platform: runtime.Runtime, scope: Scope, count: int) -> list[int]:
    """An open charge for each of `count` debtors."""
    tenant = scope.tenant()
    with platform.database.transaction(scope) as session:
        debts = reach.reachable(session, reach.account_ids(session))
        links.ensure_links(session, {one.debtor_id: [one.account_id] for one in debts.values()})
    with platform.database.transaction(scope) as session:
        rows = [
            {"tenant_id": tenant, "link_id": link, "gateway": gateways.SANDBOX, "amount_minor": _AMOUNT,
             "idempotency_key": f"bench-{link}", "currency": "CLP", "url": "", "state": "open",
             "mode": "trust", "fee_minor": 0, "created_at": clock.now()}
            for link in session.execute(select(PaymentLink.id).limit(count)).scalars()
        ]  # fmt: skip
        made = session.execute(insert(Charge).returning(Charge.id), rows).scalars().all()
        session.execute(
            update(Charge)
            .where(Charge.tenant_id == tenant)
            .values(reference=func.concat("bench-", Charge.id))
        )
    return list(made)


def _web(running: engines.Engines, listener: int, port: int) -> ProcessSpec:
    """The web process as `recupero up` starts it."""
    return processes(running, f"http://{HOST}:{port}", listener, workers=0)[0]


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Medians over rounds that alternate between the web server and the database alone."""
    share = count // rounds
    with (
        _bench(count + rounds * (_PLAYED_BACK + 4) + 80) as bench,
        burst.serving(partial(_web, bench.running)) as port,
    ):
        bench.over_http(port, bench.events(80))  # whatever is loaded on first use is loaded now
        stored = bench.counted()[0]
        took, seconds, ours, alone = list[float](), 0.0, list[float](), list[float]()
        for number in range(rounds):
            for turn in (0, 1) if number % 2 == 0 else (1, 0):
                if turn == 0:
                    spent, answers = bench.over_http(port, bench.events(share))
                    seconds, ours, took = seconds + spent, [*ours, share / spent], [*took, *answers]
                else:
                    alone.append(share / bench.database_alone(share))
                    bench.forget()
        replay, plain = _replay(bench, share, rounds)
        bench.forget()
        unique = sum(share - int(share * DOUBLES) for _ in range(rounds))
        began = time.perf_counter()
        jobs.drain()
        booking = time.perf_counter() - began
        events, payments, problems = bench.counted()
    return {
        "n": share * rounds, "seconds": round(seconds, 3), "rate": round(statistics.median(ours), 1),
        "reference": "the same statements by 8 connections", "connections": burst.CONNECTIONS,
        "reference_rate": round(statistics.median(alone), 1),
        "ratio": round(statistics.median(ours) / statistics.median(alone), 3),
        "p99_ms": round(sorted(took)[int(len(took) * 0.99)] * 1000, 1),
        "replay_rate": round(replay, 1), "replay_reference_rate": round(plain, 1),
        "replay_ratio": round(replay / plain, 3), "doubles": DOUBLES, "events": events - stored,
        "lost_or_doubled": abs(events - payments), "unique": unique,
        "booked_rate": round(events / booking, 1), "problems": problems,
        "peak_mib": throwaway.peak_mib(),
    }  # fmt: skip


def _replay(bench: _Bench, share: int, rounds: int) -> tuple[float, float]:
    """Events a second played back, and plain inserts a second; medians."""
    ours, plain = list[float](), list[float]()
    for _ in range(rounds):
        told = bench.events(min(share, _PLAYED_BACK))
        ours.append(len(told) / bench.replayed(told))
        plain.append(len(told) / bench.inserted(len(told)))
    return statistics.median(ours), statistics.median(plain)


@click.command("webhook")
@click.option("--n", "count", default=10_000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@command.json_option
@command.answers
def webhook_bench(count: int, rounds: int, as_json: bool) -> None:
    """Signed events a second through the web server, and what the database alone takes.

    Exits 1 where an event is lost or booked twice, or the books do not hold."""
    answer = measure(count, rounds)
    ok = not answer["lost_or_doubled"] and not answer["problems"]
    command.finish(answer, as_json=as_json, ok=ok)
