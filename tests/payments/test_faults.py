"""Races, crashes and repetitions: no payment is lost and none is booked twice."""

import os
import random
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.job_requests import JobRequest
from recupero.ledger import queries as ledger
from recupero.payments.books.booking import Received, book_payment, reverse_payment
from recupero.payments.charging import inbox
from recupero.payments.gateways import door
from recupero.payments.incoming.direct import book_direct
from recupero.payments.tables import Allocation, Payment, ProviderEvent
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from recupero.placements.tables import Account
from recupero_sdk.gateways import PaymentEventKind
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay
from tests.payments.test_events import charge, event
from tests.thorough import examples

Books = tuple[dict[object, int], list[tuple[object, ...]]]


def books(placed: Placed) -> Books:
    """The trial balance and where each payment's money lies; the books must hold."""
    with runtime.current().database.transaction(placed.scope) as session:
        assert ledger.check(session) == []
        trial: dict[object, int] = {
            (currency, book): amount
            for (_, currency, book), amount in ledger.trial_balance(session).items()
            if amount
        }
        place_of = {account: number for number, account in enumerate(placed.account_ids)}
        rows = session.execute(
            select(Payment.external_key, Payment.state, Allocation.account_id, Allocation.part,
                   func.sum(Allocation.amount_minor), func.sum(Allocation.fee_minor))
            .join(Allocation, Allocation.payment_id == Payment.id)
            .group_by(Payment.external_key, Payment.state, Allocation.account_id, Allocation.part)
            .having(func.sum(Allocation.amount_minor) != 0)
            .order_by(Payment.external_key, Allocation.account_id, Allocation.part)
        ).all()  # fmt: skip
        return trial, [(row[0], row[1], place_of.get(row[2]), *row[3:]) for row in rows]


def stored_event(placed: Placed, amount: int = 400) -> int:
    """A provider's event in the inbox, not yet booked."""
    made = charge(placed, amount)
    body, headers = event(made, PaymentEventKind.SUCCEEDED)
    database = runtime.current().database
    assert door.receive_event(database, placed.scope, "sandbox", body, headers)
    with database.transaction(placed.scope) as session:
        return session.execute(select(func.max(ProviderEvent.id))).scalar_one()


def payments(placed: Placed) -> list[int]:
    with runtime.current().database.transaction(placed.scope) as session:
        return list(session.execute(select(Payment.amount_minor)).scalars())


def test_two_workers_with_the_same_event_book_it_once(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant())
    event_id = stored_event(placed)

    def work(_: int) -> None:
        with platform.database.transaction(placed.scope) as session:
            inbox.process_event(session, event_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert payments(placed) == [400]
    books(placed)


def test_payments_at_the_same_moment_never_pay_below_zero(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: pay(placed, 300, str(number)), range(6)))
    trial, _ = books(placed)
    assert trial["CLP", "trust_cash"] == 1800
    assert trial["CLP", "suspense"] == -800
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Account.balance_minor)).scalar_one() == 0


_WORKER = """
import sys, time
from pathlib import Path
from recupero.kernel import jobs, runtime
from recupero.kernel.config import Config
from recupero.kernel.events import subscribe
from recupero.payments.events import PaymentBooked, PaymentsBooked
from recupero.wiring import wire

data_dir, database, redis, request, where = sys.argv[1:]
runtime.start(Config.build(Path(data_dir), owner_database_url=database, redis_url=redis))
wire()


def rest(*_):
    print("here", flush=True)
    time.sleep(60)


if where == "inside":
    subscribe(PaymentBooked, rest)
    subscribe(PaymentsBooked, rest)
    jobs.run(int(request))
else:
    name, arguments, context = jobs._claim(int(request))
    jobs._handlers[name](context, **arguments)
    rest()
"""


@pytest.mark.parametrize("where", ["inside", "after the commit"])
def test_a_worker_killed_while_it_books_loses_nothing_and_doubles_nothing(
    platform: runtime.Runtime, world: World, where: str
) -> None:
    placed = place(platform, world.tenant())
    event_id = stored_event(placed)
    with platform.database.transaction(PLATFORM) as session:
        request = session.execute(
            select(JobRequest.id).where(JobRequest.name == "payments.process_events")
        ).scalar_one()
    config = platform.config
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_WORKER), str(config.data_dir), config.owner_database_url,
         config.redis_url, str(request), where],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "RECUPERO_KEY_FILE": str(config.key_file),
             "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert worker.stdout is not None
    assert worker.stdout.readline().strip() == "here"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(timeout=10)
    worker.stdout.close()
    assert payments(placed) == ([] if where == "inside" else [400])

    with clock.simulated(datetime.now(UTC) + jobs.LEASE + timedelta(minutes=1)):
        jobs.drain()
        assert payments(placed) == [400]
        trial, _ = books(placed)
    assert trial["CLP", "trust_cash"] == 400
    with platform.database.transaction(placed.scope) as session:
        assert session.get_one(ProviderEvent, event_id).state == "done"


