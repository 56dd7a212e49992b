"""Statements in camt.053 (ISO 20022), whatever its version.

A file with a document type is refused before it is parsed: entities are how such files do harm.
"""

from collections.abc import Iterator
from datetime import date
from xml.etree import ElementTree as ET
from xml.parsers import expat

from recupero.kernel.errors import UserError
from recupero.kernel.money import is_currency, to_minor
from recupero.payments.incoming.bank_shapes import FileLine, FileStatement


def read_camt(content: bytes) -> list[FileStatement]:
    """The statements of a file. Raises UserError where it is no camt.053 or cannot be read."""
    root = _parsed(content)
    if root.find("BkToCstmrStmt") is None:
        raise UserError("the XML file is no camt.053 statement: ask the bank for camt.053 or send CSV")
    return [_statement(found) for found in root.iterfind("BkToCstmrStmt/Stmt")]


def _parsed(content: bytes) -> ET.Element:
    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = _refuse_doctype
    try:
        guard.Parse(content, True)
        root = ET.fromstring(content)  # noqa: S314 - it has no document type, hence no entities
    except (expat.ExpatError, ET.ParseError) as error:
        raise UserError("the XML file cannot be read: %(why)s", why=error) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _refuse_doctype(*_: object) -> None:
    raise UserError("an XML file with a document type is not taken: no bank sends one")


def _statement(found: ET.Element) -> FileStatement:
    account = _text(found, "Acct/Id/IBAN") or _text(found, "Acct/Id/Othr/Id")
    balances = {_text(one, "Tp/CdOrPrtry/Cd"): one for one in found.iterfind("Bal")}
    opening = balances.get("OPBD", balances.get("PRCD"))
    closing = balances.get("CLBD")
    amounts = [amount for one in found.iterfind("Bal") if (amount := one.find("Amt")) is not None]
    amounts += [amount for one in found.iterfind("Ntry") if (amount := one.find("Amt")) is not None]
    currency = _text(found, "Acct/Ccy") or (amounts[0].get("Ccy", "") if amounts else "")
    if not account or not is_currency(currency):
        raise UserError("the statement names no account or currency")
    if any(amount.get("Ccy") != currency for amount in amounts):
        raise UserError("the statement mixes currencies: ask the bank for one statement for each")
    lines = [line for entry in found.iterfind("Ntry") for line in _entry(entry, currency)]
    day = _day(closing) if closing is not None else None
    if day is None and not lines:
        raise UserError("the statement has neither a closing balance nor lines")
    return FileStatement(
        "camt.053", account, currency, _text(found, "Id") or None,
        None if opening is None else _signed(opening, currency),
        None if closing is None else _signed(closing, currency),
        day or max(line.booked_on for line in lines), tuple(lines),
    )  # fmt: skip


def _entry(entry: ET.Element, currency: str) -> Iterator[FileLine]:
    """One line, or one for each payment of a batch whose parts come to its sum. Pending is no money yet, and
    an entry of nothing is none."""
    if (_text(entry, "Sts/Cd") or _text(entry, "Sts")) not in {"BOOK", ""}:
        return
    total, day = _signed(entry, currency), _day(entry)
    if day is None:
        raise UserError("an entry of the statement has no booking date")
    parts = entry.findall("NtryDtls/TxDtls")
    amounts = [_signed(part, currency, entry) if _is_own(part, currency) else 0 for part in parts]
    if len(parts) > 1 and 0 not in amounts and sum(amounts) == total:
        for part, amount in zip(parts, amounts, strict=True):
            yield _line(entry, part, amount, day)
    elif total:
        yield _line(entry, parts[0] if len(parts) == 1 else entry, total, day)


def _line(entry: ET.Element, part: ET.Element, amount: int, day: date) -> FileLine:
    """The other party is the debtor where money came in, the creditor where it went out; the reversal of
    either names the parties as they were."""
    goes_back = "true" in (_text(entry, "RvslInd"), _text(part, "RvslInd"))
    other = "Dbtr" if (amount > 0) != goes_back else "Cdtr"
    said = [*(one.text or "" for one in part.iterfind(".//RmtInf/Ustrd")),
            *(one.text or "" for one in part.iterfind(".//RmtInf/Strd/CdtrRefInf/Ref"))]  # fmt: skip
    end_to_end = _text(part, "Refs/EndToEndId").replace("NOTPROVIDED", "")
    bank = _text(part, "Refs/AcctSvcrRef") or _text(entry, "AcctSvcrRef")
    said += [one for one in (end_to_end, bank) if one]
    return FileLine(
        day, amount, " ".join(" ".join(said).split()) or _text(entry, "AddtlNtryInf"),
        _text(part, f"RltdPties/{other}/Nm") or _text(part, f"RltdPties/{other}/Pty/Nm"),
        _text(part, f"RltdPties/{other}Acct/Id/IBAN") or _text(part, f"RltdPties/{other}Acct/Id/Othr/Id"),
    )  # fmt: skip


def _amount(found: ET.Element) -> ET.Element | None:
    amount = found.find("Amt")
    return amount if amount is not None else found.find("AmtDtls/TxAmt/Amt")


def _is_own(part: ET.Element, currency: str) -> bool:
    """Whether the part tells its amount in the account's currency: one that was changed tells the payer's."""
    amount = _amount(part)
    return amount is not None and amount.get("Ccy", currency) == currency


def _signed(found: ET.Element, currency: str, entry: ET.Element | None = None) -> int:
    """The amount in minor units, negative for a debit. `entry` says the side where the part does not."""
    amount = _amount(found)
    side = _text(found, "CdtDbtInd") or (_text(entry, "CdtDbtInd") if entry is not None else "")
    if amount is None or side not in {"CRDT", "DBIT"} or amount.get("Ccy", currency) != currency:
        raise UserError("an amount of the statement has no side or another currency")
    minor = to_minor((amount.text or "").strip(), currency)
    return minor if side == "CRDT" else -minor


def _day(found: ET.Element) -> date | None:
    for path in ("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm", "Dt/Dt", "Dt/DtTm"):
        if text := _text(found, path):
            try:
                return date.fromisoformat(text[:10])
            except ValueError:
                raise UserError("'%(text)s' is no date of a statement", text=text) from None
    return None


def _text(found: ET.Element, path: str) -> str:
    return (found.findtext(path) or "").strip()
