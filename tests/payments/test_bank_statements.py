"""Bank statements: read as banks send them, stored once, matched where sure, left to people where not."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.kernel import runtime
from recupero.kernel.errors import Conflict, UserError
from recupero.ledger.books import Book
from recupero.payments.incoming import bank_control, bank_items, statements, suspense
from recupero.payments.incoming.bank_files import read_statements
from recupero.payments.incoming_tables import BankLine
from recupero.placements.tables import Account
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_events import check
from tests.payments.test_incoming import approve, enter, name_it

CSV = """Banco de Prueba;;;;
Cuenta;12345;;;
Fecha;Descripción;Cargo;Abono;Saldo
09/03/2026;Transferencia de María Pérez;;1.000;51.000
10/03/2026;Comisión mantención;200;;50.800
"""


def camt(entries: str, *, opening: str = "100.00", closing: str = "150.00", head: str = "") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>S-1</Id>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{opening}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-03-09</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-03-10</Dt></Dt></Bal>{entries}</Stmt></BkToCstmrStmt></Document>""".encode()


def entry(amount: str, side: str = "CRDT", details: str = "", status: str = "<Sts>BOOK</Sts>") -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>2026-03-10</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )


ONE = (
    "<TxDtls><Refs><EndToEndId>E2E-7</EndToEndId></Refs><RltdPties><Dbtr><Nm>Ana Soto</Nm></Dbtr>"
    "<DbtrAcct><Id><IBAN>ES9121000418450200051332</IBAN></Id></DbtrAcct></RltdPties>"
    "<RmtInf><Ustrd>FAC-1 cuota</Ustrd></RmtInf></TxDtls>"
)


def batch(*amounts: str) -> str:
    return "".join(
        f'<TxDtls><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<RmtInf><Ustrd>{number}</Ustrd></RmtInf></TxDtls>"
        for number, amount in enumerate(amounts)
    )


def test_a_csv_as_banks_in_chile_write_it() -> None:
    (found,) = read_statements(CSV.encode("cp1252"), account="12345", currency="CLP")
    assert [(line.booked_on, line.amount_minor, line.reference) for line in found.lines] == [
        (date(2026, 3, 9), 1_000, "Transferencia de María Pérez"),
        (date(2026, 3, 10), -200, "Comisión mantención"),
    ]
    assert (found.opening_minor, found.closing_minor, found.closing_on) == (50_000, 50_800, date(2026, 3, 10))


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("Date,Amount,Details\n2026-03-10,1234.50,x\n2026-03-10,\"1,000.00\",y\n", [123_450, 100_000]),
        ("Fecha;Importe;Concepto\n10.03.26;-1.234,5;x\n10.03.26;7;y\n", [-123_450, 700]),
        ("Date\tAmount\n03/28/2026\t(12.00)\n03/02/2026\t3.00-\n", [-1_200, -300]),
    ],
)  # fmt: skip
def test_amounts_and_dates_of_other_houses(text: str, minor: list[int]) -> None:
    (found,) = read_statements(text.encode(), account="1", currency="EUR")
    assert [line.amount_minor for line in found.lines] == minor


@pytest.mark.parametrize(
    ("amounts", "currency", "minor"),
    [
        ("1.234,00;500,00;-1.000.000,00", "CLP", [1_234, 500, -1_000_000]),
        ("1.234;12.500;-700", "CLP", [1_234, 12_500, -700]),
        ("1,234.00;500", "CLP", [1_234, 500]),
        ("1.234,567;12,5;0,001", "KWD", [1_234_567, 12_500, 1]),
        ("1 234,567;12,050", "TND", [1_234_567, 12_050]),
        ("1.234,56;0,5", "BRL", [123_456, 50]),
    ],
)
def test_amounts_of_currencies_without_decimals_and_with_three(
    amounts: str, currency: str, minor: list[int]
) -> None:
    rows = "".join(f"2026-03-{day:02};{one}\n" for day, one in enumerate(amounts.split(";"), start=1))
    (found,) = read_statements(f"Date;Amount\n{rows}".encode(), account="1", currency=currency)
    assert [line.amount_minor for line in found.lines] == minor


NEWER = (
    '<TxDtls><Amt Ccy="USD">33.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>Ana Soto</Nm>'
    "</Pty></Dbtr><Cdtr><Pty><Nm>Agencia</Nm></Pty></Cdtr></RltdPties></TxDtls>"
)


