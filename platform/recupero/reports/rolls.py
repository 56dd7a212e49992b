"""The matrix of roll rates by accounts and by balance, beside the one of the figures in depth: the same
rows (`depth_queries.ROLLS`), the same formula (`metrics.ROLL_RATE`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from recupero.reports import depth_queries
from recupero.reports.depth import BUCKETS, ENDS
from recupero.reports.figures import Figure
from recupero.reports.metrics import ROLL_RATE
from recupero.reports.periods import Period
from recupero.tenancy import queries as tenancy

Moved = tuple[str, str, int, int]  # from which bucket, to where, accounts, balance


@dataclass(frozen=True, slots=True)
class Row:
    """A bucket at the beginning: all that was in it, and the share of it that is in each place at the end, in
    the order of `places`."""

    bucket: str
    accounts: int
    balance_minor: int
    by_accounts: tuple[Figure, ...]
    by_balance: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rows of one currency; buckets in which nothing was owed have none."""

    currency: str
    places: tuple[str, ...]
    rows: tuple[Row, ...]


def roll_rates(session: Session, period: Period) -> list[Matrix]:
    """A matrix for each currency of the one tenant in scope."""
    rows = depth_queries.Deep(session, period, tenancy.tenant(session).timezone).rows(depth_queries.ROLLS)
    found: dict[str, list[Moved]] = {}
    for currency, bucket, place, _attempted, accounts, balance in rows:
        found.setdefault(currency, []).append((bucket, place, accounts, balance))
    return [_matrix(currency, found[currency]) for currency in sorted(found)]


def _matrix(currency: str, moved: Sequence[Moved]) -> Matrix:
    reached = {place for _bucket, place, _accounts, _balance in moved}
    places = tuple(place for place in ENDS if place in reached)
    rows = [_row(bucket, places, [one for one in moved if one[0] == bucket]) for bucket in BUCKETS]
    return Matrix(currency, places, tuple(row for row in rows if row.accounts))


def _row(bucket: str, places: Sequence[str], moved: Sequence[Moved]) -> Row:
    accounts, balance = sum(one[2] for one in moved), sum(one[3] for one in moved)

    def there(place: str, which: int) -> int:
        return sum(int(one[which]) for one in moved if one[1] == place)

    return Row(
        bucket, accounts, balance,
        tuple(Figure(ROLL_RATE, there(place, 2), accounts) for place in places),
        tuple(Figure(ROLL_RATE, there(place, 3), balance) for place in places),
    )  # fmt: skip
