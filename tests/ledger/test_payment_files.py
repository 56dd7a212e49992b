"""Bank files say what is to be paid, in the order and with the counts and sums that ISO 20022 asks for."""

import csv
import io
import string
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.kernel.errors import UserError
from recupero.kernel.money import Money
from recupero.ledger.bank_accounts import Holder
from recupero.ledger.payment_files import NAMESPACE, Transfer, as_csv, as_pain001, plain

TRUST = Holder("Agencia Fideicomiso", "ES9121000418450200051332", "CAIXESBBXXX")
OTHER_TRUST = Holder("Agencia Dos", "DE89370400440532013000", None)
CREDITOR = Holder("Energía & Luz, S.A.", "FR1420041010050500013M02606", None)
MADE = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)

# Children of each element in the order of the schema pain.001.001.09, as far as the file uses them.
ORDER = {
    "CstmrCdtTrfInitn": ["GrpHdr", "PmtInf"],
    "GrpHdr": ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"],
    "PmtInf": ["PmtInfId", "PmtMtd", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct",
               "DbtrAgt", "ChrgBr", "CdtTrfTxInf"],
    "PmtTpInf": ["SvcLvl"], "SvcLvl": ["Cd"], "ReqdExctnDt": ["Dt"],
    "CdtTrfTxInf": ["PmtId", "Amt", "CdtrAgt", "Cdtr", "CdtrAcct", "RmtInf"],
    "FinInstnId": ["BICFI", "Othr"], "DbtrAcct": ["Id"], "CdtrAcct": ["Id"],
}  # fmt: skip
MANDATORY = {
    "GrpHdr": {"MsgId", "CreDtTm", "NbOfTxs", "InitgPty"},
    "PmtInf": {"PmtInfId", "PmtMtd", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "CdtTrfTxInf"},
    "CdtTrfTxInf": {"PmtId", "Amt", "Cdtr", "CdtrAcct"},
}


def transfer(number: int, cents: int, source: Holder = TRUST, target: Holder = CREDITOR) -> Transfer:
    return Transfer(number, "Energía & Luz", Money(cents, "EUR"), source, target)


def sepa(*transfers: Transfer) -> ElementTree.Element:
    content = as_pain001(
        transfers, message_id="RCP-1", made_at=MADE, pay_on=date(2026, 4, 2), initiator="Agencia Ñuñoa"
    )
    assert content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    return ElementTree.fromstring(content)


def name(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def check_order(element: ElementTree.Element) -> None:
    children, known = [name(child) for child in element], ORDER.get(name(element))
    if known is not None:
        assert set(children) <= set(known)
        assert children == sorted(children, key=known.index)
        assert set(children) >= MANDATORY.get(name(element), set())
    for child in element:
        check_order(child)


def found(element: ElementTree.Element, path: str) -> str:
    text = element.findtext("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))
    assert text is not None, path
    return text


@given(st.lists(st.tuples(st.integers(1, 10**11), st.sampled_from([TRUST, OTHER_TRUST])), min_size=1))
def test_a_sepa_file_keeps_the_order_counts_and_sums_of_its_schema(wanted: list[tuple[int, Holder]]) -> None:
    document = sepa(*(transfer(number, cents, source) for number, (cents, source) in enumerate(wanted)))
    assert name(document) == "Document"
    check_order(document)
    initiation = document[0]
    assert found(initiation, "GrpHdr/NbOfTxs") == str(len(wanted))
    total = Decimal(sum(cents for cents, _source in wanted)).scaleb(-2)
    assert Decimal(found(initiation, "GrpHdr/CtrlSum")) == total
    blocks = [child for child in initiation if name(child) == "PmtInf"]
    assert len({found(block, "PmtInfId") for block in blocks}) == len(blocks)
    assert sum(int(found(block, "NbOfTxs")) for block in blocks) == len(wanted)
    assert sum(Decimal(found(block, "CtrlSum")) for block in blocks) == total
    for block in blocks:
        amounts = [Decimal(found(one, "Amt/InstdAmt")) for one in block if name(one) == "CdtTrfTxInf"]
        assert sum(amounts) == Decimal(found(block, "CtrlSum"))


def test_a_sepa_file_says_from_where_to_whom_and_why() -> None:
    block = sepa(transfer(7, 76_250))[0][1]
    assert found(block, "PmtTpInf/SvcLvl/Cd") == "SEPA"
    assert found(block, "ReqdExctnDt/Dt") == "2026-04-02"
    assert found(block, "DbtrAcct/Id/IBAN") == TRUST.number
    assert found(block, "DbtrAgt/FinInstnId/BICFI") == TRUST.bank
    assert found(block, "ChrgBr") == "SLEV"
    assert found(block, "CdtTrfTxInf/PmtId/EndToEndId") == "STATEMENT-7"
    assert found(block, "CdtTrfTxInf/Amt/InstdAmt") == "762.50"
    assert found(block, "CdtTrfTxInf/Cdtr/Nm") == "Energia Luz, S.A."
    assert found(block, "CdtTrfTxInf/CdtrAcct/Id/IBAN") == CREDITOR.number
    unknown_bank = sepa(transfer(7, 1, OTHER_TRUST))[0][1]
    assert found(unknown_bank, "DbtrAgt/FinInstnId/Othr/Id") == "NOTPROVIDED"


def test_sepa_pays_euros_only_and_something() -> None:
    pesos = Transfer(1, "X", Money(5, "CLP"), TRUST, CREDITOR)
    for wanted, message in (([pesos], "euros only"), ([], "nothing is to be paid")):
        with pytest.raises(UserError, match=message):
            sepa(*wanted)


@given(st.text())
def test_names_come_in_the_characters_that_every_bank_takes(text: str) -> None:
    made = plain(text, 70)
    assert 0 < len(made) <= 70
    assert set(made) <= set(string.ascii_letters + string.digits + "/-?:().,'+ ")
    assert made.strip("/ ") == made
    assert "//" not in made


def test_letters_that_no_bank_takes_are_written_out() -> None:
    made = plain("/Groß & Ærø Łódź S.A. // Ñandú/", 70)
    assert made == "Gross AEro Lodz S.A. / Nandu"


def test_a_csv_file_has_a_line_for_each_transfer() -> None:
    pesos = Transfer(3, "=CMD()", Money(762, "CLP"), Holder("A", "00-1", None), Holder("B", "12-9", "Banco"))
    content = as_csv([transfer(7, 76_250), pesos]).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [(row["statement"], row["amount"], row["currency"]) for row in rows] == [
        ("7", "762.50", "EUR"), ("3", "762", "CLP"),
    ]  # fmt: skip
    assert rows[1]["creditor"] == "'=CMD()"
    assert rows[0]["account"] == CREDITOR.number
