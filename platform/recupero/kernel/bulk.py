"""Many rows in one statement, where COPY is refused (row-level security) and one a row is too dear; and what
such statements need: names of columns once, ids as one array, figures of tables that were just filled."""

import sys
from array import array
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, bindparam, literal, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine, UserDefinedType

from recupero.kernel.database import Base

_AT_ONCE = 20_000
_Row = TypeVar("_Row", bound=Hashable)


class _Array(UserDefinedType[Any]):
    """A parameter that is an array, written out here: item by item, as the driver does it, takes longer than
    many a statement with it."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, of: str, write: Callable[[Sequence[Any]], str]) -> None:
        self.of, self.write = of, write

    def get_col_spec(self, **_: Any) -> str:
        return f"{self.of}[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return self.write


def _numbers(values: Sequence[int | None]) -> str:
    return "{%s}" % orjson.dumps(list(values))[1:-1].decode()  # noqa: UP031 - braces


def _bytes(values: Sequence[bytes | None]) -> str:
    return "{%s}" % ",".join("null" if one is None else f'"\\\\x{one.hex()}"' for one in values)  # noqa: UP031


def _texts(values: Sequence[str | None]) -> str:
    return _said(values, lambda one: one.replace("\\", "\\\\").replace('"', '\\"'))


def _times(values: Sequence[datetime | None]) -> str:
    return _said(values, datetime.isoformat)


def _said(values: Sequence[_Row | None], words: Callable[[_Row], str]) -> str:
    """Each distinct value is put into words once: columns of actions have few."""
    known = {one: "null" if one is None else f'"{words(one)}"' for one in set(values)}
    return "{%s}" % ",".join([known[one] for one in values])  # noqa: UP031 - braces


#: Types of parameters: lists of whole numbers, of bytes, of texts, and of moments; None is null.
NUMBERS, BYTES = _Array("BIGINT", _numbers), _Array("BYTEA", _bytes)
TEXTS, TIMES = _Array("TEXT", _texts), _Array("TIMESTAMPTZ", _times)


def insert_rows(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns, with values as JSON can carry them (no bytes)."""
    for start in range(0, len(rows), _AT_ONCE):
        some = [dict(row) for row in rows[start : start + _AT_ONCE]]
        columns, name = ", ".join(some[0]), table.__tablename__
        statement = (
            f"INSERT INTO {name} ({columns}) SELECT {columns}"  # noqa: S608 - names of our own code
            f" FROM jsonb_populate_recordset(NULL::{name}, CAST(:rows AS jsonb))"
        )
        session.execute(text(statement), {"rows": orjson.dumps(some).decode()})


# The sequence is looked up once, and ids of eight bytes each are read faster than an array.
_NEW_IDS = text(
    "WITH s AS MATERIALIZED (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS ids)"
    " SELECT string_agg(int8send(nextval(s.ids)), '') FROM s, generate_series(1, :count)"
)


def new_ids(session: Session, table: type[Base], count: int) -> list[int]:
    """Ids of the table's own sequence, taken for rows to come, in rising order."""
    taken = session.execute(_NEW_IDS, {"table": table.__tablename__, "count": count}).scalar_one()
    ids = array("q", taken or b"")
    if sys.byteorder == "little":
        ids.byteswap()
    return ids.tolist()


def among(column: InstrumentedAttribute[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Condition that the column's value is one of these, given as one array: the statement reads the same
    however many there are, so that it is parsed and planned once and not for each number of values."""
    return column == any_(literal(list(values), _array_of(column)))


def any_of(column: InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """`among` with the values as parameter `name`, for a statement that a module writes once: to put one
    together for each call takes longer than many a database needs to answer it."""
    return column == any_(bindparam(name, type_=_array_of(column)))


def _array_of(column: InstrumentedAttribute[Any]) -> TypeEngine[Any]:
    return NUMBERS if isinstance(column.type, BigInteger) else ARRAY(column.type)


def numbered(rows: Iterable[_Row]) -> tuple[list[_Row], list[int]]:
    """The different ones of these rows, in the order in which they come, and for each row the place of its
    like among them (from 0): what many share is told the database once."""
    places: dict[_Row, int] = {}
    of_each = [places.setdefault(row, len(places)) for row in rows]
    return list(places), of_each


def refresh_statistics(session: Session, *tables: type[Base]) -> None:
    """Tell the planner how many rows these tables have now. After a bulk load it would otherwise take them
    for nearly empty until PostgreSQL looks by itself, which may be a minute later, and read them whole for
    each row it joins. Holds a lock against other such calls to the end of the transaction, so give it one of
    its own; never a lock that readers or writers feel."""
    names = sorted(table.__tablename__ for table in tables)
    session.execute(text("SELECT recupero_analyse(CAST(:names AS text[]))"), {"names": names})
