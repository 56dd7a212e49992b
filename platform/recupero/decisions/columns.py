"""Many rows in and out by COPY, in the session's own transaction, and so in its scope.

`read` parses `COPY … TO STDOUT (FORMAT BINARY)` as one array: every column is float8 or int8 and never NULL
(unknown is NaN), so that each row has the same bytes and no
Python object is made per value.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psycopg import ClientCursor
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HEADER = 19  # signature, flags and the length of an empty header extension
_TRAILER = 2
_Y2K = 946_684_800_000_000  # microseconds from 1970 to 2000


def read(
    session: Session, query: str, integers: Sequence[str], floats: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[dict[str, Ints], dict[str, Floats]]:
    """Columns of `query`, which returns the `integers` (bigint) and then the `floats` (float8), none NULL.

    A timestamptz goes as an integer, too: `moments` reads it. Raises ValueError where a row has another
    width: a NULL, or a type that is none of these.
    """
    blob = _copy_out(session, f"COPY ({query}) TO STDOUT (FORMAT BINARY)", arguments)
    table = _rows(blob, [*integers], [*floats])
    return (
        {name: table[name].astype(np.int64) for name in integers},
        {name: table[name].astype(np.float64) for name in floats},
    )


def moments(column: Ints) -> pl.Series:
    """Moments (UTC) of a timestamptz that `read` returned: microseconds since 2000."""
    import polars as pl

    return pl.from_epoch(pl.Series(column + _Y2K), "us").dt.replace_time_zone("UTC")


def narrowed(query: str, debtors: Sequence[int] | None) -> str:
    """The query for these debtors alone (argument `debtors`): `/*only x*/` in it stands for a condition that
    the debtor `x`, and `/*of x*/` that the account `x`, is theirs. None: for all."""
    if debtors is None:
        return query
    theirs = "ANY (%(debtors)s::bigint[])"
    query = re.sub(r"/\*only ([\w.]+)\*/", rf"AND \1 = {theirs}", query)
    accounts = f"(SELECT id FROM accounts WHERE debtor_id = {theirs})"  # noqa: S608 - constants of ours
    return re.sub(r"/\*of ([\w.]+)\*/", rf"AND \1 IN {accounts}", query)


# Whole tables are joined: without fresh statistics the planner takes nested loops that never end, or merges
# on the tenant alone, which compares each debtor with every other.
_SET_BASED = (
    "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off;"
    " SET LOCAL work_mem = '128MB'"
)
_AS_BEFORE = (
    "SET LOCAL enable_nestloop = on; SET LOCAL enable_mergejoin = on; SET LOCAL jit = on;"
    " SET LOCAL work_mem TO DEFAULT"
)


def _copy_out(session: Session, statement: str, arguments: Mapping[str, Any]) -> bytearray:
    """What the COPY sends, as one. The rows are taken from libpq as they come: the driver's own loop waits
    for each by itself and takes five times as long. Raises psycopg.Error."""
    connection = session.connection().connection.driver_connection
    assert connection is not None
    with ClientCursor(connection) as cursor:
        whole = arguments.get("debtors") is None
        if whole:
            cursor.execute(_SET_BASED)
        begun = connection.pgconn.exec_(cursor.mogrify(statement, dict(arguments)).encode())
        if begun.status != ExecStatus.COPY_OUT:
            raise error_from_result(begun)
        blob, take = bytearray(), connection.pgconn.get_copy_data
        while (piece := take(0))[0] > 0:
            blob += piece[1]
        while (ended := connection.pgconn.get_result()) is not None:
            if ended.status != ExecStatus.COMMAND_OK:
                raise error_from_result(ended)
        if whole:
            cursor.execute(_AS_BEFORE)
    return blob


def _rows(blob: bytearray, integers: list[str], floats: list[str]) -> Any:
    names = integers + floats
    layout: list[tuple[str, str]] = [("_fields", ">i2")]
    for name in names:
        layout += [(f"_{name}", ">i4"), (name, ">i8" if name in integers else ">f8")]
    row = np.dtype(layout)
    body = len(blob) - _HEADER - _TRAILER
    if body % row.itemsize or struct.unpack(">h", blob[-_TRAILER:])[0] != -1:
        raise ValueError("a column of the query is NULL or has not eight bytes")
    table = np.frombuffer(blob, dtype=row, count=body // row.itemsize, offset=_HEADER)
    if len(table) and not all((table[f"_{name}"] == 8).all() for name in names):
        raise ValueError("a column of the query is NULL or has not eight bytes")
    return table


def read_frame(
    session: Session,
    query: str,
    schema: Mapping[str, pl.DataType | type[pl.DataType]],
    arguments: Mapping[str, Any],
) -> pl.DataFrame:
    """Rows of `query` with texts, as a Polars frame of exactly `schema`. An empty text reads as null, too."""
    import polars as pl

    blob = _copy_out(session, f"COPY ({query}) TO STDOUT (FORMAT CSV, HEADER, NULL '\\N')", arguments)
    return pl.read_csv(bytes(blob), schema=dict(schema), null_values="\\N")


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
    return {name: list(column) for name, column in zip(returning, made, strict=True)}