def test_camt_of_its_eighth_version_with_several_statements_and_foreign_money() -> None:
    """What was paid in dollars came in euros; a reversal names the parties as they were; an entry of nothing
    is none; one without a day of booking has its value date."""
    back = NEWER.replace("USD", "EUR").replace("CRDT", "DBIT")
    reversal = entry("33.00", "DBIT", back).replace("</Sts>", "</Sts><RvslInd>true</RvslInd>")
    unbooked = entry("20.00", details=ONE).replace("BookgDt", "ValDt")
    first = camt(
        entry("30.00", details=NEWER) + entry("0.00") + reversal + unbooked, closing="117.00"
    ).decode()
    other = camt(entry("50.00")).decode().replace("3013000", "3013001").replace("S-1", "S-2")
    stmt = other[other.index("<Stmt>") : other.index("</Stmt>") + len("</Stmt>")]
    both = first.replace("</Stmt>", f"</Stmt>{stmt}").replace("053.001.02", "053.001.08")
    found = read_statements(both.encode(), account="", currency="EUR")
    assert [[line.amount_minor for line in one.lines] for one in found] == [[3_000, -3_300, 2_000], [5_000]]
    assert [line.name for line in found[0].lines] == ["Ana Soto", "Ana Soto", "Ana Soto"]
    assert {line.booked_on for line in found[0].lines} == {date(2026, 3, 10)}
    assert [one.reference for one in found] == ["S-1", "S-2"]


def test_camt_with_a_batch_a_debit_and_something_pending() -> None:
    content = camt(
        entry("30.00", details=ONE) + entry("40.00", details=batch("15.00", "25.00"))
        + entry("20.00", "DBIT") + entry("99.00", status="<Sts><Cd>PDNG</Cd></Sts>")
    )  # fmt: skip
    (found,) = read_statements(content, account="", currency="CLP")
    assert (found.account, found.currency, found.reference) == ("DE89370400440532013000", "EUR", "S-1")
    assert [line.amount_minor for line in found.lines] == [3_000, 1_500, 2_500, -2_000]
    first = found.lines[0]
    assert (first.reference, first.name, first.counter_account) == (
        "FAC-1 cuota E2E-7", "Ana Soto", "ES9121000418450200051332",
    )  # fmt: skip
    assert len({line.key for line in found.lines}) == 4


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"), (b"a;b\n1;2\n", "headings"), (b"Fecha;Monto\nayer;5\n", "no date"),
        (b"Fecha;Monto\n01/02/2026;cinco\n", "not an amount"), (b"Fecha;Monto\n31/02/2026;5\n", "is no date"),
        (b"<html/>", "no camt.053"), (b"<a", "cannot be read"),
        (camt("", head='<!DOCTYPE x [<!ENTITY a "b">]>'), "document type"), (camt(entry("30.00")), "add up"),
        (b"Fecha;Monto;Saldo\n01/02/2026;5;10\n02/02/2026;5;99\n", "a row is missing"),
        (b"Fecha;Monto\n01/02/2026;5,5\n", "not an amount"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_statement_says_why(content: bytes, why: str) -> None:
    with pytest.raises(UserError, match=why):
        read_statements(content, account="1", currency="CLP")


@given(st.binary(max_size=400))
def test_whatever_is_sent_is_read_or_refused_in_words(content: bytes) -> None:
    with suppress(UserError):
        assert read_statements(content, account="1", currency="CLP")


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}, {"principal": 2500}])


def take(placed: Placed, text: str, **more: object) -> statements.Taken:
    with runtime.current().database.transaction(placed.scope) as session:
        return statements.take_file(
            session, text.encode(), file_name="marzo.csv", actor="user:1", account="12345", **more  # type: ignore[arg-type]  # keywords of the test
        )  # fmt: skip


def lines(placed: Placed) -> list[BankLine]:
    with runtime.current().database.transaction(placed.scope) as session:
        from sqlalchemy import select

        return list(session.execute(select(BankLine).order_by(BankLine.id)).scalars())


def number_of(placed: Placed, which: int = 0) -> str:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.get_one(Account, (placed.scope.tenant(), placed.account_ids[which])).client_account


