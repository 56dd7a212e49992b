"""Statements that are asked again and again, without what an ORM session does around each of them.

SQLAlchemy puts the statement together, once; after that the driver asks it, in the session's own transaction.
What the session does around a statement takes several times as long as the driver, and most of the time that
the database needs. `ask` asks several in one round trip, each of which sees what the one before it did or
locked, as if they were asked one after the other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, cast

import psycopg
from sqlalchemy import Executable, Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from recupero.kernel.round_trips import Answer, RoundTrips, Rows

Parameters = Mapping[str, Any]
_Change = Callable[[Any], Any]
#: Under this name a session's `info` may hold what its transaction asks before anything else.
FIRST = "first"
#: Under this name the `info` of a connection, and of a session on it, holds what it has prepared.
_TRIPS = "round_trips"
#: All engines of the house are of this kind; what differs between them does not show in a statement.
_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


class Statement:
    """A statement that a module writes once, with `bindparam` for what changes. A select brings columns, not
    entities."""

    def __init__(self, wanted: Executable) -> None:
        self._wanted = wanted

    def rows(self, session: Session, parameters: Parameters) -> Rows:
        """What it brings, in the session's transaction; nothing where it returns no rows."""
        if (known := self.answered(session, parameters)) is not None:
            return known
        (answer,) = ask(session, [(self, parameters)])
        return answer

    def answered(self, session: Session, parameters: Parameters) -> Rows | None:
        """What it brought where it was asked beforehand, see `asked_together`; None where it was not."""
        found = session.info.get("asked", {}).get(self)
        return cast(Rows, found[1]) if found and found[0] == _compared(parameters) else None

    def column(self, session: Session, parameters: Parameters) -> list[Any]:
        """The first column of what it brings."""
        return [row[0] for row in self.rows(session, parameters)]

    @cached_property
    def _written(self) -> "_Written":
        return _Written(self._wanted)


class _Written:
    """A statement as the server takes it, and how parameters and columns change that do not go as they
    are."""

    def __init__(self, wanted: Executable) -> None:
        open_: Any = wanted  # every executable that somebody writes down can be compiled
        binds = open_.compile(dialect=_DIALECT).binds
        names = {name for name, bind in binds.items() if bind.required}
        made: SQLCompiler = open_.params(dict.fromkeys(names)).compile(dialect=_DIALECT)
        state = made.construct_expanded_state()
        into = {name: _in(bind.type) for name, bind in binds.items()} | dict(state.processors)
        inward = {name: change for name, change in into.items() if change is not None}
        self.words = state.statement.encode()
        self._names = list(state.positiontup or ())
        self._fixed = {
            name: inward[name](value) if name in inward else value
            for name, value in state.parameters.items()
            if name not in names
        }
        self._inward = [(name, change) for name, change in inward.items() if name in names]
        self._columns = list(wanted.selected_columns) if isinstance(wanted, Select) else []
        self._outward: list[tuple[int, _Change]] | None = None

    def told(self, parameters: Parameters) -> list[Any]:
        """All parameters as the driver takes them, in the order of their numbers."""
        told = {**self._fixed, **parameters}
        for name, change in self._inward:
            told[name] = change(told[name])
        return [told[name] for name in self._names]

    def read(self, answer: Answer) -> Rows:
        """What came, as the types of its columns have it."""
        rows = answer.rows
        if self._outward is None:
            out = [_out(column.type, answer.type_of(place)) for place, column in enumerate(self._columns)]
            self._outward = [(place, change) for place, change in enumerate(out) if change is not None]
        return [self._changed(row, self._outward) for row in rows] if self._outward else rows

    @staticmethod
    def _changed(row: tuple[Any, ...], outward: Sequence[tuple[int, _Change]]) -> tuple[Any, ...]:
        values = list(row)
        for place, change in outward:
            values[place] = change(values[place])
        return tuple(values)


def _in(of: TypeEngine[Any]) -> _Change | None:
    """How a value becomes one that the driver takes."""
    change: _Change | None = of.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return change


def _out(of: TypeEngine[Any], told: int) -> _Change | None:
    """How a value that the driver brings as type `told` of PostgreSQL becomes one of the column's type."""
    change: _Change | None = of.dialect_impl(_DIALECT).result_processor(_DIALECT, told)
    return change


@contextmanager
def asked_together(session: Session, asked: Sequence[tuple[Statement, Parameters]]) -> Iterator[None]:
    """Ask all of these now, in one round trip and in this order; whoever asks one of them inside the block,
    with the same parameters, has that answer. For reads of what nothing in the block changes.

    All of them are of one moment: which one it was told is not compared.
    """
    if not asked:
        yield
        return
    answers, before = ask(session, asked), session.info.get("asked", {})
    found = {one: (_compared(told), answer) for (one, told), answer in zip(asked, answers, strict=True)}
    session.info["asked"] = {**before, **found}
    try:
        yield
    finally:
        session.info["asked"] = before


def _compared(parameters: Parameters) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if not isinstance(value, datetime)}


def ask(session: Session, asked: Sequence[tuple[Statement, Parameters]]) -> list[Rows]:
    """What these bring, asked now and in this order, in one round trip."""
    if not asked:
        return []
    session.flush()
    first = session.info.pop(FIRST, None)
    together = asked if first is None else [first, *asked]
    return _ask(session, session.connection(), together)[-len(asked) :]


def ask_first(session: Session, connection: Connection) -> None:
    """Ask what comes first, for another statement than those of `ask`: the transaction has just begun."""
    if (first := session.info.pop(FIRST, None)) is not None:
        _ask(session, connection, [first])


def _ask(
    session: Session, connection: Connection, asked: Sequence[tuple[Statement, Parameters]]
) -> list[Rows]:
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    kept, engine = connection.info, cast(Any, session.get_bind())
    trips = session.info[_TRIPS] = kept[_TRIPS] = kept.get(_TRIPS) or RoundTrips(driver)
    written = [(statement._written, statement._written.told(told)) for statement, told in asked]
    for hear in engine.dispatch.before_cursor_execute:  # whoever counts statements
        for one, told in written:
            hear(connection, None, one.words.decode(), told, None, False)
    try:
        answers = trips.ask([(one.words, told) for one, told in written])
        return [one.read(answer) for (one, _told), answer in zip(written, answers, strict=True)]
    except psycopg.Error as error:
        raise _as_sqlalchemy(connection, driver, error) from error
    except BaseException:  # a time limit, say, while the server was at work
        if driver.closed:
            connection.invalidate()
        raise


def forget_prepared(session: Session) -> None:
    """To be called where the driver has the server forget what is prepared: see `RoundTrips`."""
    if (trips := session.info.get(_TRIPS)) is not None:
        trips.forget()


def _as_sqlalchemy(
    connection: Connection, driver: "psycopg.Connection[Any]", error: psycopg.Error
) -> BaseException:
    """The error as every other statement of the session raises it; a connection that died is not used again.
    Statement and parameters stay out of it: they may name people."""
    if driver.closed:
        connection.invalidate(error)
    return DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=driver.closed,
        dialect=_DIALECT,
    )  # fmt: skip
