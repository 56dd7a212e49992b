"""Open a creditor's file, whatever Excel wrote, as frames of text in chunks of bounded size.

Row numbers are those of a spreadsheet: the headings stand in row 1 (or `header_row`), the first data row
follows. An unreadable file raises UserError before anything is loaded.
"""

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import polars as pl

from recupero.kernel.errors import UserError
from recupero.placements.imports import encodings, sheets

CHUNK_ROWS = 25_000
CHUNK_CELLS = 1_000_000
MAX_COLUMNS = 2_000
MAX_FIELD = 128 * 1024
ROW, PROBLEM = "\x00row", "\x00problem"  # columns of ours; no heading can be called so


@dataclass
class Table:
    """An opened file. `chunks` can be read once; each has a text column per heading (null where empty), its
    row numbers in `ROW` and a reason code in `PROBLEM` where the line itself is broken."""

    headings: list[str]
    chunks: Iterator[pl.DataFrame]
    content_hash: bytes
    done: Callable[[], float]  # the share of the file that has been read, 0 to 1
    delimiter: str = ","


@contextmanager
def opened(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None, sheet: str | int = 0,
    header_row: int = 1, decimal: str = ".",
) -> Iterator[Table]:  # fmt: skip
    """Read `path`: CSV or other delimited text, gzipped or not, or a workbook (.xlsx, .xlsm, .xlsb, .xls,
    .ods).

    Raises UserError on an empty, broken, binary or absurdly wide file.
    """
    csv.field_size_limit(MAX_FIELD)
    magic = _magic(path)
    if magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        with sheets.open_sheet(path, sheet, header_row, decimal) as book:
            headings = _headings(book.headings)
            yield Table(headings, _sheet_chunks(book, headings), book.content_hash, book.done)
        return
    found = encodings.scan(lambda: _binary(path, magic), encoding)
    size = path.stat().st_size
    try:
        with _binary(path, magic) as raw, io.TextIOWrapper(raw, found.encoding, newline="") as text:
            mark, skipped = _delimiter(text, delimiter)
            text.seek(0)
            lines = _Lines(text, skipped)
            reader = csv.reader(lines, delimiter=mark)
            headings = _headings(_first_row(reader, header_row))
            packed = getattr(raw, "fileobj", raw)  # of a gzip file, the file that is unpacked
            chunks = _text_chunks(reader, lines, headings, header_row, mark)
            yield Table(headings, chunks, found.content_hash, lambda: packed.tell() / size, mark)
    except UnicodeDecodeError:
        raise UserError(
            "the file is no text in %(encoding)s: is it cut off, or of another kind?",
            field="file", encoding=found.encoding,
        ) from None  # fmt: skip


def _magic(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            magic = file.read(8)
    except OSError as error:
        raise UserError("the file cannot be read: %(why)s", field="file", why=error.strerror) from None
    if not magic:
        raise UserError("the file is empty: send one with headings and rows", field="file")
    return magic


@contextmanager
def _binary(path: Path, magic: bytes) -> Iterator[IO[bytes]]:
    if magic.startswith(b"\x1f\x8b"):
        with gzip.open(path) as unzipped:
            yield unzipped  # type: ignore[misc]  # GzipFile reads bytes as IO[bytes] does
    else:
        with path.open("rb") as file:
            yield file


def _delimiter(text: "io.TextIOWrapper", wanted: str | None) -> tuple[str, int]:
    """The delimiter, and how many lines come before the table: Excel's own first line `sep=;`."""
    sample = text.read(256 * 1024)
    first = sample.partition("\n")[0].rstrip("\r")
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    if len(first) > MAX_FIELD and "\n" not in sample:
        raise UserError(
            "the first line is longer than %(most)s characters: is this a table?",
            field="file",
            most=MAX_FIELD,
        )
    return wanted or encodings.guess_delimiter(sample), 0


class _Lines:
    """Lines of bounded length, so that a file without line ends cannot fill the memory. `record` has the
    lines since it was last cleared: those of the row that is being read."""

    def __init__(self, text: "io.TextIOWrapper", skipped: int) -> None:
        self._text, self._limit, self.number = text, MAX_FIELD * 32, skipped
        self.record: list[str] = []
        for _ in range(skipped):
            text.readline(self._limit)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._limit)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) >= self._limit:
            raise UserError(
                "the line is longer than %(most)s characters", field="file", row=self.number, most=self._limit
            )
        if "\x00" in line:
            raise UserError(
                "the line holds NUL characters: this is no text file", field="file", row=self.number
            )
        self.record.append(line)
        return line

    def left_open(self, mark: str) -> bool:
        """Whether a cell of the row opens with a quotation mark that nothing closes."""
        raw = "".join(self.record)
        return raw.count('"') % 2 == 1 and re.search(rf'(?:^|{re.escape(mark)})"', raw) is not None


