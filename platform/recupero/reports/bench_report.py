"""`recupero bench report`: a creditor's full report from the roll-ups, beside one aggregate over the raw rows
in the same run, and what keeping the roll-ups costs those who write.

A ledger line is a move of money onto a part of an account (`allocations`), which is what reports count; there
are twice as many contacts. Everything belongs to one creditor.
"""

import gc
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click
import psycopg
from sqlalchemy import event

from recupero.kernel import clock, command, engines, runtime, throwaway
from recupero.kernel.database import Scope
from recupero.payments.books import booking
from recupero.reports import bench_rows, page, rollups, service
from recupero.reports.periods import Period, months_between
from recupero.tenancy import bench as tenancy_bench

_AGGREGATES = 5  # takes seconds over millions of rows; reports take milliseconds, so that many are made
_AT_ONCE = 5_000  # rows of a bulk load's statement
_BOOKED = 30  # accounts that are booked on one by one
_TURNS = 10  # of the writers, with the upkeep off and on
_UPKEEP = tuple(
    f"ALTER TABLE {table} {{0}}ABLE TRIGGER {kept}_{operation}"
    for kept, tables in (
        ("report", ("accounts", "allocations", "contacts", "holds", "promises", "permissions")),
        ("sums", ("accounts", "payments")),
    )
    for table in tables
    for operation in ("insert", "update", "delete")[: 1 if table == "allocations" else 3]
)

# One aggregate over the raw rows: money and contacts by month, nothing else of a report.
_AGGREGATE = """
SELECT (SELECT count(*) FROM (
    SELECT a.portfolio_id, date_trunc('month', l.at AT TIME ZONE 'America/Santiago'), sum(l.amount_minor),
           sum(l.fee_minor)
    FROM allocations l JOIN accounts a ON a.tenant_id = l.tenant_id AND a.id = l.account_id
    WHERE l.tenant_id = %(tenant)s GROUP BY 1, 2) m),
  (SELECT count(*) FROM (
    SELECT c.channel, date_trunc('month', c.at AT TIME ZONE 'America/Santiago'),
           count(*) FILTER (WHERE c.direction = 'outbound'), count(*) FILTER (WHERE c.right_party)
    FROM contacts c WHERE c.tenant_id = %(tenant)s GROUP BY 1, 2) k)
"""
_LOADED = """
INSERT INTO payments (tenant_id, debtor_id, external_key, kind, amount_minor, currency, account_ids,
                      rates,
                      state, received_at, booked_at, transaction_id, channel)
SELECT %(tenant)s, i, %(tag)s || i, 'gateway', 10, 'CLP', ARRAY[i], '{}', 'booked', %(now)s, %(now)s,
       %(step)s, 'email'
FROM generate_series(1, %(rows)s) i
RETURNING id
"""
_MOVES = """
INSERT INTO allocations (tenant_id, payment_id, transaction_id, account_id, part, amount_minor, fee_minor, at)
SELECT %(tenant)s, p, %(step)s, i, 'principal', 10, 2, %(now)s
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY x(p, i)
"""
_SENT = """
INSERT INTO contacts (tenant_id, debtor_id, account_id, person_id, direction, channel, recipient, purpose, at,
                      state, state_at, right_party, cost_minor)
SELECT %(tenant)s, i, i, i, 'outbound', 'sms', 'debtor', 'collection', %(now)s, 'sent', %(now)s, false, 0
FROM generate_series(1, %(rows)s) i
"""


