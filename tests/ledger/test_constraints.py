"""The database itself keeps the books balanced and closed."""

import pytest
from sqlalchemy import create_engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from recupero.kernel import clock, runtime
from recupero.kernel.config import Config
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict
from recupero.ledger import queries, service
from recupero.ledger.books import CHART, Book
from recupero.ledger.service import Booking, Entry
from recupero.ledger.tables import LedgerEntry, LedgerTransaction
from tests.factories import World
from tests.ledger.placed import place


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def header(session: Session, scope: Scope, key: str = "raw") -> int:
    return session.execute(
        insert(LedgerTransaction)
        .values(tenant_id=scope.tenant(), kind="adjustment", external_key=key, occurred_at=clock.now(),
                booked_at=clock.now(), made_in=1)
        .returning(LedgerTransaction.id)
    ).scalar_one()  # fmt: skip


def entry(session: Session, scope: Scope, transaction: int, amount: int, currency: str = "CLP") -> None:
    session.execute(
        insert(LedgerEntry).values(
            tenant_id=scope.tenant(), transaction_id=transaction, book="suspense", currency=currency,
            amount_minor=amount,
        )
    )  # fmt: skip


def test_what_does_not_balance_is_refused_at_commit(platform: runtime.Runtime, scope: Scope) -> None:
    with pytest.raises(DBAPIError, match="does not balance"), platform.database.transaction(scope) as session:
        made = header(session, scope)
        entry(session, scope, made, 100)
        entry(session, scope, made, -99)


def test_each_currency_balances_for_itself(platform: runtime.Runtime, scope: Scope) -> None:
    with pytest.raises(DBAPIError, match="off in CLP by 100, COP by -100"):  # noqa: SIM117 - raised at its end
        with platform.database.transaction(scope) as session:
            made = header(session, scope)
            entry(session, scope, made, 100)
            entry(session, scope, made, -100, "COP")


def test_a_header_without_two_entries_is_refused(platform: runtime.Runtime, scope: Scope) -> None:
    for amounts in ((), (0,)):
        with (
            pytest.raises(DBAPIError, match="does not balance"),
            platform.database.transaction(scope) as session,
        ):
            made = header(session, scope)
            for amount in amounts:
                entry(session, scope, made, amount)


def test_entries_in_several_statements_and_savepoints_balance_at_commit(
    platform: runtime.Runtime, scope: Scope
) -> None:
    with platform.database.transaction(scope) as session:
        made = header(session, scope)
        entry(session, scope, made, 100)
        with session.begin_nested():
            entry(session, scope, made, -100)
    with platform.database.transaction(scope) as session:
        assert queries.check(session) == []


def test_nothing_is_added_to_a_transaction_that_is_committed(platform: runtime.Runtime, scope: Scope) -> None:
    with platform.database.transaction(scope) as session:
        made = header(session, scope)
        entry(session, scope, made, 100)
        entry(session, scope, made, -100)
    with (
        pytest.raises(DBAPIError, match="closed or unknown"),
        platform.database.transaction(scope) as session,
    ):
        entry(session, scope, made, 5)
        entry(session, scope, made, -5)


def test_entries_without_a_header_are_refused(platform: runtime.Runtime, scope: Scope) -> None:
    with (
        pytest.raises(DBAPIError, match="closed or unknown"),
        platform.database.transaction(scope) as session,
    ):
        entry(session, scope, 999_999, 5)


def test_entries_for_another_tenants_header_are_refused(
    platform: runtime.Runtime, world: World, scope: Scope
) -> None:
    both = Scope(scope.agency_id, (scope.tenant(), world.tenant(Scope(scope.agency_id)).tenant()))
    with pytest.raises(DBAPIError, match="closed or unknown"), platform.database.transaction(both) as session:
        made = header(session, scope)
        entry(session, Scope(scope.agency_id, (both.tenant_ids[1],)), made, 5)


def test_books_are_never_changed_or_removed(platform: runtime.Runtime, scope: Scope) -> None:
    place(platform, scope)
    for statement in (
        update(LedgerEntry).values(amount_minor=0),
        delete(LedgerEntry),
        delete(LedgerTransaction),
    ):
        with pytest.raises(DBAPIError), platform.database.transaction(scope) as session:
            session.execute(statement)


def test_the_same_key_is_booked_once(platform: runtime.Runtime, scope: Scope) -> None:
    entries = [Entry(Book.TRUST_CASH, 5, "CLP"), Entry(Book.SUSPENSE, -5, "CLP")]
    with platform.database.transaction(scope) as session:
        values = {"kind": "adjustment", "external_key": "k", "occurred_at": clock.now(), "entries": entries}
        assert service.book(session, **values) is not None  # type: ignore[arg-type]  # one call written once
        assert service.book(session, **values) is None  # type: ignore[arg-type]  # one call written once
        assert session.execute(select(LedgerEntry)).scalars().all().__len__() == 2