def test_a_line_that_names_an_account_is_booked_and_the_same_file_adds_nothing(placed: Placed) -> None:
    text = f"Fecha;Monto;Glosa\n09/03/2026;400;PAGO {number_of(placed)}\n10/03/2026;77;quien sabe\n"
    first = take(placed, text)
    assert (first.lines, first.added, first.matched) == (2, 2, 1)
    books = check(placed)
    assert (books[Book.TRUST_CASH], books[Book.RECEIVABLE]) == (400, 3_100)
    again = take(placed, text)
    assert (again.added, again.matched) == (0, 0)
    longer = take(placed, text + "10/03/2026;77;quien sabe\n")
    assert (longer.added, longer.matched) == (1, 0)
    assert check(placed) == books
    assert [line.state for line in lines(placed)] == ["matched", "open", "open"]


def test_a_full_name_with_the_exact_balance_is_sure_and_either_alone_is_not(placed: Placed) -> None:
    name_it(placed)
    text = (
        "Fecha;Monto;Nombre\n09/03/2026;2.500;PEREZ MARIA\n09/03/2026;2.400;María Pérez\n09/03/2026;1.000;X\n"
    )
    assert take(placed, text).matched == 1
    assert check(placed)[Book.RECEIVABLE] == 1_000
    with runtime.current().database.transaction(placed.scope) as session:
        left = statements.open_lines(session)
        proposed = statements.suggestions_for(session, left)
    assert [[one.why for one in proposed[line.id]][:1] for line in left] == [[{"name"}], [{"amount"}]]


def test_a_number_that_leads_to_two_debtors_is_left_to_a_person(
    platform: runtime.Runtime, placed: Placed
) -> None:
    other = place(platform, placed.scope, [{"principal": 300}])
    text = f"Fecha;Monto;Glosa\n09/03/2026;400;{number_of(placed)} {number_of(other)}\n"
    assert take(placed, text).matched == 0


def test_a_receipt_is_cleared_by_its_line_and_not_booked_again(placed: Placed) -> None:
    approve(placed, enter(placed, 400))
    books = check(placed)
    assert take(placed, "Fecha;Monto;Glosa\n10/03/2026;400;deposito\n").matched == 1
    assert check(placed) == books
    (line,) = lines(placed)
    assert (line.state, line.subject, line.matched_by) == ("matched", "payment", "rule:payment")


def test_two_receipts_alike_are_left_to_a_person_and_matched_by_hand(placed: Placed) -> None:
    first, _ = approve(placed, enter(placed, 400)), approve(placed, enter(placed, 400))
    assert take(placed, "Fecha;Monto;Glosa\n10/03/2026;400;deposito\n").matched == 0
    (line,) = lines(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        statements.match_line(session, line.id, subject="payment", subject_id=first, actor="user:1")
    with runtime.current().database.transaction(placed.scope) as session:
        assert [item.subject_id for item in bank_items.uncleared(session)] != [first]
        with pytest.raises(Conflict):
            statements.match_line(session, line.id, subject="payment", subject_id=first, actor="user:1")
        statements.reopen(session, line.id, actor="user:1")


def test_a_line_nobody_knows_waits_in_suspense_by_hand(placed: Placed) -> None:
    take(placed, "Fecha;Monto;Nombre;Cuenta origen\n10/03/2026;90;Juan;CL-77\n")
    (line,) = lines(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        statements.book_line(session, line.id, [], actor="user:1")
        (waits,) = suspense.waiting(session)
        assert (waits.payer, waits.payer_account, waits.amount_minor) == ("Juan", "CL-77", 90)
        suspense.assign(session, waits.payment_id, placed.account_ids[:1], actor="user:1")
    text = "Fecha;Monto;Nombre;Cuenta origen\n10/03/2026;55;J. Soto;CL 77\n"
    assert take(placed, text).matched == 1  # the same bank account has paid for this debtor before
    assert check(placed)[Book.RECEIVABLE] == 3_500 - 90 - 55


def test_bank_and_books_agree_after_what_is_not_cleared(placed: Placed) -> None:
    approve(placed, enter(placed, 400))
    take(
        placed,
        f"Fecha;Monto;Glosa;Saldo\n09/03/2026;700;{number_of(placed)};5.700\n10/03/2026;-50;fee;5.650\n",
    )
    with runtime.current().database.transaction(placed.scope) as session:
        (found,) = bank_control.bank_positions(session)
        fee = statements.open_lines(session)[0]
        statements.set_aside(session, fee.id, reason="the bank's fee", actor="user:1")
        (after,) = bank_control.bank_positions(session)
    assert (found.closing_minor, found.open_minor, found.uncleared_minor) == (5_650, -50, 400)
    assert (found.books_minor, found.difference_minor) == (1_100, 0)
    assert (after.aside_minor, after.difference_minor) == (-50, 0)
