"""Files that a bank pays remittances from: CSV in any currency, SEPA credit transfers for euros. Pure.

The SEPA file is an ISO 20022 customer credit transfer initiation, pain.001.001.09, as the implementation
guidelines of the European Payments Council (SEPA credit transfer, customer to bank, 2023) use it: service
level SEPA, charges shared (SLEV), IBAN only where no BIC is known, and the characters that every bank takes.
"""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from xml.etree import ElementTree

from recupero.kernel.errors import UserError
from recupero.kernel.money import Money
from recupero.ledger.bank_accounts import SEPA_CURRENCY, Holder

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
#: The most that one SEPA credit transfer carries, euro cents (European Payments Council, rulebook, AT-04).
SEPA_MOST = 99_999_999_999
CSV_COLUMNS = (
    "statement", "creditor", "holder", "account", "bank", "currency", "amount", "from_account", "reference"
)  # fmt: skip
_WRITTEN_OUT = str.maketrans(
    {"ß": "ss", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l", "Đ": "D",
     "đ": "d", "Þ": "Th", "þ": "th", "ð": "d"}
)  # fmt: skip
_TAKEN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One remittance to pay: `amount` out of the trust account `source` to the creditor's `target`."""

    statement_number: int
    creditor: str
    amount: Money
    source: Holder
    target: Holder

    @property
    def reference(self) -> str:
        """What both see on their bank statement."""
        return f"STATEMENT {self.statement_number}"


def as_csv(transfers: Sequence[Transfer]) -> bytes:
    """A line for each transfer, UTF-8 with a byte order mark; amounts in major units with a point."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for one in transfers:
        cells = (
            one.statement_number, one.creditor, one.target.holder, one.target.number, one.target.bank or "",
            one.amount.currency, one.amount.major(), one.source.number, one.reference,
        )  # fmt: skip
        writer.writerow([_safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _safe(text: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def as_pain001(
    transfers: Sequence[Transfer], *, message_id: str, made_at: datetime, pay_on: date, initiator: str
) -> bytes:
    """The SEPA file; one payment block for each trust account that is paid from.

    `message_id` has at most 27 characters (a block adds its number) and is never used twice. Raises UserError
    on another currency, an amount that SEPA does not carry, or where nothing is to be paid.
    """
    if not transfers:
        raise UserError("nothing is to be paid", field="currency")
    if {one.amount.currency for one in transfers} != {SEPA_CURRENCY}:
        raise UserError("a SEPA file pays euros only: choose CSV for other currencies", field="currency")
    if max(one.amount.minor for one in transfers) > SEPA_MOST:
        raise UserError(
            "one SEPA transfer is at most 999999999.99 EUR: pay this statement by hand", field="currency"
        )
    ElementTree.register_namespace("", NAMESPACE)
    document = ElementTree.Element(f"{{{NAMESPACE}}}Document")
    initiation = _add(document, "CstmrCdtTrfInitn")
    header = _add(initiation, "GrpHdr")
    _add(header, "MsgId", message_id)
    _add(header, "CreDtTm", made_at.isoformat(timespec="seconds"))
    _count(header, transfers)
    _add(_add(header, "InitgPty"), "Nm", plain(initiator, 70))
    by_source: defaultdict[Holder, list[Transfer]] = defaultdict(list)
    for one in transfers:
        by_source[one.source].append(one)
    for number, (source, group) in enumerate(by_source.items(), start=1):
        _block(initiation, f"{message_id}-{number}", source, group, pay_on)
    return bytes(ElementTree.tostring(document, encoding="utf-8", xml_declaration=True))


def _block(
    initiation: ElementTree.Element, identity: str, source: Holder, group: Sequence[Transfer], pay_on: date
) -> None:
    block = _add(initiation, "PmtInf")
    _add(block, "PmtInfId", identity)
    _add(block, "PmtMtd", "TRF")
    _count(block, group)
    _add(_add(_add(block, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(block, "ReqdExctnDt"), "Dt", pay_on.isoformat())
    _add(_add(block, "Dbtr"), "Nm", plain(source.holder, 70))
    _account(block, "DbtrAcct", source)
    _agent(block, "DbtrAgt", source)
    _add(block, "ChrgBr", "SLEV")
    for one in group:
        _transfer(block, one)


def _transfer(block: ElementTree.Element, one: Transfer) -> None:
    transfer = _add(block, "CdtTrfTxInf")
    _add(_add(transfer, "PmtId"), "EndToEndId", f"STATEMENT-{one.statement_number}")
    amount = _add(_add(transfer, "Amt"), "InstdAmt", _major(one.amount.major()))
    amount.set("Ccy", SEPA_CURRENCY)
    if one.target.bank:
        _agent(transfer, "CdtrAgt", one.target)
    _add(_add(transfer, "Cdtr"), "Nm", plain(one.target.holder, 70))
    _account(transfer, "CdtrAcct", one.target)
    _add(_add(transfer, "RmtInf"), "Ustrd", plain(one.reference, 140))


def _count(parent: ElementTree.Element, transfers: Sequence[Transfer]) -> None:
    _add(parent, "NbOfTxs", str(len(transfers)))
    _add(parent, "CtrlSum", _major(sum((one.amount.major() for one in transfers), Decimal(0))))


def _major(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _account(parent: ElementTree.Element, name: str, holder: Holder) -> None:
    _add(_add(_add(parent, name), "Id"), "IBAN", holder.number)


def _agent(parent: ElementTree.Element, name: str, holder: Holder) -> None:
    institution = _add(_add(parent, name), "FinInstnId")
    if holder.bank:
        _add(institution, "BICFI", holder.bank)
    else:
        _add(_add(institution, "Othr"), "Id", "NOTPROVIDED")


def _add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text
    return child


def plain(text: str, longest: int) -> str:
    """The text in the characters that every SEPA bank takes: accents fall, letters of their own are written
    out, others become blanks; it neither begins nor ends with a slash, nor has two (rules of the European
    Payments Council for texts)."""
    spread = unicodedata.normalize("NFKD", text.translate(_WRITTEN_OUT))
    folded = "".join(sign for sign in spread if not unicodedata.combining(sign))
    taken = re.sub(r"/[/ ]*/", "/", " ".join(_TAKEN.sub(" ", folded).split()))
    return taken.strip("/ ")[:longest].strip("/ ") or "-"
