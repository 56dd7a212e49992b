"""A bank's statement as CSV, whatever its delimiter, encoding, decimal mark and order of columns, as long as
its headings are among the words of `_NAMES`."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from recupero.kernel.errors import UserError
from recupero.kernel.money import minor_units, to_minor
from recupero.payments.incoming.bank_shapes import FileLine, FileStatement
from recupero.placements.normalise import plain

_NAMES = {
    "day": ("fecha operacion", "fecha contable", "fecha movimiento", "booking date", "data lancamento",
            "fecha", "date", "data", "fecha valor", "value date"),
    "amount": ("monto", "importe", "amount", "valor", "montante"),
    "in": ("abonos", "abono", "creditos", "credito", "credit", "haber", "depositos", "deposito", "entrada",
           "money in"),
    "out": ("cargos", "cargo", "debitos", "debito", "debit", "debe", "giros", "retiros", "saida",
            "money out"),
    "text": ("glosa", "descripcion", "concepto", "detalle", "description", "narrative", "historico",
             "descricao", "mensaje", "movimiento", "details"),
    "reference": ("referencia", "reference", "numero de referencia", "documento", "n documento",
                  "end to end id"),
    "name": ("ordenante", "nombre ordenante", "nombre", "payer", "name", "remitente", "pagador", "nome",
             "counterparty"),
    "account": ("cuenta origen", "cuenta ordenante", "counterparty account", "iban", "conta de origem",
                "cuenta"),
    "balance": ("saldo", "balance", "saldo contable"),
}  # fmt: skip
_DAY = re.compile(r"\A(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})")
_NOTHING = ("0", "00")  # decimals where a currency has none
_LOOKED_AT = 20  # rows above the headings: banks print account and period there


def read_csv(content: bytes, *, account: str, currency: str) -> FileStatement:
    """One statement. The bank's closing balance is that of the row of the newest day, where it states any.

    Raises UserError with the row where a heading is missing or a cell cannot be read.
    """
    rows = _rows(content)
    first, places = _headings(rows)
    body = [
        (number, row) for number, row in enumerate(rows[first + 1 :], first + 2) if any(map(str.strip, row))
    ]
    days = _days(body, places["day"])
    cells = [row[place] for _, row in body for place in (places["amount"], places["in"], places["out"])
             if place is not None and place < len(row)]  # fmt: skip
    decimals = _decimal_mark(cells, minor_units(currency))
    lines: list[FileLine] = []
    balances: list[tuple[date, int]] = []
    for (number, row), day in zip(body, days, strict=True):
        amount = _amount(row, places, decimals, number)
        minor = to_minor(amount, currency)
        if minor:
            lines.append(FileLine(day, minor, _joined(row, places, "text", "reference"),
                                  _joined(row, places, "name"), _joined(row, places, "account")))  # fmt: skip
        if balance := _cell(row, places["balance"]):
            balances.append((day, to_minor(_decimal_of(balance, decimals, number), currency)))
    if not lines:
        raise UserError("the file has no movements")
    opening, closing = _ends(balances, lines)
    return FileStatement("csv", account, currency, None, opening, closing, max(days), tuple(lines))


def _ends(balances: Sequence[tuple[date, int]], lines: Sequence[FileLine]) -> tuple[int | None, int | None]:
    """Opening and closing balance where each row states one; files run forwards or backwards."""
    if len(balances) != len(lines):
        return None, None
    stated = list(zip(balances, lines, strict=True))
    for run in (stated, stated[::-1]):
        steps = pairwise(run)
        if all(before[0][1] + after[1].amount_minor == after[0][1] for before, after in steps):
            return run[0][0][1] - run[0][1].amount_minor, run[-1][0][1]
    raise UserError("the balances of the rows do not follow from their amounts: a row is missing")


def _rows(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    head = "\n".join(text.splitlines()[:_LOOKED_AT])
    mark = max(";\t,|", key=head.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))


def _headings(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int | None]]:
    for number, row in enumerate(rows[:_LOOKED_AT]):
        found = [" ".join(re.sub(r"[^\w]+", " ", plain(cell)).split()) for cell in row]
        places = {which: _place(found, names) for which, names in _NAMES.items()}
        sums = places["amount"] is not None or (places["in"] is not None and places["out"] is not None)
        if places["day"] is not None and sums:
            return number, places
    raise UserError(
        "the file has no headings that are known: it needs a date (Fecha, Date) and an amount (Monto,"
        " Importe, Amount) or one column each for money in and out (Abono, Cargo)",
        row=1,
    )


def _place(headings: Sequence[str], names: Sequence[str]) -> int | None:
    """Where the heading stands; the more telling names come first."""
    return next((headings.index(name) for name in names if name in headings), None)


def _days(body: Sequence[tuple[int, Sequence[str]]], place: int | None) -> list[date]:
    """Dates as they stand; where one has a second number above 12, the month comes first in all of them."""
    found = [(number, _DAY.match(_cell(row, place))) for number, row in body]
    american = any(match and len(match[1]) < 4 and int(match[2]) > 12 for _, match in found)
    return [_day(match, american, number) for number, match in found]


def _day(match: re.Match[str] | None, american: bool, row: int) -> date:
    if match is None:
        raise UserError("this row has no date", row=row)
    first, second, third = (int(group) for group in match.groups())
    try:
        if len(match[1]) == 4:
            return date(first, second, third)
        year = third + 2000 if third < 100 else third
        return date(year, first, second) if american else date(year, second, first)
    except ValueError:
        raise UserError("'%(text)s' is no date", row=row, text=match[0]) from None


def _decimal_mark(cells: Sequence[str], digits: int) -> str:
    """The file's decimal mark: the last of two marks, else one that stands before `digits` digits at most.
    Where the currency has none, banks may print `,00`."""
    ends = [found for cell in cells if (found := re.search(r"([.,])(\d+)\D*\Z", cell))]
    for found in ends:
        if len(set(found.string) & set(".,")) == 2:
            return found[1] if digits or found[2] in _NOTHING else ""
    for found in ends:
        fits = 0 < len(found[2]) <= digits or found[2] in _NOTHING
        if found.string.count(found[1]) == 1 and fits:
            return found[1]
    return ""


def _amount(row: Sequence[str], places: dict[str, int | None], decimals: str, number: int) -> Decimal:
    if text := _cell(row, places["amount"]):
        return _decimal_of(text, decimals, number)
    came, went = _cell(row, places["in"]), _cell(row, places["out"])
    if not came and not went:
        raise UserError("this row has no amount", row=number)
    total = _decimal_of(came, decimals, number) if came else Decimal(0)
    return total - (abs(_decimal_of(went, decimals, number)) if went else 0)


def _decimal_of(text: str, decimals: str, row: int) -> Decimal:
    """A number as banks write it: with blanks, a currency sign, brackets or a minus at the end. `decimals` is
    the file's decimal mark ("" where it uses none)."""
    value = text.strip().replace("\u2212", "-")
    negative = value.startswith("(") and value.endswith(")")
    kept = "".join(sign for sign in value if sign.isdigit() or sign in "-+.,")
    for mark in {".", ","} - {decimals}:
        whole = kept.partition(decimals)[0] if decimals else kept
        if any(len(group.rstrip("-")) != 3 for group in whole.split(mark)[1:]):
            raise UserError("'%(text)s' is not an amount of money", row=row, text=text)
        kept = kept.replace(mark, "")
    if kept.endswith("-"):
        kept = "-" + kept[:-1]
    try:
        number = Decimal(kept.replace(decimals, ".") if decimals else kept)
    except InvalidOperation:
        raise UserError("'%(text)s' is not an amount of money", row=row, text=text) from None
    return -number if negative else number


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _joined(row: Sequence[str], places: dict[str, int | None], *which: str) -> str:
    return " ".join(filter(None, (_cell(row, places[name]) for name in which)))
