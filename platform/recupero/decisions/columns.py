"""Many rows in and out by COPY, in the session's own transaction, and so in its scope.

`read` parses `COPY … TO STDOUT (FORMAT BINARY)` as one array: every column is float8 or int8 and never NULL
(unknown is NaN), so that each row has the same bytes and no
Python object is made per value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psycopg import ClientCursor
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy.orm import Session

from recupero.kernel.statements import forget_prepared

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_HEADER = 19  # signature, flags and the length of an empty header extension
_END = b"\xff\xff"  # instead of the number of columns, after the last row
_PIECE = 16 << 20  # bytes that are read before they are parsed
_NOT_EIGHT = "a column of the query is NULL or has not eight bytes"
_Y2K = 946_684_800_000_000  # microseconds from 1970 to 2000


def read(
    session: Session, query: str, integers: Sequence[str], floats: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[dict[str, Ints], dict[str, Floats]]:
    """Columns of `query`, which returns the `integers` (bigint) and then the `floats` (float8), none NULL.

    A timestamptz goes as an integer, too: `moments` reads it. Raises ValueError where a row has another
    width: a NULL, or a type that is none of these.
    """
    row = _layout(integers, floats)
    found: dict[str, list[Any]] = {name: [] for name in (*integers, *floats)}
    offset, rest = _HEADER, b""

    def take(piece: bytes) -> None:
        nonlocal offset, rest
        count, left = divmod(len(piece) - offset, row.itemsize)
        table = np.frombuffer(piece, dtype=row, count=count, offset=offset)
        if rest or not all((table[f"_{name}"] == 8).all() for name in found):
            raise ValueError(_NOT_EIGHT)
        for name, parts in found.items():
            parts.append(table[name].astype(np.int64 if name in integers else np.float64))
        offset, rest = 0, piece[len(piece) - left :]

    _copy_out(session, f"COPY ({query}) TO STDOUT (FORMAT BINARY)", arguments, take)
    if rest != _END:
        raise ValueError(_NOT_EIGHT)
    return (
        {name: np.concatenate(found.pop(name)) for name in integers},
        {name: np.concatenate(found.pop(name)) for name in floats},
    )


def moments(column: Ints) -> pl.Series:
    """Moments (UTC) of a timestamptz that `read` returned: microseconds since 2000."""
    import polars as pl

    return pl.from_epoch(pl.Series(column + _Y2K), "us").dt.replace_time_zone("UTC")


def flags(said: Mapping[str, str], first: int = 0) -> str:
    """SQL of one number with a bit for each of these conditions, from bit `first` on: `unpacked` reads it."""
    return " | ".join(f"((({each}) IS TRUE)::int << {bit})" for bit, each in enumerate(said.values(), first))


def unpacked(column: str, said: Iterable[str], first: int = 0) -> list[pl.Expr]:
    """The conditions that `flags` put into a number, as columns of their names."""
    import polars as pl

    return [(pl.col(column).and_(1 << bit) > 0).alias(name) for bit, name in enumerate(said, first)]


def narrowed(query: str, debtors: Sequence[int] | None) -> str:
    """The query for these debtors alone (argument `debtors`): `/*only x*/` in it stands for a condition that
    the debtor `x`, and `/*of x*/` that the account `x`, is theirs; `/*with x*/` that a contact is with the
    debtor `x`, found as the indexes have it: by the account, or where none is named. None: for all."""
    if debtors is None:
        return query
    theirs = "ANY (%(debtors)s::bigint[])"
    # Worked out once beforehand: joined, PostgreSQL may read all accounts that have anything instead.
    accounts = f"ANY (ARRAY(SELECT id FROM accounts WHERE debtor_id = {theirs}))"  # noqa: S608 - ours
    contacts = rf"AND \1 = {theirs} AND (account_id = {accounts} OR account_id IS NULL AND \1 = {theirs})"
    query = re.sub(r"/\*with ([\w.]+)\*/", contacts, query)
    query = re.sub(r"/\*only ([\w.]+)\*/", rf"AND \1 = {theirs}", query)
    return re.sub(r"/\*of ([\w.]+)\*/", rf"AND \1 = {accounts}", query)


# Whole tables are joined: without fresh statistics the planner takes nested loops that never end, or merges
# on the tenant alone, which compares each debtor with every other.
_SET_BASED = (
    "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off;"
    " SET LOCAL work_mem = '128MB'; SET LOCAL max_parallel_workers_per_gather = 1"
)
# What may be narrowed to some debtors reads all rows of a tenant where it is not: page by page. By an index
# the page is looked up for each row, which is told as dear and not forbidden: where a tenant has all rows of
# a table nothing but an index is left, and of two ways that are both forbidden PostgreSQL takes the one with
# fewer such steps, which is a nested loop. A table read from its beginning asks row-level security of each.
_BY_PAGES = "; SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 1000"
_AS_BEFORE = "; ".join(
    f"SET LOCAL {name} TO DEFAULT" for name in re.findall(r"SET LOCAL (\w+)", _SET_BASED + _BY_PAGES)
)


def _copy_out(
    session: Session, statement: str, arguments: Mapping[str, Any], take: Callable[[bytes], None]
) -> None:
    """Give `take` what the COPY sends, some million bytes of whole rows at a time, so that only what is made
    of them is kept. The rows are taken from libpq as they come: the driver's own loop waits for each by
    itself and takes five times as long. Raises psycopg.Error, and what `take` raises."""
    connection = session.connection().connection.driver_connection
    assert connection is not None
    with ClientCursor(connection) as cursor:
        whole = arguments.get("debtors") is None
        if whole:
            cursor.execute(_SET_BASED + _BY_PAGES if "debtors" in arguments else _SET_BASED)
        begun = connection.pgconn.exec_(cursor.mogrify(statement, dict(arguments)).encode())
        if begun.status != ExecStatus.COPY_OUT:
            raise error_from_result(begun)
        try:
            for piece in _pieces(connection.pgconn):
                take(piece)
        except Exception:  # rows that are not understood; the connection is used again
            while connection.pgconn.get_copy_data(0)[0] > 0:
                pass
            _end(connection.pgconn)
            raise
        _end(connection.pgconn)
        if whole:
            cursor.execute(_AS_BEFORE)


def _pieces(pgconn: Any) -> Iterator[bytes]:
    piece, row = bytearray(), pgconn.get_copy_data(0)
    while row[0] > 0:
        piece += row[1]  # a view into libpq's memory: many kept at once cost more than they hold
        if len(piece) > _PIECE:
            yield bytes(piece)
            piece = bytearray()
        row = pgconn.get_copy_data(0)
    if piece:
        yield bytes(piece)


def _end(pgconn: Any) -> None:
    """Take the results of the COPY. Raises psycopg.Error where it failed."""
    while (result := pgconn.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)


def _layout(integers: Sequence[str], floats: Sequence[str]) -> Any:
    names: list[tuple[str, str]] = [("_fields", ">i2")]
    for name in (*integers, *floats):
        names += [(f"_{name}", ">i4"), (name, ">i8" if name in integers else ">f8")]
    return np.dtype(names)


def read_frame(
    session: Session,
    query: str,
    schema: Mapping[str, pl.DataType | type[pl.DataType]],
    arguments: Mapping[str, Any],
) -> pl.DataFrame:
    """Rows of `query` with texts, as a Polars frame of exactly `schema`. An empty text reads as null, too."""
    import polars as pl

    parts = [pl.DataFrame(schema=dict(schema))]

    def take(piece: bytes) -> None:
        parts.append(pl.read_csv(piece, has_header=False, schema=dict(schema), null_values="\\N"))

    _copy_out(session, f"COPY ({query}) TO STDOUT (FORMAT CSV, NULL '\\N')", arguments, take)
    return pl.concat(parts, rechunk=True)


def write_frame(
    session: Session, table: str, frame: pl.DataFrame, returning: Sequence[str]
) -> dict[str, list[int]]:
    """COPY the frame, whose columns are some of the table's, into a temporary table and move the rows into
    `table`, which row-level security keeps COPY out of. Null is NULL; texts may be empty.

    Returns the columns `returning` (bigint) of the new rows.
    """
    connection = session.connection().connection.driver_connection
    assert connection is not None
    names = ", ".join(frame.columns)
    rows = frame.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f+00")
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE _incoming ON COMMIT DROP AS"  # noqa: S608 - names of ours
            f" SELECT {names} FROM {table} LIMIT 0"
        )
        with cursor.copy(f"COPY _incoming ({names}) FROM STDIN (FORMAT CSV)") as copy:
            copy.write(rows)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM _incoming"  # noqa: S608 - names of ours
            f" RETURNING {', '.join(returning)}"
        )
        made = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(returning)
        cursor.execute("DROP TABLE _incoming")
    forget_prepared(session)
    return {name: list(column) for name, column in zip(returning, made, strict=True)}
