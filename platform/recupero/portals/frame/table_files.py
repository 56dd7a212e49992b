"""The rows of a list as a file: CSV and XLSX for spreadsheets, JSON for machines."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import orjson
from flask import Response

from recupero.kernel import clock
from recupero.kernel.money import Money, minor_units
from recupero.portals.words.language import timezone
from recupero.portals.words.words import label
from recupero.reports.sheets import safe

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
FORMS = tuple(_TYPES)


class Column(Protocol):
    """What a file takes of a list's column: its name for machines, its label for people, a row's value; with
    `words` that is a code of that kind."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def value(self) -> Callable[[Any], Any]: ...
    @property
    def words(self) -> str | None: ...


def response(name: str, form: str, columns: Sequence[Column], rows: Sequence[Any]) -> Response:
    """The file, named for the list and the day. Money stands in two columns: the amount and its currency."""
    made = {"csv": _csv, "xlsx": _xlsx, "json": _json}[form](columns, rows)
    day = clock.today(timezone() or "UTC")
    return Response(
        made, mimetype=_TYPES[form].partition(";")[0], content_type=_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}-{day}.{form}"'},
    )  # fmt: skip


def _json(columns: Sequence[Column], rows: Sequence[Any]) -> bytes:
    """A list of objects by the columns' names; money in minor units with its currency, codes as codes."""
    return orjson.dumps([{one.name: _plain(one.value(row)) for one in columns} for row in rows])


def _plain(value: Any) -> Any:
    return {"minor": value.minor, "currency": value.currency} if isinstance(value, Money) else value


def _grid(columns: Sequence[Column], rows: Sequence[Any]) -> tuple[list[str], list[list[Any]]]:
    """Headings and rows as a spreadsheet has them."""
    of_money = [any(isinstance(column.value(row), Money) for row in rows) for column in columns]
    titles = []
    for column, money in zip(columns, of_money, strict=True):
        titles += [str(column.label), "ISO 4217"] if money else [str(column.label)]
    cells = [
        [cell for column, money in zip(columns, of_money, strict=True) for cell in _cells(column, money, row)]
        for row in rows
    ]
    return titles, cells


def _cells(column: Column, money: bool, row: Any) -> list[Any]:
    """What stands in the column's one or two cells: numbers, days, texts; moments on the house's clock."""
    value = column.value(row)
    if money:
        if not isinstance(value, Money):
            return ["", ""]
        return [Decimal(value.minor).scaleb(-minor_units(value.currency)), value.currency]
    if column.words is not None and value is not None:
        return [label(column.words, value)]
    if isinstance(value, datetime):
        return [value.astimezone(ZoneInfo(timezone() or "UTC")).replace(tzinfo=None, microsecond=0)]
    return ["" if value is None else value]


def _csv(columns: Sequence[Column], rows: Sequence[Any]) -> bytes:
    """With a byte order mark, so that spreadsheets read it as UTF-8; no text is taken for a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    titles, cells = _grid(columns, rows)
    writer.writerow(titles)
    writer.writerows([_written(cell) for cell in line] for line in cells)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _written(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    return safe(cell) if isinstance(cell, str) else cell


def _xlsx(columns: Sequence[Column], rows: Sequence[Any]) -> bytes:
    """One sheet with a heading that stays in sight and can be filtered by."""
    import xlsxwriter

    out = io.BytesIO()
    titles, cells = _grid(columns, rows)
    made = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, made) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, titles, book.add_format({"bold": True, "bottom": 1}))
        sheet.set_column(0, len(titles) - 1, 18)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(titles) - 1)
        shapes = {
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        for place, line in enumerate(cells, start=1):
            for column, value in enumerate(line):
                sheet.write(place, column, value, shapes.get(type(value)))
    return out.getvalue()
