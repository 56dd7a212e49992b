"""The report as JSON, CSV and XLSX: for machines and for spreadsheets."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import xlsxwriter

from recupero.kernel.marking import N_
from recupero.kernel.money import MICRO_DIGITS, minor_units
from recupero.reports import layout
from recupero.reports.figures import Figure, Unit, as_json
from recupero.reports.report import Line, RecoveryReport, Section, Vintage
from recupero.reports.words import Words

_LONGEST_NAME = 31  # characters of a sheet's name that spreadsheets take
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def to_dict(report: RecoveryReport) -> dict[str, Any]:
    """The whole report as plain values: money in minor units, rates with numerator and denominator."""
    return {
        "tenant": report.tenant_slug,
        "tenant_name": report.tenant,
        "period": str(report.period),
        "timezone": report.timezone,
        "generated_at": report.generated_at.isoformat(),
        "currencies": [_section(section) for section in report.sections],
        "definitions": {
            metric.key: {
                "formula": metric.formula,
                "unit": metric.unit.value,
                "definition": metric.definition,
                "numerator": metric.numerator,
                "denominator": metric.denominator,
            }
            for metric in layout.shown_metrics(report)
        },
    }


def _section(section: Section) -> dict[str, Any]:
    totals = (*section.headline, *section.funnel, *section.rates, *section.voices, *section.digital)
    return {
        "currency": section.currency,
        "totals": _figures(totals),
        "portfolios": [_line(line) for line in section.portfolios],
        "channels": [_line(line) for line in section.channels],
        "placement_months": [_vintage(vintage) for vintage in section.vintages],
        "costs": [
            {"currency": costs.currency, "channels": [_line(line) for line in costs.channels]}
            for costs in section.costs
        ],
        "batches": [_line(line) for line in section.batches],
        "returned": [_line(line) for line in section.returned],
        "months": [
            {"month": f"{flow.month:%Y-%m}", "agency": flow.agency_minor, "direct": flow.direct_minor}
            for flow in section.flows
        ],
    }


def _line(line: Line) -> dict[str, Any]:
    return {"name": line.name, **_figures(line.figures)}


def _vintage(vintage: Vintage) -> dict[str, Any]:
    return {
        "month": f"{vintage.month:%Y-%m}",
        **_figures(vintage.figures),
        "in_month": [as_json(figure) for figure in vintage.steps],
        "cumulative": [as_json(figure) for figure in vintage.cumulative],
    }


def _figures(figures: tuple[Figure, ...]) -> dict[str, Any]:
    return {figure.metric.key: as_json(figure) for figure in figures}


def to_json(report: RecoveryReport) -> bytes:
    """`to_dict` as UTF-8 JSON."""
    return orjson.dumps(to_dict(report), option=orjson.OPT_INDENT_2)


CSV_COLUMNS = (
    "currency",
    "table",
    "row",
    "month_since",
    "metric",
    "name",
    "value",
    "numerator",
    "denominator",
)


def to_csv(report: RecoveryReport, words: Words) -> bytes:
    """One figure a line, with a byte order mark so that spreadsheets read it as UTF-8.

    Amounts are in major units with a point; a text that a spreadsheet would run as a formula is quoted with
    an apostrophe.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for section in report.sections:
        for currency, table, row, step, figure in _all_figures(section, words):
            writer.writerow(
                [
                    currency,
                    table,
                    safe(row),
                    step,
                    figure.metric.key,
                    safe(words(figure.metric.label)),
                    *_numbers(figure, currency),
                ]
            )
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def safe(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _all_figures(section: Section, words: Words) -> Iterator[tuple[str, str, str, int | str, Figure]]:
    own = section.currency
    for key, _title, figures in layout.groups(section, words):
        yield from ((own, key, "", "", figure) for figure in figures)
    for table in layout.tables(section, words):
        key = table.key if table.key != "costs" else f"costs_{own}"  # their currency is the provider's
        for name, figures in table.rows:
            yield from ((table.currency, key, name, "", figure) for figure in figures)
    for key, steps in (("in_month", False), ("cumulative", True)):
        for name, figures in layout.stairs(section, words, cumulative=steps).rows:
            yield from ((own, key, name, step, figure) for step, figure in enumerate(figures))


def _major(figure: Figure) -> Decimal:
    """A cost in main units of its currency, to the millionth."""
    return Decimal(round(figure.value or 0)).scaleb(-MICRO_DIGITS)


def _numbers(figure: Figure, currency: str) -> list[Any]:
    if figure.metric.unit is Unit.MONEY:
        return [Decimal(figure.numerator).scaleb(-minor_units(currency)), "", ""]
    if figure.metric.unit is Unit.COST:
        return ["" if figure.value is None else _major(figure), "", ""]
    if figure.metric.denominator is None:
        return [figure.numerator, "", ""]
    value = "" if figure.value is None else f"{figure.value:.6f}"
    return [value, figure.numerator, figure.denominator]


def to_xlsx(report: RecoveryReport, words: Words) -> bytes:
    """A workbook: a sheet of totals, one for each breakdown, and one of definitions; per currency."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        writer = _Book(book, words)
        for section in report.sections:
            writer.totals(section, report)
            for table in layout.tables(section, words):
                writer.table(section.currency, table)
            for cumulative in (False, True):
                writer.stairs(section, layout.stairs(section, words, cumulative=cumulative))
        writer.definitions(report)
    return out.getvalue()


class _Book:
    """Writes the sheets with one set of styles."""

    def __init__(self, book: Any, words: Words) -> None:
        self._book, self._words = book, words
        self._title = book.add_format({"bold": True, "font_size": 15, "font_color": "#0f6b5f"})
        self._soft = book.add_format({"font_color": "#57605c"})
        self._head = book.add_format(
            {"bold": True, "bg_color": "#0f6b5f", "font_color": "#ffffff", "text_wrap": True, "valign": "top"}
        )
        self._group = book.add_format({"bold": True, "bg_color": "#e0f0ec"})
        self._wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self._numbers: dict[str, Any] = {}

    def _sheet(self, name: str, widths: tuple[int, ...]) -> Any:
        short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME + 1].rpartition(" ")[0]
        sheet = self._book.add_worksheet(short)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet

    def _number(self, unit: Unit, currency: str) -> Any:
        digits = minor_units(currency)
        shapes = {
            Unit.MONEY: "#,##0" + ("." + "0" * digits if digits else ""),
            Unit.COUNT: "#,##0",
            Unit.PERCENT: "0.0%",
            Unit.PER_THOUSAND: "0.0",
            Unit.TIMES: "0.0",
            Unit.COST: "#,##0.00##",
        }
        shape = shapes[unit]
        return self._numbers.setdefault(shape, self._book.add_format({"num_format": shape}))

    def _figure(self, sheet: Any, row: int, column: int, figure: Figure, currency: str) -> None:
        value = figure.value
        if value is None:
            sheet.write_string(row, column, "–")
            return
        unit = figure.metric.unit
        if unit is Unit.MONEY:
            value = float(Decimal(figure.numerator).scaleb(-minor_units(currency)))
        elif unit is Unit.COST:
            value = float(_major(figure))
        elif unit is Unit.PER_THOUSAND:
            value *= 1000
        sheet.write_number(row, column, value, self._number(unit, currency))

    def totals(self, section: Section, report: RecoveryReport) -> None:
        words = self._words
        sheet = self._sheet(f"{section.currency}", (34, 20, 16, 16))
        sheet.write_string(0, 0, f"{words(N_('Recovery report'))} · {report.tenant}", self._title)
        sheet.write_string(1, 0, f"{words.period(report.period)} · {section.currency}", self._soft)
        heads = (N_("Metric"), N_("Value"), N_("Numerator"), N_("Denominator"))
        row = 3
        for column, head in enumerate(heads):
            sheet.write_string(row, column, words(head), self._head)
        for _key, title, figures in layout.groups(section, words):
            row += 1
            sheet.merge_range(row, 0, row, len(heads) - 1, title, self._group)
            for figure in figures:
                row += 1
                sheet.write_string(row, 0, words(figure.metric.label))
                self._figure(sheet, row, 1, figure, section.currency)
                if figure.metric.denominator is not None:
                    sheet.write_number(row, 2, figure.numerator, self._number(Unit.COUNT, section.currency))
                    sheet.write_number(
                        row, 3, figure.denominator or 0, self._number(Unit.COUNT, section.currency)
                    )
        sheet.freeze_panes(4, 1)

    def table(self, currency: str, table: layout.Table) -> None:
        sheet = self._sheet(f"{currency} {table.title}", (28, *[15] * len(table.metrics)))
        sheet.write_string(0, 0, table.first_column, self._head)
        for column, metric in enumerate(table.metrics, start=1):
            sheet.write_string(0, column, self._words(metric.label), self._head)
        for row, (name, figures) in enumerate(table.rows, start=1):
            sheet.write_string(row, 0, name)
            for column, figure in enumerate(figures, start=1):
                self._figure(sheet, row, column, figure, table.currency)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, len(table.rows), len(table.metrics))

    def stairs(self, section: Section, table: layout.Stairs) -> None:
        if not table.rows:
            return
        sheet = self._sheet(f"{section.currency} {table.title}", (18, *[9] * table.months))
        sheet.write_string(0, 0, self._words(N_("Placed in")), self._head)
        for step in range(table.months):
            sheet.write_number(0, step + 1, step, self._head)
        for row, (name, figures) in enumerate(table.rows, start=1):
            sheet.write_string(row, 0, name)
            for column, figure in enumerate(figures, start=1):
                self._figure(sheet, row, column, figure, section.currency)
        sheet.freeze_panes(1, 1)

    def definitions(self, report: RecoveryReport) -> None:
        words = self._words
        sheet = self._sheet(words(N_("Definitions")), (28, 80, 40, 40, 10))
        for column, head in enumerate(
            (N_("Metric"), N_("Definition"), N_("Numerator"), N_("Denominator"), N_("Formula"))
        ):
            sheet.write_string(0, column, words(head), self._head)
        for row, metric in enumerate(layout.shown_metrics(report), start=1):
            told = (metric.label, metric.definition, metric.numerator, metric.denominator or "–")
            for column, text in enumerate(told):
                sheet.write_string(row, column, words(text), self._wrap)
            sheet.write_string(row, len(told), metric.formula)
        sheet.freeze_panes(1, 0)
