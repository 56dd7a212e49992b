"""Files of public sets, plain or gzip."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recupero.kernel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


def read_rows(file: Path, needed: Iterable[str]) -> pl.DataFrame:
    """The rows of a CSV file. Raises UserError naming the file and the columns it lacks."""
    import polars as pl

    try:
        frame = pl.read_csv(file, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            "%(file)s cannot be read as CSV (plain or gzip): %(why)s", field="file", file=file, why=reason
        ) from error
    if missing := [name for name in needed if name not in frame.columns]:
        raise UserError(
            "%(file)s lacks the columns %(missing)s", field="file", file=file, missing=", ".join(missing)
        )
    return frame