# What a provider can tell us about a few payments: (what, payment, amount, minutes).
TOLD = st.tuples(
    st.sampled_from(["pay", "refund", "dispute", "dispute_won"]),
    st.sampled_from(["a", "b", "c"]),
    st.integers(1, 900),
    st.integers(0, 5),
)
QUICK = settings(
    max_examples=examples(10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
DEBTS = ({"principal": 400, "interest": 60, "cost": 30}, {"principal": 300, "fee": 25, "tax": 5})


def tell(placed: Placed, told: tuple[str, str, int, int], start: datetime) -> None:
    """One payment has one amount and one moment, whoever tells it; later facts come after it."""
    what, key, amount, minutes = told
    number = "abc".index(key)
    at = start + timedelta(minutes=number * 2)
    with runtime.current().database.transaction(placed.scope) as session:
        if what == "pay":
            book_payment(
                session,
                Received(f"gateway:{key}", "gateway", 150 + 350 * number, "CLP", at, placed.debtor_id,
                         placed.account_ids),
            )  # fmt: skip
        else:
            reverse_payment(
                session, payment_key=f"gateway:{key}",
                event_key=f"{what}-{key}-{amount}-{minutes}", kind=what,
                total_minor=amount, occurred_at=at + timedelta(minutes=1 + minutes),
            )  # fmt: skip


@QUICK
@given(told=st.lists(TOLD, max_size=9), seed=st.integers(0, 1000))
def test_the_same_events_in_any_order_and_number_leave_identical_books(
    platform: runtime.Runtime, world: World, noon: datetime, told: list[tuple[str, str, int, int]], seed: int
) -> None:
    first, second = (place(platform, world.tenant(), DEBTS) for _ in range(2))
    for one in told:
        tell(first, one, noon)
    again = told + random.Random(seed).choices(told, k=len(told)) if told else []
    random.Random(seed).shuffle(again)
    for one in again:
        tell(second, one, noon)
    assert books(first) == books(second)


DONE = st.tuples(
    st.sampled_from(["pay", "over", "again", "refund", "direct", "direct_back", "adjust"]),
    st.integers(1, 500),
    st.integers(0, 1),
)


@QUICK
@given(done=st.lists(DONE, max_size=10))
def test_the_books_hold_after_every_step(
    platform: runtime.Runtime, world: World, noon: datetime, done: list[tuple[str, int, int]]
) -> None:
    placed = place(platform, world.tenant(), DEBTS, rate=1750)
    direct = 0
    for number, (what, amount, which) in enumerate(done):
        if what in {"pay", "over"}:
            pay(placed, amount if what == "pay" else amount + 1000, f"{number}")
        elif what == "again":
            pay(placed, amount, f"{max(number - 1, 0)}")
        elif what == "refund":
            with platform.database.transaction(placed.scope) as session:
                reverse_payment(
                    session, payment_key=f"gateway:{max(number - 1, 0)}", event_key=f"r{number}",
                    kind="refund",
                    total_minor=amount, occurred_at=clock.now(),
                )  # fmt: skip
        elif what == "direct_back":
            back, direct = direct, 0
            _file(platform, placed, 0, "reversal", back, number)
        else:
            change = amount if what == "direct" or amount % 2 else -amount
            kind = "payment" if what == "direct" else "adjustment"
            _file(platform, placed, which if what == "adjust" else 0, kind, change, number)
            direct += amount if what == "direct" else 0
        books(placed)


def _file(platform: runtime.Runtime, placed: Placed, which: int, kind: str, amount: int, number: int) -> None:
    if not amount:
        return
    row = DirectPayment(1, placed.account_ids[which], kind, amount, "CLP", "2026-03-10", f"line-{number}")
    with platform.database.transaction(Scope(placed.scope.agency_id, placed.scope.tenant_ids)) as session:
        book_direct(session, DirectPaymentsReported(1, (row,)))
