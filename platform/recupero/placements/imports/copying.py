"""Polars frames into temporary tables: PostgreSQL refuses COPY FROM into a table with row-level security."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.bulk import new_ids
from recupero.kernel.database import Base


def copy(
    session: Session, table: str, frame: pl.DataFrame, columns: Mapping[str, str], *, analyse: str = ""
) -> None:
    """Fill the temporary table with the frame's columns (`columns`: name and PostgreSQL type), emptying it
    first.

    `analyse` names columns that it is joined by, so that the planner knows them; a table that is only read
    through needs none. It lives to the end of the transaction.
    """
    defined = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    session.execute(text(f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({defined}) ON COMMIT DROP"))
    session.execute(text(f"TRUNCATE {table}"))
    buffer = io.BytesIO()
    frame.select(columns.keys()).write_csv(buffer, include_header=False)
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv)"
    with _cursor(session).copy(statement) as sink:
        sink.write(buffer.getbuffer())
    if analyse:
        session.execute(text(f"ANALYZE {table} ({analyse})"))


def insert(
    session: Session, target: str, staging: str, columns: Iterable[str], given: Mapping[str, str], *,
    where: str = "", conflict: str = "", **parameters: Any,
) -> None:  # fmt: skip
    """INSERT INTO target SELECT: `columns` as they stand in the staging table, `given` as expressions of SQL
    with `:parameters`. All names are the code's own; values come as parameters."""
    same = list(columns)
    into, chosen = ", ".join([*given, *same]), ", ".join([*given.values(), *same])
    statement = f"INSERT INTO {target} ({into}) OVERRIDING SYSTEM VALUE SELECT {chosen} FROM {staging}"  # noqa: S608
    session.execute(text(f"{statement} {f'WHERE {where}' if where else ''} {conflict}"), parameters)


def fetch(session: Session, query: str, parameters: dict[str, Any], schema: dict[str, Any]) -> pl.DataFrame:
    """The rows of a query as a frame."""
    rows = session.execute(text(query), parameters).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def block_of_ids(session: Session, table: type[Base], count: int) -> pl.Series:
    """Ids of the table's own sequence, taken for rows to come."""
    return pl.Series("id", new_ids(session, table, count), dtype=pl.Int64)


def _cursor(session: Session) -> Any:
    connection = session.connection().connection.driver_connection
    if connection is None:
        raise RuntimeError("the session has no open connection")
    return connection.cursor()
