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
from tests.ledger import pain001

TRUST = Holder("Agencia Fideicomiso", "ES9121000418450200051332", "CAIXESBBXXX")
OTHER_TRUST = Holder("Agencia Dos", "DE89370400440532013000", None)
CREDITOR = Holder("Energía & Luz, S.A.", "FR1420041010050500013M02606", None)
MOST = 99_999_999_999  # euro cents of one SEPA transfer
MADE = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)


def transfer(number: int, cents: int, source: Holder = TRUST, target: Holder = CREDITOR) -> Transfer:
    return Transfer(number, "Energía & Luz", Money(cents, "EUR"), source, target)


def sepa(*transfers: Transfer) -> ElementTree.Element:
    content = as_pain001(
        transfers, message_id="RCP-1", made_at=MADE, pay_on=date(2026, 4, 2), initiator="Agencia Ñuñoa"
    )
    return pain001.read(content)


def name(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def found(element: ElementTree.Element, path: str) -> str:
    text = element.findtext("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))
    assert text is not None, path
    return text


@given(st.lists(st.tuples(st.integers(1, MOST), st.sampled_from([TRUST, OTHER_TRUST])), min_size=1))
def test_a_sepa_file_keeps_the_order_counts_and_sums_of_its_schema(wanted: list[tuple[int, Holder]]) -> None:
    document = sepa(*(transfer(number, cents, source) for number, (cents, source) in enumerate(wanted)))
    assert name(document) == "Document"
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
    for wanted, message in (
        ([pesos], "euros only"), ([transfer(1, 5), pesos], "euros only"), ([], "nothing is to be paid"),
        ([transfer(1, MOST + 1)], "at most 999999999.99"),
    ):  # fmt: skip
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


@given(
    st.text(max_size=200),
    st.text(max_size=200),
    st.text(max_size=200),
    st.sampled_from([None, "DEUTDEFF500"]),
    st.integers(0, 10**12),
)
def test_whatever_names_are_a_bank_takes_the_file(
    initiator: str, holder: str, creditor: str, bank: str | None, number: int
) -> None:
    source, target = Holder(holder, TRUST.number, bank), Holder(creditor, CREDITOR.number, bank)
    wanted = [
        Transfer(number, creditor, Money(cents, "EUR"), source, target) for cents in (1, MOST)
    ]  # fmt: skip
    message = f"RCP-20261231235959-{'f' * 8}"  # the longest that is ever given
    pain001.read(
        as_pain001(wanted, message_id=message, made_at=MADE, pay_on=date(2026, 4, 2), initiator=initiator)
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ñandú & Hijos <S.A.>", "Nandu Hijos S.A."),
        ("Crédit Agricole d'Île-de-France", "Credit Agricole d'Ile-de-France"),
        ('Łódź "Straße" №5', "Lodz Strasse No5"),
        ("北京", "-"),
        ("A" * 69 + "/B", "A" * 69),
    ],
)
def test_awkward_names_arrive_readable(name: str, expected: str) -> None:
    block = sepa(transfer(7, 1, target=Holder(name, CREDITOR.number, None)))[0][1]
    assert found(block, "CdtTrfTxInf/Cdtr/Nm") == expected


GOOD = as_pain001(
    [transfer(1, 100), transfer(2, 250)], message_id="RCP-1", made_at=MADE, pay_on=date(2026, 4, 2),
    initiator="Agencia",
)  # fmt: skip


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        (b"<NbOfTxs>2</NbOfTxs>", b"<NbOfTxs>3</NbOfTxs>", "NbOfTxs"),
        (b"<CtrlSum>3.50</CtrlSum>", b"<CtrlSum>3.51</CtrlSum>", "CtrlSum"),
        (b"<PmtMtd>TRF</PmtMtd>", b"", "PmtMtd"),
        (b"<MsgId>RCP-1</MsgId>", b"<MsgId>" + b"R" * 36 + b"</MsgId>", "35 characters"),
        (b"ES9121000418450200051332", b"ES9121000418450200051333", "check digits"),
        (b"CAIXESBBXXX", b"CAIXESB", "BICFI"),
        (b'Ccy="EUR"', b'Ccy="USD"', "EUR"),
        (b"<ChrgBr>SLEV</ChrgBr>", b"<ChrgBr>SLEV</ChrgBr><ChrgBr>SLEV</ChrgBr>", "2 ChrgBr"),
        (b"<PmtMtd>TRF</PmtMtd><NbOfTxs>2</NbOfTxs>", b"<NbOfTxs>2</NbOfTxs><PmtMtd>TRF</PmtMtd>", "order"),
        (b"<Nm>Agencia</Nm>", "<Nm>Agencía</Nm>".encode(), "characters"),
        (b"<InstdAmt", b"<Cut/><InstdAmt", "holds"),
        (b">1.00<", b">1.0<", "two decimals"),
    ],
)  # fmt: skip
def test_the_reader_refuses_what_a_bank_does(was: bytes, becomes: bytes, why: str) -> None:
    pain001.read(GOOD)
    assert was in GOOD
    with pytest.raises(pain001.Broken, match=why):
        pain001.read(GOOD.replace(was, becomes, 1))
