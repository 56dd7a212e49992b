"""`recupero bench remit`: one long statement, drawn, issued and written as files; drawing it beside a plain
insert of the same finished lines.
"""

import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
import psycopg

from recupero.kernel import clock, command, engines, runtime, throwaway
from recupero.kernel.database import Scope
from recupero.ledger import remittances
from recupero.ledger import service as ledger
from recupero.ledger.books import Book
from recupero.ledger.service import Booking, Entry
from recupero.ledger.tables import Remittance
from recupero.payments.bench import creditor
from recupero.placements import reach
from recupero.reports import statement_files, statements

_ZONE, _PAID, _FEE = ZoneInfo("America/Santiago"), 1_000, 200
_LINES_OF_AN_ACCOUNT = 5
_A_COMMIT = 5_000
_PLAIN = """
CREATE TEMP TABLE plain (LIKE remittance_items INCLUDING ALL) ON COMMIT DROP;
INSERT INTO plain OVERRIDING SYSTEM VALUE SELECT * FROM remittance_items ORDER BY id"""

Made = TypeVar("Made")


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Seconds of each step for a statement of `count` lines; drawing as the median of alternating rounds."""
    took: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Made]) -> Made:
        began = time.perf_counter()
        made = work()
        took[step] = time.perf_counter() - began
        return made

    with creditor(count // _LINES_OF_AN_ACCOUNT + 1) as (platform, running, scope):
        _book(platform, scope, count)
        drawn, plain = list[float](), list[float]()
        for _ in range(rounds):
            remittance = timed("draw", lambda: _draw(platform, scope))
            drawn.append(took["draw"])
            plain.append(_inserted(running))
        took["draw"] = statistics.median(drawn)
        timed("issue", lambda: _issue(platform, scope, remittance.id))
        made = timed("read", lambda: _document(platform, scope, remittance.id))
        sizes = {
            form: len(timed(form, partial(statement_files.render, made, form)))
            for form in ("csv", "xlsx", "pdf")
        }
    seconds = sum(took.values())
    return {
        "n": len(made.lines), "seconds": round(seconds, 3), "rate": round(count / seconds, 1),
        "reference": "a plain insert of the same finished lines, against drawing them",
        "reference_rate": round(count / statistics.median(plain), 1),
        "draw_rate": round(count / took["draw"], 1),
        "ratio": round(statistics.median(plain) / took["draw"], 3),
        "steps": {step: round(one, 3) for step, one in took.items()}, "bytes": sizes,
        "lines_on_paper": count if count <= statements.MOST_PRINTED else 0,
        "complete": len(made.lines) == count
        and made.remittance.payable_minor == count * (_PAID - _FEE)
        and made.remittance.state == "issued",
        "peak_mib": throwaway.peak_mib(),
    }  # fmt: skip


def _yesterday() -> datetime:
    return clock.now().astimezone(_ZONE) - timedelta(days=1)


def _book(platform: runtime.Runtime, scope: Scope, count: int) -> None:
    """`count` payments of yesterday in the books, each of one account."""
    with platform.database.transaction(scope) as session:
        debts = list(reach.reachable(session, reach.account_ids(session)).values())
    for start in range(0, count, _A_COMMIT):
        numbers = range(start, min(start + _A_COMMIT, count))
        with platform.database.transaction(scope) as session:
            ids = ledger.new_ids(session, len(numbers))
            ledger.book_many(
                session,
                [
                    Booking(id_, "payment", f"payment:bench-{number}", _yesterday(),
                            _entries(debts[number % len(debts)]))
                    for id_, number in zip(ids, numbers, strict=True)
                ],
            )  # fmt: skip


def _entries(debt: reach.Reachable) -> list[Entry]:
    """A payment into trust, and the fee on it."""
    where = (debt.account_id, None, debt.portfolio_id)
    return [
        Entry(Book.RECEIVABLE, -_PAID, "CLP", debt.account_id, "principal", debt.portfolio_id),
        Entry(Book.PLACEMENT_CONTROL, _PAID, "CLP", *where),
        Entry(Book.CREDITOR_PAYABLE, _FEE - _PAID, "CLP", *where),
        Entry(Book.COMMISSION_EARNED, -_FEE, "CLP", *where),
        Entry(Book.TRUST_CASH, _PAID, "CLP"),
    ]


def _draw(platform: runtime.Runtime, scope: Scope) -> Remittance:
    day = _yesterday().date()
    with platform.database.transaction(scope) as session:
        return remittances.draw(session, currency="CLP", period_from=day, period_to=day, actor="user:1")


def _issue(platform: runtime.Runtime, scope: Scope, remittance_id: int) -> None:
    with platform.database.transaction(scope) as session:
        remittances.review(session, remittance_id, actor="user:1")
    with platform.database.transaction(scope) as session:
        remittances.issue(session, remittance_id, actor="user:2")


def _document(platform: runtime.Runtime, scope: Scope, remittance_id: int) -> statements.Document:
    with platform.database.transaction(scope) as session:
        return statements.document(session, remittance_id)


def _inserted(running: engines.Engines) -> float:
    """Seconds in which the database takes the lines that were drawn once more, as they are."""
    with psycopg.connect(running.owner_database_url) as connection:
        began = time.perf_counter()
        connection.execute(_PLAIN)
        connection.commit()
        return time.perf_counter() - began


@click.command("remit")
@click.option("--n", "count", default=100_000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@command.json_option
@command.answers
def remit_bench(count: int, rounds: int, as_json: bool) -> None:
    """A statement of N lines: drawn, issued, written as CSV, XLSX and PDF.

    Exits 1 where a line is missing or the statement does not come to what was paid."""
    answer = measure(count, rounds)
    command.finish(answer, as_json=as_json, ok=answer["complete"])
