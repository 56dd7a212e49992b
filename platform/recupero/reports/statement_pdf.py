"""The statement and its invoice as PDFs: `statement.typ` and `invoice.typ` are the layouts, this hands them
texts and figures."""

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from recupero.kernel.marking import N_
from recupero.reports.statement_rows import Cell, Shape, columns, heading, totals
from recupero.reports.statements import METHODS, Document, invoice_lines
from recupero.reports.words import Words

_FOLDER = Path(__file__).parent


def statement(made: Document, words: Words) -> bytes:
    """The statement with its totals and lines."""
    return _typeset("statement.typ", _statement(made, words))


def invoice(made: Document, words: Words) -> bytes:
    """The invoice of the fees that the statement does not keep."""
    return _typeset("invoice.typ", _invoice(made, words))


def _typeset(layout: str, contents: dict[str, Any]) -> bytes:
    import typst

    with TemporaryDirectory(prefix="recupero-statement-") as folder:
        root = Path(folder)
        (root / "main.typ").write_text((_FOLDER / layout).read_text())
        (root / "contents.json").write_text(json.dumps(contents, ensure_ascii=False))
        made: bytes = typst.compile(root / "main.typ", root=root, ignore_system_fonts=True)
    return made


def _shared(made: Document, words: Words) -> dict[str, Any]:
    one = made.remittance
    return {
        "language": words.language, "agency": made.agency, "tenant": made.tenant,
        "contact": " · ".join(filter(None, (made.agency_phone, made.agency_email))),
        "period": f"{words.day(one.period_from)} – {words.day(one.period_to)}", "currency": one.currency,
        "page": words(N_("Page")),
    }  # fmt: skip


def _statement(made: Document, words: Words) -> dict[str, Any]:
    one = made.remittance
    shown = columns(made, words)
    return {
        **_shared(made, words),
        "title": heading(made, words),
        "draft": one.statement_number is None,
        "made": _issued(made, words) or words.moment(made.made_at, made.timezone),
        "method": words(METHODS[one.method]),
        "totals": [[total.label, words.money(total.amount_minor, one.currency), total.strong]
                   for total in totals(made, words)],
        "heads": [column.heading for column in shown],
        "numbers": [column.shape in (Shape.MONEY, Shape.RATE) for column in shown],
        "rows": [[_cell(column.value(line), column.shape, one.currency, words) for column in shown]
                 for line in made.lines] if made.printed else [],
        "note": _note(made, words),
        "lines": words(N_("Lines")),
    }  # fmt: skip


def _note(made: Document, words: Words) -> str:
    if not made.count:
        return words(N_("Nothing happened in this period."))
    if made.printed:
        return words(N_("Dates are those of %(zone)s. A reversal of something on an earlier statement stands "
                        "here, since what was issued is not changed."),
                     zone=words.zone(made.timezone))  # fmt: skip
    return words(N_("This statement has %(number)s lines, too many for paper: all of them are in its CSV "
                    "file and its workbook (XLSX). The totals above count every line."),
                 number=words.count(made.count))  # fmt: skip


def _issued(made: Document, words: Words) -> str | None:
    at = made.remittance.issued_at
    return None if at is None else words.day(at.astimezone(ZoneInfo(made.timezone)).date())


def _cell(value: Cell, shape: Shape, currency: str, words: Words) -> str:
    if isinstance(value, int):
        if not value:
            return "–"
        return words.amount(value, currency) if shape is Shape.MONEY else words.rate(value)
    return words.short_day(value) if isinstance(value, date) else value


def _invoice(made: Document, words: Words) -> dict[str, Any]:
    one, found = made.remittance, invoice_lines(made)
    ways = {
        False: N_("Commission on what was paid to the agency"),
        True: N_("Commission on what was paid to the creditor"),
    }
    return {
        **_shared(made, words),
        "title": words(N_("Invoice %(number)s"), number=one.invoice_number),
        "date": [words(N_("Date")), _issued(made, words) or ""],
        "to": words(N_("Billed to")),
        "concerns": words(N_("For statement %(number)s, %(period)s"), number=one.statement_number,
                          period=f"{words.day(one.period_from)} – {words.day(one.period_to)}"),
        "heads": [words(head) for head in (N_("What for"), N_("On an amount of"), N_("Fee"),
                                           N_("Tax on the fee"), N_("Total"))],
        "rows": [
            [words(ways[line.direct]), *(words.money(amount, one.currency) for amount in (
                line.amount_minor, line.fee_minor, line.tax_minor, line.fee_minor + line.tax_minor))]
            for line in found
        ],
        "sums": [
            [words(N_("Agency's fees")), words.money(sum(line.fee_minor for line in found), one.currency)],
            [words(N_("Tax on the fees")), words.money(sum(line.tax_minor for line in found), one.currency)],
            [words(N_("To be paid")), words.money(one.invoiced_minor, one.currency)],
        ],
    }  # fmt: skip
