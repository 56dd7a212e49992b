"""Read a sheet of a workbook by its values (a formula counts as the value that was saved with it)."""

import hashlib
import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from recupero.kernel.errors import UserError

logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every empty column

MAX_UNPACKED = 4 * 1024**3
MAX_RATIO = 200  # unpacked to packed bytes of an honest workbook stay far below; a zip bomb does not


@dataclass
class Sheet:
    """Text of every cell; numbers as the mapping writes them, dates in ISO form. `first_row` is the row of a
    spreadsheet in which `rows` begins."""

    headings: list[str]
    rows: pl.DataFrame
    first_row: int
    content_hash: bytes


def open_sheet(path: Path, sheet: str | int, header_row: int, decimal: str) -> Sheet:
    """Raises UserError on a broken, encrypted, empty or bomb-like workbook, and on a sheet that is
    missing.
    """
    _refuse_bomb(path)
    try:
        book = fastexcel.read_excel(path)
        name = _sheet_name(book.sheet_names, sheet)
        frame = book.load_sheet(name, header_row=header_row - 1, schema_sample_rows=None).to_polars()
    except fastexcel.FastExcelError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"the workbook cannot be read: {reason}", field="file") from None
    if frame.width == 0:
        raise UserError(f"the sheet has no row {header_row} with headings", field="file")
    headings = ["" if name.startswith("__UNNAMED__") else name for name in frame.columns]
    text = frame.select(_text(pl.col(name), dtype, decimal) for name, dtype in frame.schema.items())
    return Sheet(headings, text, header_row + 1, _hash(path))


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


def _refuse_bomb(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        raise UserError("the workbook is broken: it is no whole zip file", field="file") from None
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if unpacked > MAX_UNPACKED or (unpacked > 64 * 1024**2 and unpacked / packed > MAX_RATIO):
        raise UserError("the workbook unpacks to far too much: save it anew or send CSV", field="file")


def _sheet_name(names: list[str], wanted: str | int) -> str:
    if isinstance(wanted, int) and 0 <= wanted < len(names):
        return names[wanted]
    if wanted in names:
        return str(wanted)
    raise UserError(f"the workbook has no sheet {wanted!r}; it has {', '.join(names)}", field="sheet")


def _hash(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
