"""What changes the books: nothing is ever altered, each change is a new balanced transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import bulk, clock
from recupero.kernel.bulk import insert_rows, refresh_statistics
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.ledger.books import Book
from recupero.ledger.tables import LedgerEntry, LedgerTransaction
from recupero.placements import service as placements
from recupero.placements.events import AccountsPlaced

_MANY = 500  # bookings from which on the planner must know of them before they are checked


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting: `amount_minor` debit positive, credit negative."""

    book: Book
    amount_minor: int
    currency: str
    account_id: int | None = None
    part: str | None = None
    portfolio_id: int | None = None


def book(
    session: Session,
    *,
    kind: str,
    external_key: str,
    occurred_at: datetime,
    entries: Sequence[Entry],
    note: str | None = None,
    reverses_id: int | None = None,
) -> int | None:
    """Book a balanced transaction of the tenant in scope and keep the accounts' balances with it.

    Returns its id, or None where `external_key` is booked already (then nothing changes). Entries of zero are
    left out. Raises ValueError where the entries do not balance in each currency or fewer than two are left.
    """
    moved = [entry for entry in entries if entry.amount_minor]
    _check_balanced(moved)
    identity = _header(session, kind, external_key, occurred_at, note, reverses_id)
    if identity is None:
        return None
    session.execute(insert(LedgerEntry), _rows(scope_of(session).tenant(), identity, moved))
    _follow(session, moved)
    return identity


def _rows(tenant: int, transaction_id: int, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {"tenant_id": tenant, "transaction_id": transaction_id, "book": entry.book.value,
         "currency": entry.currency, "portfolio_id": entry.portfolio_id,
         "account_id": entry.account_id, "part": entry.part, "amount_minor": entry.amount_minor}
        for entry in entries
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Booking:
    """A transaction to be booked with others. `id` is one of `new_ids`."""

    id: int
    kind: str
    external_key: str
    occurred_at: datetime
    entries: Sequence[Entry]
    note: str | None = None
    reverses_id: int | None = None


def new_ids(session: Session, count: int) -> list[int]:
    """Ids for transactions to come."""
    return bulk.new_ids(session, LedgerTransaction, count)


def book_many(session: Session, bookings: Sequence[Booking]) -> None:
    """Book balanced transactions of the tenant in scope in one set of statements; balances follow.

    Their `external_key`s are new (`queries.booked_keys` tells). Raises ValueError as `book` does.
    """
    tenant, now = scope_of(session).tenant(), clock.now()
    headers: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    moved: list[Entry] = []
    for booking in bookings:
        entries = [entry for entry in booking.entries if entry.amount_minor]
        _check_balanced(entries)
        moved += entries
        rows += _rows(tenant, booking.id, entries)
        headers.append(
            {"tenant_id": tenant, "id": booking.id, "kind": booking.kind, "note": booking.note,
             "external_key": booking.external_key, "occurred_at": booking.occurred_at, "booked_at": now,
             "reverses_id": booking.reverses_id}
        )  # fmt: skip
    insert_rows(session, LedgerTransaction, headers)
    insert_rows(session, LedgerEntry, rows)
    if len(headers) > _MANY:
        refresh_statistics(session, LedgerEntry, LedgerTransaction)
    _follow(session, moved)


def reverse(
    session: Session,
    transaction_id: int,
    *,
    external_key: str,
    occurred_at: datetime,
    note: str | None = None,
) -> int | None:
    """Book the mirror image of a transaction; None where `external_key` is booked. Raises NotFound."""
    tenant = scope_of(session).tenant()
    mirrored = session.execute(
        select(LedgerEntry).where(
            LedgerEntry.tenant_id == tenant, LedgerEntry.transaction_id == transaction_id
        )
    ).scalars()
    entries = [
        Entry(Book(one.book), -one.amount_minor, one.currency, one.account_id, one.part, one.portfolio_id)
        for one in mirrored
    ]
    if not entries:
        raise NotFound("no such ledger transaction")
    return book(
        session, kind="reversal", external_key=external_key, occurred_at=occurred_at, entries=entries,
        note=note, reverses_id=transaction_id,
    )  # fmt: skip


def _check_balanced(entries: Sequence[Entry]) -> None:
    totals: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        totals[entry.currency] += entry.amount_minor
    wrong = {currency: total for currency, total in totals.items() if total}
    if wrong or len(entries) < 2:
        raise ValueError(f"a ledger transaction needs two balanced entries: {len(entries)}, off by {wrong}")


def _header(
    session: Session,
    kind: str,
    external_key: str,
    occurred_at: datetime,
    note: str | None,
    reverses_id: int | None,
) -> int | None:
    return session.execute(
        insert(LedgerTransaction)
        .values(
            tenant_id=scope_of(session).tenant(), kind=kind, external_key=external_key,
            occurred_at=occurred_at, booked_at=clock.now(), note=note, reverses_id=reverses_id,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "external_key"])
        .returning(LedgerTransaction.id)
    ).scalar_one_or_none()  # fmt: skip


def _follow(session: Session, entries: Sequence[Entry]) -> None:
    """The accounts' balances follow the receivable in the same transaction."""
    deltas: defaultdict[int, int] = defaultdict(int)
    for entry in entries:
        if entry.book is Book.RECEIVABLE and entry.account_id is not None:
            deltas[entry.account_id] += entry.amount_minor
    placements.apply_balance(session, {account: delta for account, delta in deltas.items() if delta})


# One header per chunk of a file; a debt's parts against one control entry per portfolio.
_PLACE = """
WITH added AS (
    INSERT INTO ledger_entries
        (tenant_id, transaction_id, book, portfolio_id, account_id, part, currency, amount_minor)
    SELECT s.tenant_id, :transaction, 'receivable', s.portfolio_id, s.account_id, p.part, s.currency, p.amount
    FROM {staging} s CROSS JOIN LATERAL (VALUES
        ('principal', s.principal_minor), ('interest', s.interest_minor), ('fee', s.fee_minor),
        ('cost', s.cost_minor), ('tax', s.tax_minor)) AS p(part, amount)
    WHERE p.amount <> 0
    UNION ALL
    SELECT s.tenant_id, :transaction, 'placement_control', s.portfolio_id, NULL, NULL, s.currency,
           -sum(s.placed_minor)
    FROM {staging} s GROUP BY s.tenant_id, s.portfolio_id, s.currency
    RETURNING 1
) SELECT count(*) FROM added
"""


def book_placed(session: Session, placed: AccountsPlaced) -> None:
    """Book the placed balances of a chunk of accounts, by part, in one statement.

    Their `balance_minor` holds the placed balance already.
    """
    identity = _header(
        session, "placement", f"placement:{placed.batch_id}:{placed.chunk}", clock.now(), None, None
    )
    if identity is None:
        return
    staging = session.get_bind().dialect.identifier_preparer.quote(placed.staging)
    session.execute(text(_PLACE.format(staging=staging)), {"transaction": identity})
