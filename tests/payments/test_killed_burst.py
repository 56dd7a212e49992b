"""A burst of events while web processes, workers and PostgreSQL are killed: the provider sends again what was
not answered, and the books are as if nothing had happened."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from sqlalchemy import func, insert, select

from recupero.kernel import clock, jobs, periodic, runtime
from recupero.kernel.burst import Connection, request
from recupero.kernel.config import Config
from recupero.payments.bench import Told
from recupero.payments.gateways import gateways, links
from recupero.payments.tables import Charge, Payment, PaymentLink, ProviderEvent
from recupero_sdk.gateways import Charge as MadeCharge
from recupero_sdk.gateways import ChargeRequest, PaymentEventKind, PretendGateway
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_faults import books

EVENTS, AMOUNT = 60, 1_000


def told(placed: Placed) -> list[Told]:
    """Signed events of as many charges, three in ten doubled, in random order."""
    tenant, made = placed.scope.tenant(), []
    with runtime.current().database.transaction(placed.scope) as session:
        links.ensure_links(session, {placed.debtor_id: placed.account_ids})
        link = session.execute(select(PaymentLink.id)).scalar_one()
        rows = [
            {"tenant_id": tenant, "link_id": link, "gateway": "sandbox", "idempotency_key": f"k{number}",
             "amount_minor": AMOUNT, "currency": "CLP", "reference": f"r{number}", "url": "", "state": "open",
             "mode": "trust", "fee_minor": 0, "created_at": clock.now()}
            for number in range(EVENTS)
        ]  # fmt: skip
        session.execute(insert(Charge), rows)
        gateway, config = gateways.open_gateway(session, "sandbox")
    assert isinstance(gateway, PretendGateway)
    for number in range(EVENTS):
        charge = ChargeRequest(f"k{number}", AMOUNT, "CLP", "", "", {"recupero_tenant": str(tenant)})
        made.append(
            gateway.pretend(
                MadeCharge(f"r{number}", ""), charge, PaymentEventKind.SUCCEEDED, config, now=clock.now()
            )
        )
    again = made + random.Random(3).choices(made, k=EVENTS * 3 // 10)
    random.Random(3).shuffle(again)
    return again


def environment(config: Config) -> dict[str, str]:
    return {
        **os.environ, "RECUPERO_DATA_DIR": str(config.data_dir),
        "RECUPERO_DATABASE_URL": config.owner_database_url.replace("+psycopg", ""),
        "RECUPERO_REDIS_URL": config.redis_url, "RECUPERO_KEY_FILE": str(config.key_file),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip


def send_until_taken(port: int, message: bytes) -> None:
    """As a provider does: whatever is not answered with 200 is sent again."""
    for _ in range(600):
        try:
            with Connection(port) as connection:
                if connection.ask(message)[0] == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("an event was never taken")


def send_all(port: int, requests: list[bytes]) -> None:
    for message in requests:
        send_until_taken(port, message)


@pytest.mark.slow
def test_killed_web_processes_and_workers_lose_and_double_nothing(
    platform: runtime.Runtime, world: World
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1_000_000}])
    requests = [
        request("POST", f"/webhooks/sandbox/{placed.scope.tenant()}", headers, body)
        for body, headers in told(placed)
    ]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = environment(platform.config)
    web = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "python:recupero.kernel.web", "-b", f"127.0.0.1:{port}",
         "recupero.app:create_from_environment()"],
        env=started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        send_until_taken(port, requests[0])
        senders = [threading.Thread(target=send_all, args=(port, requests[part::4])) for part in range(4)]
        for sender in senders:
            sender.start()
        killed = 0
        while any(sender.is_alive() for sender in senders) and killed < 6:
            for child in psutil.Process(web.pid).children():
                child.send_signal(signal.SIGKILL)
                killed += 1
            time.sleep(0.7)
        for sender in senders:
            sender.join(timeout=120)
    finally:
        web.terminate()
        web.wait(timeout=30)
    assert killed
    for _ in range(2):
        worker = subprocess.Popen(
            [sys.executable, "-m", "recupero.cli", "work"], env=started, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for_a_payment(placed)
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=10)
    with clock.simulated(datetime.now(UTC) + jobs.LEASE + timedelta(minutes=2)):
        periodic.ask_due()
        jobs.drain()
        trial, lies = books(placed)
    assert trial["CLP", "trust_cash"] == EVENTS * AMOUNT
    assert len(lies) == EVENTS
    with platform.database.transaction(placed.scope) as session:
        states = session.execute(
            select(ProviderEvent.state, func.count())
            .where(ProviderEvent.tenant_id == placed.scope.tenant())
            .group_by(ProviderEvent.state)
        ).all()
    assert [tuple(row) for row in states] == [("done", EVENTS)]


def wait_for_a_payment(placed: Placed) -> None:
    """Until the worker has booked something more (or everything, or a while has passed)."""
    known = payments(placed)
    for _ in range(1000):
        if payments(placed) not in {known} - {EVENTS}:
            return
        time.sleep(0.02)


def payments(placed: Placed) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(func.count()).select_from(Payment)).scalar_one()


@pytest.mark.slow
def test_a_killed_postgresql_loses_and_doubles_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.payments.crashed_database"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
