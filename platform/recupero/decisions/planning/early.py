"""What a plan of all accounts reads on a second connection while its own reads the accounts.

Each statement sees what was committed when it began, on whichever connection: nothing that is read here is
written by the plan itself. PostgreSQL works on both at once, and two processors are rarely too many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.orm import Session

from recupero.decisions.history.features import FeatureTable, read_features
from recupero.decisions.planning import reading
from recupero.kernel.database import Database, Scope

if TYPE_CHECKING:
    import polars as pl

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Early:
    """The features, the contacts that the law asks about, and how people answer by hour, once they are
    there."""

    features: Future[FeatureTable]
    history: Future[pl.DataFrame]
    hours: Future[Mapping[tuple[str, int, int], tuple[int, int]]]


@contextmanager
def early(database: Database, scope: Scope, at: datetime) -> Iterator[Early]:
    """Begin to read for the tenant in `scope`, in the order in which a plan asks for it. What a reading
    raises is raised where it is asked for; at the end of the block nothing is read any more."""

    def read(what: Callable[[Session, datetime], _Read]) -> _Read:
        with database.transaction(scope) as session:
            return what(session, at)

    beside = ThreadPoolExecutor(1)
    try:
        yield Early(
            beside.submit(read, read_features), beside.submit(read, reading.read_history),
            beside.submit(read, reading.read_hours),
        )  # fmt: skip
    finally:
        beside.shutdown(cancel_futures=True)
