"""Many rows in one statement, where COPY is refused (row-level security) and one a row is too dear."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import Base

_AT_ONCE = 20_000


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
