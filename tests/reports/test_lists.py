"""The newest moves of money cost no more than they are, however many lie behind them; what they come to is
what the report says."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from recupero.kernel.listing import Part
from recupero.reports import lists
from recupero.reports.lists import MoveFilter
from recupero.reports.periods import parse_period
from tests.factories import World
from tests.reports.rows import Rows

#: Payments of the years before, one a day, each like the one that is there.
_EARLIER = """
INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object(
    'id', p.id + 1000000 + n, 'external_key', 'earlier-' || n, 'transaction_id', 1000000 + n,
    'received_at', p.received_at - n * interval '1 day'))).*
FROM payments p, generate_series(1, 400) n WHERE p.id = (SELECT min(id) FROM payments);
INSERT INTO allocations SELECT (jsonb_populate_record(a, jsonb_build_object(
    'id', a.id + 1000000 + n, 'payment_id', a.payment_id + 1000000 + n, 'transaction_id', 1000000 + n,
    'at', a.at - n * interval '1 day'))).*
FROM allocations a, generate_series(1, 400) n WHERE a.id = (SELECT min(id) FROM allocations)
"""
_READ = text(
    "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('payments', 'allocations')"
)


@pytest.fixture
def moved(world: World, _owner: Engine) -> Rows:
    """Five payments in March 2026 of which one was taken back in April, and 400 in the days before."""
    rows = Rows(world.platform, world.tenant())
    portfolio = rows.portfolio()
    account = rows.account(portfolio, rows.batch(portfolio), "2024-01-10", 900_000)
    for day in range(1, 5):
        rows.payment(account, f"2026-03-1{day}T12:00", 1_000, fee=200)
    back = rows.payment(account, "2026-03-20T12:00", 5_000, fee=1_000)
    rows.move(back, "2026-04-02T12:00", (account, -5_000, -1_000))
    with rows.platform.database.transaction(rows.scope) as session:
        for statement in _EARLIER.split(";"):
            session.execute(text(statement))
    with _owner.begin() as owner:
        owner.execute(text("ANALYZE payments, allocations, accounts"))
    return rows


def test_the_first_pages_are_those_of_the_whole(moved: Rows) -> None:
    with moved.platform.database.transaction(moved.scope) as session:
        whole = lists.moves(session, MoveFilter(), Part(limit=None))
        for offset in (0, 3, 120, 405):
            part = Part("at", True, offset, 3)
            assert lists.moves(session, MoveFilter(), part) == whole[offset : offset + 3], offset
        assert len(whole) == 406
        back = MoveFilter(way="back")
        assert [one.amount_minor for one in lists.moves(session, back, Part("at", True, 0, 3))] == [-5_000]
        march = MoveFilter(months=parse_period("2026-03"))
        found = lists.moves(session, march, Part("at", True, 0, 4))
        assert found == [one for one in whole if one.at.month == 3 and one.at.year == 2026][:4]


def test_the_first_page_reads_no_history(moved: Rows) -> None:
    with moved.platform.database.transaction(moved.scope) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))  # which is right for so few
        before = _read(session)
        assert len(lists.moves(session, MoveFilter(), Part("at", True, 0, 4))) == 4
        assert _read(session) - before < 120


@pytest.mark.parametrize("portfolio", [False, True])
@pytest.mark.parametrize("months", [None, "2026-03", "2026-04", "2025-01..2026-04"])
def test_what_moves_come_to_is_what_the_rows_are(moved: Rows, months: str | None, portfolio: bool) -> None:
    with moved.platform.database.transaction(moved.scope) as session:
        wanted = MoveFilter(
            months=parse_period(months) if months else None,
            portfolio_id=session.execute(text("SELECT max(id) FROM portfolios")).scalar_one()
            if portfolio else None,
        )  # fmt: skip
        rows = lists.moves(session, wanted, Part(limit=None))
        (found,) = lists.sums(session, wanted)
    assert found.amount_minor == sum(one.amount_minor for one in rows)
    assert found.fee_minor == sum(one.fee_minor for one in rows)


def _read(session: Session) -> int:
    return int(session.execute(_READ).scalar_one() or 0)
