"""Read a sheet of a workbook by its values (a formula counts as the value that was saved with it).

`.xlsx` and `.xlsm` are read as a stream, however long; `.xls`, `.xlsb` and `.ods` are held whole by their
reader and may therefore not be large.
"""

import hashlib
import logging
import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import fastexcel
import polars as pl

from recupero.kernel.errors import UserError
from recupero.placements.imports.cells import Row
from recupero.placements.imports.workbooks import Workbook

logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every empty column

MAX_WHOLE = 128 * 1024**2  # unpacked bytes of a workbook that is held whole
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass
class Sheet:
    """`headings` as they stand. `frames(size)` gives the rows in frames of `size`: a text column for each
    heading (`0`, `1`, …), numbers as the mapping writes them, dates in ISO form; the spreadsheet's `number`
    of the row; and `wider`, whether the row has cells beyond the headings."""

    headings: list[str]
    frames: Callable[[int], Iterator[pl.DataFrame]]
    content_hash: bytes
    done: Callable[[], float]


@contextmanager
def open_sheet(path: Path, sheet: str | int, header_row: int, decimal: str) -> Iterator[Sheet]:
    """Raises UserError on a broken, encrypted, empty or bomb-like workbook, and on a sheet that is
    missing.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if not packed:
        yield _held_whole(path, sheet, header_row, decimal)
        return
    with Workbook(path) as book:
        if book.streams():
            yield _streamed(path, book, sheet, header_row, decimal)
        else:
            _refuse_large(book.unpacked)
            yield _held_whole(path, sheet, header_row, decimal)


def _streamed(path: Path, book: Workbook, sheet: str | int, header_row: int, decimal: str) -> Sheet:
    rows = book.rows(sheet, decimal)
    first = next((row for row in rows if row.number >= header_row and _filled(row)), None)
    if first is None:
        raise UserError(f"the sheet has no row {header_row} with headings", field="file")
    strings = book.texts({cell for cell in first.cells if isinstance(cell, int)})
    headings = [strings[cell] if isinstance(cell, int) else cell or "" for cell in first.cells]
    while not headings[-1].strip():
        headings.pop()

    def frames(size: int) -> Iterator[pl.DataFrame]:
        while some := list(islice(rows, size)):
            yield _frame(book, some, len(headings))

    return Sheet(headings, frames, _hash(path), lambda: book.share)


def _filled(row: Row) -> bool:
    return any(cell is not None for cell in row.cells)


def _frame(book: Workbook, rows: list[Row], width: int) -> pl.DataFrame:
    numbers = [row.number for row in rows]
    wider = [len(row.cells) > width and any(cell is not None for cell in row.cells[width:]) for row in rows]
    fitted = [[*row.cells[:width], *[None] * (width - len(row.cells))] for row in rows]
    columns = list(zip(*fitted, strict=True))
    texts = book.texts({cell for column in columns for cell in column if isinstance(cell, int)})
    series = [
        pl.Series(str(place), [texts[cell] if isinstance(cell, int) else cell for cell in column], pl.String)
        for place, column in enumerate(columns)
    ]
    return pl.DataFrame([*series, pl.Series("number", numbers, pl.Int64), pl.Series("wider", wider, pl.Boolean)])


def _held_whole(path: Path, sheet: str | int, header_row: int, decimal: str) -> Sheet:
    _refuse_large(path.stat().st_size)
    _refuse_encrypted(path)
    try:
        book = fastexcel.read_excel(path.read_bytes())  # by content: a name may say otherwise
        name = _sheet_name(book.sheet_names, sheet)
        frame = book.load_sheet(name, header_row=header_row - 1, schema_sample_rows=None).to_polars()
    except fastexcel.FastExcelError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"the workbook cannot be read: {reason}", field="file") from None
    if frame.width == 0:
        raise UserError(f"the sheet has no row {header_row} with headings", field="file")
    headings = ["" if name.startswith("__UNNAMED__") else name for name in frame.columns]
    columns = enumerate(frame.schema.items())
    text = frame.select(_text(pl.col(name), dtype, decimal).alias(str(place)) for place, (name, dtype) in columns)
    text = text.with_columns(
        pl.int_range(header_row + 1, header_row + 1 + pl.len()).alias("number"), pl.lit(False).alias("wider")
    )
    return Sheet(headings, text.iter_slices, _hash(path), lambda: 1.0)


def _text(column: pl.Expr, dtype: pl.DataType, decimal: str) -> pl.Expr:
    """A column of typed cells as the text that the mapping expects."""
    if dtype.is_float():
        whole = column == column.round(0)
        short = pl.when(whole & (column.abs() < 1e15)).then(
            column.cast(pl.Int64, strict=False).cast(pl.String)
        )
        return short.otherwise(column.cast(pl.String).str.replace(".", decimal, literal=True))
    if isinstance(dtype, pl.Datetime | pl.Date):
        return column.dt.strftime("%Y-%m-%d")
    return column.cast(pl.String)


def _refuse_large(size: int) -> None:
    if size > MAX_WHOLE:
        raise UserError("the workbook is too large for its kind: save it as .xlsx or as CSV", field="file")


def _refuse_encrypted(path: Path) -> None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(_ENCRYPTED) >= 0:
            raise UserError("the workbook is protected by a password: save it without", field="file")


def _sheet_name(names: list[str], wanted: str | int) -> str:
    if isinstance(wanted, int) and 0 <= wanted < len(names):
        return names[wanted]
    if wanted in names:
        return str(wanted)
    raise UserError(f"the workbook has no sheet {wanted!r}; it has {', '.join(names)}", field="sheet")


def _hash(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