def measure(lines: int, rounds: int) -> dict[str, Any]:
    """The figures of the bench over `lines` moves of money and twice as many contacts."""
    with throwaway.platform(durable=False) as (platform, running):
        scope = tenancy_bench.creditor(platform, tenancy_bench.agency(platform))
        began = time.perf_counter()
        with psycopg.connect(running.owner_database_url) as owner:
            accounts = bench_rows.fill(owner, scope, lines, clock.now())
        filled = time.perf_counter() - began
        _vacuum(running)
        began = time.perf_counter()
        with platform.database.transaction(scope) as session:
            rollups.rebuild(session)
        rebuilt = time.perf_counter() - began
        _vacuum(running)
        read = _reading(platform, running, scope, rounds)
        same = _same(platform, running, scope, accounts)
        kept = _keeping(platform, running, scope, accounts)
    ratio = read["aggregate_ms"] / read["database_p95_ms"]
    return {
        "n": lines, "contacts": lines * 2, "accounts": accounts, "seconds": round(filled + rebuilt, 1),
        "rate": round(1000 / read["database_p95_ms"], 1),
        "reference": "one aggregate over the raw rows: money and contacts by month",
        "reference_rate": round(1000 / read["aggregate_ms"], 3), "ratio": round(ratio, 1),
        **read, **kept, "rebuild_seconds": round(rebuilt, 1), "identical": same,
        "peak_mib": throwaway.peak_mib(),
    }  # fmt: skip


def _vacuum(running: engines.Engines) -> None:
    with psycopg.connect(running.owner_database_url, autocommit=True) as owner:
        owner.execute("VACUUM (ANALYZE)")


@contextmanager
def _in_database(platform: runtime.Runtime) -> Iterator[list[float]]:
    """Seconds of each statement that the block asks the database."""
    took: list[float] = []

    def before(connection: Any, *_told: Any) -> None:
        connection.info["began"] = time.perf_counter()

    def after(connection: Any, *_told: Any) -> None:
        took.append(time.perf_counter() - connection.info["began"])

    engine = platform.database.engine
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield took
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


def _periods() -> list[Period]:
    last = clock.today("America/Santiago").replace(day=1)
    months = months_between((last - timedelta(days=bench_rows.DAYS)).replace(day=1), last)
    return [*(Period(month, month) for month in months[-6:]), Period(months[-12], last)]