def test_an_unbalanced_booking_is_refused_before_the_database(
    platform: runtime.Runtime, scope: Scope
) -> None:
    with pytest.raises(ValueError, match="off by"), platform.database.transaction(scope) as session:
        service.book(
            session, kind="adjustment", external_key="k", occurred_at=clock.now(),
            entries=[Entry(Book.TRUST_CASH, 5, "CLP"), Entry(Book.SUSPENSE, -4, "CLP")],
        )  # fmt: skip


@pytest.mark.parametrize("looked", ["", "ANALYZE", "VACUUM ANALYZE"])
def test_many_headers_in_one_transaction_are_each_checked_by_their_own_entries(
    platform: runtime.Runtime, scope: Scope, world: World, config: Config, looked: str
) -> None:
    """Also where the statistics know nothing, or only another tenant and rows that were taken back: else each
    check reads all that the tenant has."""
    many = 1500
    with pytest.raises(Conflict), platform.database.transaction(scope) as session:
        book_adjustments(session, 2 * many)
        raise Conflict("taken back")
    with platform.database.transaction(world.tenant()) as session:
        book_adjustments(session, 40)
    owner = create_engine(config.owner_database_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        if looked:
            connection.execute(text(f"{looked} ledger_entries, ledger_transactions"))
    owner.dispose()
    before = read_by_checks(platform, scope)
    with platform.database.transaction(scope) as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
        book_adjustments(session, many)
    assert read_by_checks(platform, scope) - before < 10 * many


def book_adjustments(session: Session, many: int) -> None:
    entries = [Entry(Book.TRUST_CASH, 5, "CLP"), Entry(Book.SUSPENSE, -5, "CLP")]
    service.book_many(session, [
        Booking(identity, "adjustment", f"k{identity}", clock.now(), entries)
        for identity in service.new_ids(session, many)
    ])  # fmt: skip


def read_by_checks(platform: runtime.Runtime, scope: Scope) -> int:
    """Index entries of the ledger that were read so far."""
    with platform.database.transaction(scope) as session:
        return int(session.execute(text(
            "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
            " WHERE relname IN ('ledger_entries', 'ledger_transactions')"
        )).scalar_one())  # fmt: skip


def test_a_reversal_mirrors_its_transaction(platform: runtime.Runtime, scope: Scope) -> None:
    placed = place(platform, scope)
    account = placed.account_ids[0]
    entries = [
        Entry(Book.RECEIVABLE, 70, "CLP", account, "interest", placed.portfolio_id),
        Entry(Book.PLACEMENT_CONTROL, -70, "CLP", account, None, placed.portfolio_id),
    ]
    with platform.database.transaction(scope) as session:
        made = service.book(
            session, kind="adjustment", external_key="more", occurred_at=clock.now(), entries=entries
        )
        assert made is not None
        assert queries.balances(session, [account])[account].parts["interest"] == 70
        service.reverse(session, made, external_key="less", occurred_at=clock.now())
        assert queries.balances(session, [account])[account].total_minor == 1000
        assert queries.check(session) == []


def test_the_check_finds_an_account_that_carries_another_balance(
    platform: runtime.Runtime, scope: Scope
) -> None:
    placed = place(platform, scope)
    with platform.database.transaction(scope) as session:
        from recupero.placements.tables import Account

        session.execute(update(Account).values(balance_minor=1))
        assert queries.check(session) == [
            f"tenant {scope.tenant()}: account {placed.account_ids[0]} carries 1, its ledger 1000"
        ]


def test_the_check_finds_cash_that_no_payment_brought(platform: runtime.Runtime, scope: Scope) -> None:
    with platform.database.transaction(scope) as session:
        service.book(
            session, kind="adjustment", external_key="k", occurred_at=clock.now(),
            entries=[Entry(Book.TRUST_CASH, -5, "CLP"), Entry(Book.SUSPENSE, 5, "CLP")],
        )  # fmt: skip
        problems = queries.check(session)
    assert any("trust_cash is -5 CLP, on its wrong side" in problem for problem in problems)
    assert any("trust is -5 CLP, the payments say 0" in problem for problem in problems)


def test_every_book_has_a_side_and_a_meaning() -> None:
    assert set(CHART) == set(Book)
    assert all(book.meaning and book.side for book in Book)
