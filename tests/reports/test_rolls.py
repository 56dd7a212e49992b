"""Roll rates by hand: debts in two buckets, one paid, one recalled, others rolled; a new one is out."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, text

from recupero.kernel import clock
from recupero.payments.books import booking
from recupero.placements import service as placements
from recupero.placements.tables import Account
from recupero.reports.periods import parse_period
from recupero.reports.rolls import Matrix, roll_rates
from tests.factories import World
from tests.ledger.placed import Placed, place


def _at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 15, tzinfo=UTC)


def _due(world: World, placed: Placed, *days: date) -> None:
    with world.platform.database.transaction(placed.scope) as session:
        for account_id, day in zip(placed.account_ids, days, strict=True):
            session.get_one(Account, (placed.scope.tenant(), account_id)).due_date = day


def _pay(world: World, placed: Placed, account_id: int, amount: int) -> None:
    with world.platform.database.transaction(placed.scope) as session:
        received = booking.Received(
            external_key=f"p{account_id}", kind="gateway", amount_minor=amount, currency="CLP",
            received_at=clock.now(), debtor_id=placed.debtor_id, account_ids=[account_id],
        )  # fmt: skip
        booking.book_payment(session, received)


#: Bookings of the years before, each on the first account like the first that is there.
_EARLIER = """
INSERT INTO ledger_transactions SELECT (jsonb_populate_record(t, jsonb_build_object(
    'id', t.id + 1000000 + n, 'external_key', 'earlier-' || n,
    'occurred_at', t.occurred_at - n * interval '1 day'))).*
FROM ledger_transactions t, generate_series(1, 300) n WHERE t.id = (SELECT min(id) FROM ledger_transactions);
INSERT INTO ledger_entries SELECT (jsonb_populate_record(e, jsonb_build_object(
    'id', e.id + (1000000 + n) * 10, 'transaction_id', e.transaction_id + 1000000 + n))).*
FROM ledger_entries e, generate_series(1, 300) n
WHERE e.transaction_id = (SELECT min(id) FROM ledger_transactions)
"""


_READ = text(
    "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('ledger_entries', 'ledger_transactions')"
)


@pytest.fixture
def february(world: World) -> Matrix:
    with clock.simulated(_at(1, 15)):
        placed = place(world.platform, world.tenant(), [{"principal": one} for one in (600, 300, 100, 700)])
        _due(world, placed, date(2026, 1, 12), date(2026, 1, 12), date(2026, 1, 12), date(2025, 11, 23))
        _pay(world, placed, placed.account_ids[0], 200)  # 400 are owed when February begins
    with clock.simulated(_at(2, 10)):
        _pay(world, placed, placed.account_ids[1], 300)
        with world.platform.database.transaction(placed.scope) as session:
            placements.recall_accounts(session, [placed.account_ids[2]])
        new = place(world.platform, placed.scope, [{"principal": 9_000}], national_id="7.654.321-6")
        _due(world, new, date(2026, 1, 1))
    with clock.simulated(_at(3, 5)), world.platform.database.transaction(placed.scope) as session:
        [found] = roll_rates(session, parse_period("2026-02"))
    return found


def test_a_row_comes_to_one_by_balance_and_by_accounts(february: Matrix) -> None:
    assert february.places == ("31-60", "91-120", "paid", "written_off")
    early, late = february.rows
    assert (early.bucket, early.accounts, early.balance_minor) == ("1-30", 3, 800)
    assert [(one.numerator, one.denominator) for one in early.by_balance] == [
        (400, 800), (0, 800), (300, 800), (100, 800),
    ]  # fmt: skip
    assert [(one.numerator, one.denominator) for one in early.by_accounts] == [
        (1, 3), (0, 3), (1, 3), (1, 3),
    ]  # fmt: skip
    assert (late.bucket, late.accounts, late.balance_minor) == ("61-90", 1, 700)
    assert [one.value for one in late.by_balance] == [0.0, 1.0, 0.0, 0.0]


@pytest.fixture
def owner(_owner: Engine) -> Engine:
    return _owner


def test_a_month_reads_no_bookings_of_the_years_before(world: World, owner: Engine) -> None:
    with clock.simulated(_at(1, 15)):
        placed = place(world.platform, world.tenant(), [{"principal": 600}])
    with clock.simulated(_at(2, 10)):
        _pay(world, placed, placed.account_ids[0], 200)
    with owner.begin() as tables:
        for statement in _EARLIER.split(";"):
            tables.execute(text(statement))
        tables.execute(text("ANALYZE ledger_transactions, ledger_entries"))
    with clock.simulated(_at(3, 5)), world.platform.database.transaction(placed.scope) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))  # which is right for so few
        before = session.execute(_READ).scalar_one()
        [found] = roll_rates(session, parse_period("2026-02"))
        assert found.rows[0].balance_minor == 600
        assert session.execute(_READ).scalar_one() - before < 20
