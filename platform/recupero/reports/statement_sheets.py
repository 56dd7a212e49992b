"""The statement as JSON, CSV and XLSX: for machines and for spreadsheets."""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from recupero.kernel.marking import N_
from recupero.kernel.money import minor_units
from recupero.ledger.statements import StatementLine
from recupero.reports.sheets import safe
from recupero.reports.statement_rows import Cell, Shape, columns, heading, totals
from recupero.reports.statements import METHODS, Document
from recupero.reports.words import Words

_FIGURES = (
    "opening_minor", "collected_minor", "direct_minor", "fees_minor", "tax_minor", "withheld_minor",
    "invoiced_minor", "payable_minor", "closing_minor",
)  # fmt: skip
_LINE = (
    "client_account", "debtor_reference", "kind", "direct", "amount_minor", "parts", "fee_rate", "fee_minor",
    "tax_minor", "costs_minor", "due_to_client_minor", "due_to_agency_minor", "balance_after_minor",
)  # fmt: skip


def to_dict(made: Document) -> dict[str, Any]:
    """The whole statement as plain values: money in minor units, rates in basis points."""
    one = made.remittance
    return {
        "agency": made.agency, "tenant": made.tenant_slug, "tenant_name": made.tenant,
        "timezone": made.timezone, "currency": one.currency, "method": one.method, "state": one.state,
        "period_from": one.period_from.isoformat(), "period_to": one.period_to.isoformat(),
        "statement_number": one.statement_number, "invoice_number": one.invoice_number,
        "issued_at": one.issued_at and one.issued_at.isoformat(),
        "paid_at": one.paid_at and one.paid_at.isoformat(), "payment_reference": one.payment_reference,
        "reversals_minor": made.sum_of("reversal"),
        **{name: getattr(one, name) for name in _FIGURES},
        "lines": [_line(line) for line in made.lines],
    }  # fmt: skip


def _line(line: StatementLine) -> dict[str, Any]:
    return {"at": line.at.isoformat(), **{name: getattr(line, name) for name in _LINE}}


def to_json(made: Document) -> bytes:
    """`to_dict` as UTF-8 JSON."""
    return orjson.dumps(to_dict(made), option=orjson.OPT_INDENT_2)


def to_csv(made: Document, words: Words) -> bytes:
    """A row for each line, then one for each total, with a byte order mark so that spreadsheets read it as
    UTF-8. Amounts are in major units with a point, rates in percent."""
    shown, plain = columns(made, words), _plain(made.remittance.currency)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.heading for column in shown])
    for line in made.lines:
        writer.writerow([plain(column.value(line), column.shape) for column in shown])
    for total in totals(made, words):
        amount = plain(total.amount_minor, Shape.MONEY)
        writer.writerow(["", "", "", safe(total.label), amount, *[""] * (len(shown) - 5)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(currency: str) -> Callable[[Cell, Shape], object]:
    digits = minor_units(currency)

    def plain(value: Cell, shape: Shape) -> object:
        if isinstance(value, int):
            return Decimal(value).scaleb(-digits if shape is Shape.MONEY else -2)
        return value.isoformat() if isinstance(value, date) else safe(value)

    return plain


def to_xlsx(made: Document, words: Words) -> bytes:
    """A workbook: a sheet of totals and one of lines, numbers as numbers."""
    import xlsxwriter  # only where a workbook is made

    out = io.BytesIO()
    # Row by row into a file of its own: a long statement does not lie in memory cell by cell.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        digits = minor_units(made.remittance.currency)
        styles = {
            "title": book.add_format({"bold": True, "font_size": 15, "font_color": "#0f6b5f"}),
            "soft": book.add_format({"font_color": "#57605c"}),
            "head": book.add_format({"bold": True, "bg_color": "#0f6b5f", "font_color": "#ffffff",
                                     "text_wrap": True, "valign": "top"}),
            "strong": book.add_format({"bold": True}),
            Shape.MONEY: book.add_format({"num_format": "#,##0" + ("." + "0" * digits if digits else "")}),
            Shape.RATE: book.add_format({"num_format": "0.00%"}),
            Shape.DAY: book.add_format({"num_format": "yyyy-mm-dd"}),
        }  # fmt: skip
        _write_totals(book.add_worksheet(words(N_("Totals"))[:31]), made, words, styles)
        _write_lines(book.add_worksheet(words(N_("Lines"))[:31]), made, words, styles)
    return out.getvalue()


def _write_totals(sheet: Any, made: Document, words: Words, styles: dict[Any, Any]) -> None:
    one = made.remittance
    sheet.set_column(0, 0, 52)
    sheet.set_column(1, 1, 20)
    sheet.write_string(0, 0, f"{heading(made, words)} · {made.tenant}", styles["title"])
    period = f"{words.day(one.period_from)} – {words.day(one.period_to)} · {one.currency}"
    sheet.write_string(1, 0, period, styles["soft"])
    sheet.write_string(2, 0, f"{made.agency} · {words(METHODS[one.method])}", styles["soft"])
    for row, total in enumerate(totals(made, words), start=4):
        sheet.write_string(row, 0, total.label, styles["strong"] if total.strong else None)
        sheet.write_number(row, 1, _major(total.amount_minor, one.currency), styles[Shape.MONEY])


def _write_lines(sheet: Any, made: Document, words: Words, styles: dict[Any, Any]) -> None:
    shown = columns(made, words)
    for place, column in enumerate(shown):
        sheet.set_column(place, place, 22 if column.shape is Shape.TEXT else 14)
        sheet.write_string(0, place, column.heading, styles["head"])
    for row, line in enumerate(made.lines, start=1):
        for place, column in enumerate(shown):
            _write(sheet, row, place, column.value(line), column.shape, made.remittance.currency, styles)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(len(made.lines), 1), len(shown) - 1)


def _write(
    sheet: Any, row: int, place: int, value: Cell, shape: Shape, currency: str, styles: dict[Any, Any]
) -> None:
    if isinstance(value, int):
        number = _major(value, currency) if shape is Shape.MONEY else value / 10_000
        sheet.write_number(row, place, number, styles[shape])
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, styles[shape])
    else:
        sheet.write_string(row, place, value)


def _major(minor: int, currency: str) -> float:
    return minor / int(10 ** minor_units(currency))
