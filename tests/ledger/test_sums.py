"""What the books add up to is the same whether they were proven since or not, whoever books meanwhile."""

import pytest
from flask import Flask
from sqlalchemy import Engine, delete, text
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.ledger import alarms, sums, trust
from recupero.ledger.tables import LedgerProof
from recupero.payments.books import booking
from recupero.portals import home
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor

_READ = text(
    "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('ledger_entries', 'ledger_transactions')"
)


@pytest.fixture
def placed(platform: runtime.Runtime, world: World) -> Placed:
    return place(platform, world.tenant(), [{"principal": 90_000}])


def pay(session: Session, placed: Placed, key: str, minor: int = 1_000) -> None:
    booking.book_payment(
        session,
        booking.Received(
            external_key=key, kind="gateway", amount_minor=minor, currency="CLP", received_at=clock.now(),
            debtor_id=placed.debtor_id, account_ids=placed.account_ids,
        ),
    )  # fmt: skip


def prove(platform: runtime.Runtime, scope: Scope) -> None:
    with platform.database.transaction(scope) as session:
        assert alarms.check(session) == 0


def afresh(session: Session) -> list[trust.Position]:
    """The positions as they are without any proof."""
    with session.begin_nested() as tried:
        session.execute(delete(LedgerProof))
        found = trust.positions(session)
        tried.rollback()
    return found


def test_positions_are_the_same_with_a_proof_and_without(platform: runtime.Runtime, placed: Placed) -> None:
    for number in range(3):
        with platform.database.transaction(placed.scope) as session:
            pay(session, placed, f"a{number}", 1_000 + number)
            assert trust.positions(session) == afresh(session)
            (held,) = trust.positions(session)
            assert held.received_minor == sum(1_000 + one for one in range(number + 1))
        prove(platform, placed.scope)


def test_what_was_being_booked_during_a_proof_counts_once(platform: runtime.Runtime, placed: Placed) -> None:
    with platform.database.transaction(placed.scope) as early:
        pay(early, placed, "early")
        prove(platform, placed.scope)
    with platform.database.transaction(placed.scope) as session:
        (held,) = trust.positions(session)
        assert held.received_minor == 1_000
        assert trust.positions(session) == afresh(session)


def test_another_databases_numbers_are_no_use(platform: runtime.Runtime, placed: Placed) -> None:
    with platform.database.transaction(placed.scope) as session:
        pay(session, placed, "a")
    prove(platform, placed.scope)
    with platform.database.transaction(placed.scope) as session:
        session.execute(text("UPDATE ledger_proofs SET horizon = horizon + 1000000000"))
        assert sums.proven(session) == []
        (held,) = trust.positions(session)
        assert held.received_minor == 1_000


@pytest.fixture
def owner(_owner: Engine) -> Engine:
    return _owner


def test_a_position_reads_what_came_since_the_proof(
    platform: runtime.Runtime, placed: Placed, owner: Engine
) -> None:
    with platform.database.transaction(placed.scope) as session:
        for number in range(20):
            pay(session, placed, f"before{number}")
    prove(platform, placed.scope)
    with owner.begin() as tables:
        tables.execute(text("ANALYZE ledger_transactions, ledger_entries"))
    with platform.database.transaction(placed.scope) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))  # which is right for so few
        pay(session, placed, "since")
        before = _read(session)
        (held,) = trust.positions(session)
        since = _read(session) - before
        assert held.received_minor == 21_000
        before = _read(session)
        assert afresh(session) == [held]
        # any index of so few transactions will do to find the newest; of their entries only its own are read
        assert since < (_read(session) - before) / 2


def test_long_books_are_proven_by_a_job(
    app: Flask, platform: runtime.Runtime, placed: Placed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = Visitor(app.test_client(), platform).sign_in(Role.SUPERVISOR, placed.scope)
    assert "The books hold: checked just now." in ana.text("/books")
    monkeypatch.setattr(home, "PROVEN_AT_ONCE", 0)
    page = ana.text("/books")
    assert "not yet" in page
    assert "The books held" not in page
    assert ana.send("/books").status_code == 302
    jobs.drain()
    assert "The books held when they were proven last." in ana.text("/books")
    with platform.database.transaction(placed.scope) as session:
        session.execute(text("UPDATE accounts SET balance_minor = 3"))
    assert ana.send("/books").status_code == 302
    jobs.drain()
    page = ana.text("/books")
    assert "carries 3, its ledger 90000" in page
    assert "The books held" not in page


def _read(session: Session) -> int:
    return int(session.execute(_READ).scalar_one() or 0)
