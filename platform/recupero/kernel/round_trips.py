"""Prepared statements that go to the server together and come back together: one message each way.

libpq is asked here without the driver's cursors, which take several times as long as PostgreSQL takes for
most of what is asked by key. Values and rows become what they are by the driver's own adapters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg.abc import PQGen, Transformer
from psycopg.adapt import AdaptersMap, PyFormat
from psycopg.adapt import Transformer as Adapting
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.numeric import Int8Dumper

Rows = list[tuple[Any, ...]]
#: The words of a statement, with `$1` and so on, and PostgreSQL's types of the values it is given.
_Kind = tuple[bytes, tuple[int, ...]]
#: The server forgot what was prepared; or what it reads has other types since.
_STALE = (InvalidSqlStatementName, FeatureNotSupported)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement brought: its rows, none where it brings no columns."""

    rows: Rows
    _came: PGresult

    def type_of(self, place: int) -> int:
        """PostgreSQL's type of a column."""
        return self._came.ftype(place)


class RoundTrips:
    """The statements that one connection has prepared, and what it asks with them.

    The driver has the server forget all that is prepared, what it prepared itself and this too, where a
    transaction goes back, wholly or to a savepoint, or drops or alters something. A later transaction finds
    that out; whoever goes on in the same one says it here (`forget`).
    """

    def __init__(self, driver: "psycopg.Connection[Any]") -> None:
        self.connection = driver
        self.adapters = AdaptersMap(driver.adapters)
        # Whole numbers are of one type, however large: each type would be prepared for itself.
        self.adapters.register_dumper(int, Int8Dumper)
        self._names: dict[_Kind, bytes] = {}
        self._known = set[_Kind]()

    def ask(self, asked: Sequence[tuple[bytes, Sequence[Any]]]) -> list[Answer]:
        """What these bring, in this order: words with their values. A transaction that has not begun begins.

        Raises psycopg.Error where one of them fails; those after it are not carried out then. Whatever comes
        between, a time limit say, closes the connection, which may be in the middle of an answer.
        """
        begins = self._begins()
        try:
            return self._asked(asked)
        except _STALE:
            self.forget()
            if not begins:
                raise
        self.connection.rollback()  # of a transaction in which nothing was done yet
        return self._asked(asked)

    def forget(self) -> None:
        """The server may have forgotten what was prepared."""
        self._known.clear()

    def _begins(self) -> bool:
        return self.connection.pgconn.transaction_status == TransactionStatus.IDLE

    def _asked(self, asked: Sequence[tuple[bytes, Sequence[Any]]]) -> list[Answer]:
        adapted = Adapting(self)
        wanted = [self._told(adapted, words, values) for words, values in asked]
        if self._begins() and wanted[0][0] not in self._known:  # then nothing would tell of the others
            self.forget()
        self._prepare({kind for kind, *_values in wanted} - self._known)
        sends = [
            partial(self.connection.pgconn.send_query_prepared, self._names[kind], told, formats)
            for kind, told, formats in wanted
        ]
        return [_answer(adapted, came) for came in self._there_and_back(sends)]

    @staticmethod
    def _told(adapted: Transformer, words: bytes, values: Sequence[Any]) -> tuple[_Kind, Any, Any]:
        if not values:
            return (words, ()), None, None
        told = adapted.dump_sequence(values, [PyFormat.AUTO] * len(values))
        return (words, adapted.types or ()), told, adapted.formats

    def _prepare(self, kinds: set[_Kind]) -> None:
        if not kinds:
            return
        libpq, sends = self.connection.pgconn, list[Callable[[], None]]()
        for kind in kinds:
            name = self._names.setdefault(kind, f"asked_{len(self._names)}".encode())
            sends += [partial(libpq.send_close_prepared, name), partial(libpq.send_prepare, name, *kind)]
        self._there_and_back(sends)
        self._known |= kinds

    def _there_and_back(self, sends: Sequence[Callable[[], None]]) -> list[PGresult]:
        libpq = self.connection.pgconn
        begins = self._begins()
        try:
            libpq.enter_pipeline_mode()
            if begins:
                libpq.send_query_params(_beginning(self.connection), None)
            for one in sends:
                one()
            libpq.pipeline_sync()
            came = self.connection.wait(_exchange(libpq, begins + len(sends) + 1))
            libpq.exit_pipeline_mode()
        except BaseException:
            self.connection.close()
            raise
        for result in came:
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result)
        return came[begins:-1]


def _answer(adapted: Transformer, came: PGresult) -> Answer:
    if not came.nfields:
        return Answer([], came)
    adapted.set_pgresult(came)
    return Answer(adapted.load_rows(0, came.ntuples, tuple), came)


def _beginning(driver: "psycopg.Connection[Any]") -> bytes:
    level = driver.isolation_level
    return b"BEGIN" if level is None else f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}".encode()


def _exchange(libpq: PGconn, answers: int) -> PQGen[list[PGresult]]:
    """Send what stands ready and take what comes, the mark of the end (`pipeline_sync`) the last."""
    yield from send(libpq)
    came = list[PGresult]()
    while len(came) < answers:
        found = yield from fetch_many(libpq)
        if not found:
            raise psycopg.OperationalError("the server's answers ended too soon")
        came += found
    return came