def _reading(
    platform: runtime.Runtime, running: engines.Engines, scope: Scope, rounds: int
) -> dict[str, Any]:
    """Reports of single months and of a year in turn, with a few aggregates spread among them. As in a web
    process (`kernel.web`), what is loaded by now is not looked through for garbage between them."""
    gc.collect()
    gc.freeze()
    database, pages, aggregates = list[float](), list[float](), list[float]()
    with psycopg.connect(running.owner_database_url, autocommit=True) as raw:
        for number in range(rounds):
            for period in _periods():
                began = time.perf_counter()
                with _in_database(platform) as took, platform.database.transaction(scope) as session:
                    made = service.recovery_report(session, period)
                page.render(made, service.words_for(made))
                pages.append(time.perf_counter() - began)
                database.append(sum(took))
            if number % max(1, rounds // _AGGREGATES) == 0:
                began = time.perf_counter()
                raw.execute(_AGGREGATE, {"tenant": scope.tenant()}).fetchone()
                aggregates.append(time.perf_counter() - began)
    return {
        "database_p50_ms": _ms(statistics.median(database)), "database_p95_ms": _ms(_p95(database)),
        "database_most_ms": _ms(max(database)),
        "page_p50_ms": _ms(statistics.median(pages)), "page_p95_ms": _ms(_p95(pages)),
        "aggregate_ms": _ms(statistics.median(aggregates)), "reports": len(database),
    }  # fmt: skip


def _keeping(
    platform: runtime.Runtime, running: engines.Engines, scope: Scope, accounts: int
) -> dict[str, Any]:
    """Rates of writers with the upkeep on and off, in turn; each ratio is of the medians. The last accounts
    are booked on through the platform, the others are written to as they are."""
    rows = min(accounts - _BOOKED, _AT_ONCE)
    took: dict[tuple[str, bool], list[float]] = {}
    with psycopg.connect(running.owner_database_url, autocommit=True) as owner:
        for turn in range(_TURNS):
            on = turn % 2 == 1
            for upkeep in _UPKEEP:
                owner.execute(upkeep.format("EN" if on else "DIS"))
            for what, seconds in (
                ("single_ratio", _single(platform, scope, turn, accounts)),
                ("single_statement_ratio", _plain(owner, scope, turn)),
                ("bulk_ratio", _bulk(owner, scope, turn, rows)),
                ("bulk_contacts_ratio", _contacts(owner, scope, rows)),
            ):
                took.setdefault((what, on), []).append(seconds)
    names = dict.fromkeys(name for name, _ in took)
    ratios = {
        name: statistics.median(took[name, False]) / statistics.median(took[name, True]) for name in names
    }
    return {name: round(ratio, 3) for name, ratio in ratios.items()}


def _single(platform: runtime.Runtime, scope: Scope, turn: int, accounts: int) -> float:
    """Seconds of bookings through the platform, each in a transaction of its own."""
    began = time.perf_counter()
    for account in range(accounts - _BOOKED + 1, accounts + 1):
        with platform.database.transaction(scope) as session:
            booking.book_payment(
                session,
                booking.Received(
                    f"single-{turn}-{account}", "manual", 10, "CLP", clock.now(), account, [account]
                ),
            )
    return time.perf_counter() - began


def _plain(owner: psycopg.Connection[Any], scope: Scope, turn: int) -> float:
    """Seconds of payments of one move, written by two bare statements and committed one by one."""
    began = time.perf_counter()
    for number in range(200):
        values = {"tenant": scope.tenant(), "tag": f"plain-{turn}-{number}-", "now": clock.now(), "rows": 1,
                  "step": -(turn * 1000 + number) - 1}  # fmt: skip
        with owner.transaction():
            ids = [row[0] for row in owner.execute(_LOADED, values).fetchall()]
            owner.execute(_MOVES, values | {"ids": ids})
    return time.perf_counter() - began


def _bulk(owner: psycopg.Connection[Any], scope: Scope, turn: int, rows: int) -> float:
    """Seconds to load `rows` moves in a statement."""
    values = {"tenant": scope.tenant(), "tag": f"bulk-{turn}-", "now": clock.now(), "rows": rows,
              "step": -(turn + 1) * 1_000_000}  # fmt: skip
    ids = [row[0] for row in owner.execute(_LOADED, values).fetchall()]
    began = time.perf_counter()
    owner.execute(_MOVES, values | {"ids": sorted(ids)})
    return time.perf_counter() - began


def _contacts(owner: psycopg.Connection[Any], scope: Scope, rows: int) -> float:
    """Seconds to load `rows` contacts in a statement."""
    began = time.perf_counter()
    owner.execute(_SENT, {"tenant": scope.tenant(), "now": clock.now(), "rows": rows})
    return time.perf_counter() - began


def _same(platform: runtime.Runtime, running: engines.Engines, scope: Scope, accounts: int) -> bool:
    """Whether a rebuild leaves the reports of single months and of the year as the upkeep has kept them while
    others wrote."""
    with psycopg.connect(running.owner_database_url, autocommit=True) as owner:
        rows = min(accounts - _BOOKED, _AT_ONCE)
        _bulk(owner, scope, _TURNS, rows)
        _contacts(owner, scope, rows)
    _single(platform, scope, _TURNS, accounts)
    with platform.database.transaction(scope) as session:
        before = [service.recovery_report(session, period).sections for period in _periods()]
        rollups.rebuild(session)
        return before == [service.recovery_report(session, period).sections for period in _periods()]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


@click.command("report")
@click.option("--n", "count", default=100_000, show_default=True, type=click.IntRange(1_000, 50_000_000))
@click.option(
    "--rounds", default=40, show_default=True, type=click.IntRange(1, 1_000), help="Of seven reports each."
)
@command.json_option
@command.answers
def report_bench(count: int, rounds: int, as_json: bool) -> None:
    """A creditor's report over N ledger lines and twice as many contacts, from the roll-ups.

    Exits 1 where a rebuild changes a figure."""
    answer = measure(count, rounds)
    command.finish(answer, as_json=as_json, ok=answer["identical"])
