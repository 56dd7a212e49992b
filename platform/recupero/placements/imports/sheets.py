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
from pathlib import Path

import fastexcel
import polars as pl

from recupero.kernel.errors import UserError
from recupero.placements.imports.cells import Grid, place_of
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
    grids = book.grids(sheet, decimal)
    headings: list[str] = []
    while not headings:
        first = next(grids, None)
        if first is None or not first.numbers:
            raise UserError("the sheet has no row %(number)s with headings", field="file", number=header_row)
        if first.numbers[0] >= header_row:
            headings = _first_row(book, first)

    def frames(size: int) -> Iterator[pl.DataFrame]:
        book.rows_at_once = size
        return (_frame(book, grid, len(headings)) for grid in grids if grid.numbers)

    return Sheet(headings, frames, _hash(path), lambda: book.share)


def _first_row(book: Workbook, grid: Grid) -> list[str]:
    """The headings by their place; none where the row is empty."""
    frame = _frame(book, grid, 1 + max((place_of(letters) for letters in grid.columns), default=0))
    headings = [str(cell or "") for cell in frame.drop("number", "wider").row(0)]
    while headings and not headings[-1].strip():
        headings.pop()
    return headings


def _frame(book: Workbook, grid: Grid, width: int) -> pl.DataFrame:
    texts = book.texts(grid.shared)
    empty: list[str | int | None] = [None] * len(grid.numbers)
    fitted = [empty] * width
    wider = [False] * len(grid.numbers)
    for letters, cells in grid.columns.items():
        place = place_of(letters)
        if place < width:
            fitted[place] = cells
        else:
            wider = [before or cell is not None for before, cell in zip(wider, cells, strict=True)]
    if texts:
        fitted = [[texts[cell] if cell.__class__ is int else cell for cell in cells] for cells in fitted]
    series = [pl.Series(str(place), cells, pl.String) for place, cells in enumerate(fitted)]
    return pl.DataFrame(
        [*series, pl.Series("number", grid.numbers, pl.Int64), pl.Series("wider", wider, pl.Boolean)]
    )


def _held_whole(path: Path, sheet: str | int, header_row: int, decimal: str) -> Sheet:
    _refuse_large(path.stat().st_size)
    _refuse_encrypted(path)
    try:
        book = fastexcel.read_excel(path.read_bytes())  # by content: a name may say otherwise
        name = _sheet_name(book.sheet_names, sheet)
        frame = book.load_sheet(name, header_row=header_row - 1, schema_sample_rows=None).to_polars()
    except fastexcel.FastExcelError as error:
        reason = str(error).splitlines()[0]
        raise UserError("the workbook cannot be read: %(reason)s", field="file", reason=reason) from None
    if frame.width == 0:
        raise UserError("the sheet has no row %(number)s with headings", field="file", number=header_row)
    headings = ["" if name.startswith("__UNNAMED__") else name for name in frame.columns]
    columns = enumerate(frame.schema.items())
    first = header_row + 1
    text = frame.select(
        *(_text(pl.col(name), dtype, decimal).alias(str(place)) for place, (name, dtype) in columns),
        pl.int_range(first, first + pl.len()).alias("number"),
        pl.lit(value=False).alias("wider"),
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
    raise UserError(
        "the workbook has no sheet %(name)s; it has %(names)s", field="sheet", name=repr(wanted),
        names=", ".join(names),
    )  # fmt: skip


def _hash(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