def _first_row(reader: Any, header_row: int) -> list[str]:
    try:
        for _ in range(header_row - 1):
            next(reader)
        return list(next(reader))
    except StopIteration:
        raise UserError(
            "the file has no row %(number)s with headings", field="file", number=header_row
        ) from None
    except csv.Error as error:
        raise UserError(
            "the headings cannot be read: %(why)s", field="file", row=header_row, why=error
        ) from None


def _headings(raw: list[Any]) -> list[str]:
    """Trimmed and made unique: a second `Fono` becomes `Fono_2`, one without a name `column_7`."""
    if len(raw) > MAX_COLUMNS:
        raise UserError(
            "the file has %(found)s columns; at most %(most)s can be read",
            field="file",
            found=len(raw),
            most=MAX_COLUMNS,
        )
    seen: dict[str, int] = {}
    headings = []
    for place, cell in enumerate(raw, 1):
        name = " ".join(str(cell or "").replace("\x00", "").split()) or f"column_{place}"
        seen[name] = seen.get(name, 0) + 1
        headings.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    if not any(str(cell or "").strip() for cell in raw):
        raise UserError("the row of headings is empty", field="file", row=1)
    return headings


def _text_chunks(
    reader: Any, lines: _Lines, headings: list[str], header_row: int, mark: str
) -> Iterator[pl.DataFrame]:
    size = max(1, min(CHUNK_ROWS, CHUNK_CELLS // len(headings)))
    rows: list[list[str]] = []
    numbers: list[int] = []
    broken: dict[int, str] = {}
    for number, raw in enumerate(_records(reader, lines, header_row, mark), header_row + 1):
        row, problem = _fitted(raw, len(headings), number, lines)
        if problem:
            broken[number] = problem
        if any(row):
            rows.append(row)
            numbers.append(number)
        if len(rows) == size:
            yield _frame(headings, rows, numbers, broken)
            rows, numbers, broken = [], [], {}
    if rows:
        yield _frame(headings, rows, numbers, broken)


def _records(reader: Any, lines: _Lines, header_row: int, mark: str) -> Iterator[list[str]]:
    """The rows of the file; one that csv cannot read, or that never ends, is the user's error."""
    number = header_row
    while True:
        number += 1
        before, lines.record = lines.record, []
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UserError(
                "the row cannot be read: %(why)s; is a quotation mark left open?",
                field="file", row=number, why=error,
            ) from None  # fmt: skip
        if row is None:
            lines.record = before
            if lines.left_open(mark):
                raise UserError("a quotation mark opens in the last row and is never closed", field="file")
            return
        yield row


def _fitted(row: list[str], width: int, number: int, lines: _Lines) -> tuple[list[str], str | None]:
    """The row with as many cells as there are headings, and what is wrong with it. Short rows are Excel's way
    to save trailing empty cells."""
    if len(row) == width:
        return row, None
    if len(lines.record) > 1:
        raise UserError(
            "a quotation mark opens in this row and is not closed in it", field="file", row=number
        )
    return [*row[:width], *([""] * (width - len(row)))], "extra_fields" if any(row[width:]) else None


def _frame(
    headings: list[str], rows: list[list[str]], numbers: list[int], broken: dict[int, str]
) -> pl.DataFrame:
    columns = zip(headings, zip(*rows, strict=True), strict=True)
    frame = pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in columns])
    return _tidy(frame).with_columns(
        pl.Series(ROW, numbers, dtype=pl.Int64),
        pl.Series(PROBLEM, [broken.get(number) for number in numbers], dtype=pl.String),
    )


def _tidy(frame: pl.DataFrame) -> pl.DataFrame:
    """Trim; empty cells and Excel's error values are null; Excel's `="0012"` and our own `'=` are
    unwrapped.
    """
    text = pl.all().str.strip_chars()
    frame = frame.select(pl.when(text.str.len_bytes() > 0).then(text))
    wrapped = [name for name in frame.columns if frame[name].str.contains(r"^(?:=\"|'[=+\-@]|#)").any()]
    return frame.with_columns(_unwrap(pl.col(name)) for name in wrapped)


def _unwrap(cell: pl.Expr) -> pl.Expr:
    text = cell.str.replace(r'^="([^"]*)"$', "$1").str.replace(r"^'([=+\-@].*)$", "$1")
    error = text.str.contains(r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)$")
    return pl.when(~error).then(text)


def _sheet_chunks(book: "sheets.Sheet", headings: list[str]) -> Iterator[pl.DataFrame]:
    size = max(1, min(CHUNK_ROWS, CHUNK_CELLS // len(headings)))
    for part in book.frames(size):
        texts = _tidy(part.select(pl.col(str(place)).alias(name) for place, name in enumerate(headings)))
        problem = pl.when(part["wider"]).then(pl.lit("extra_fields"))
        rows = texts.with_columns(part["number"].cast(pl.Int64).alias(ROW), problem.alias(PROBLEM))
        filled = rows.filter(pl.any_horizontal(pl.col(headings).is_not_null()))
        if filled.height:
            yield filled
