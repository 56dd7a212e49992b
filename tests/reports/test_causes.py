"""Why accounts are not paid: each counts once in a period, with the last reason, whoever told it."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from recupero.kernel.listing import Part
from recupero.outreach.page_tables import Telling
from recupero.outreach.script_tables import CallRun
from recupero.outreach.scripts.shape import REASONS
from recupero.outreach.understanding.tables import HandOver, MessageReading
from recupero.payments.papers.document_tables import InvoiceRequest
from recupero.placements.tables import Account
from recupero.reports import causes
from recupero.reports.periods import parse_period
from tests.factories import World
from tests.reports.rows import Rows, moment

MARCH = parse_period("2026-03")


@pytest.fixture
def rows(world: World, noon: datetime) -> Rows:
    return Rows(world.platform, world.tenant())


def _accounts(rows: Rows, number: int) -> tuple[int, list[Account]]:
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    return portfolio, [rows.account(portfolio, batch, "2026-01-10", 1000) for _ in range(number)]


def _call(rows: Rows, account: Account, at: str, reason: str | None) -> None:
    contact = rows.contact(account, at, channel="call", state="answered")
    rows.add(CallRun(
        contact_id=contact, account_id=account.id, debtor_id=account.debtor_id, script="standard", version=1,
        language="es", led_by="agent", step="close", reason=reason, started_at=moment(at),
    ))  # fmt: skip


def _shares(rows: Rows, **narrowed: int) -> dict[str, tuple[int, int]]:
    with rows.platform.database.transaction(rows.scope) as session:
        found = causes.shares(session, MARCH, **narrowed)
    return {one.reason: (one.share.numerator, one.share.denominator or 0) for one in found}


def _read(rows: Rows, account: Account, at: str, guess: str, chance: float, corrected: str | None) -> None:
    contact = rows.contact(account, at, state="received", direction="inbound")
    rows.add(MessageReading(
        contact_id=contact, debtor_id=account.debtor_id, language="es", model="m", read_at=moment(at),
        guesses=[[guess, chance]], amounts=[], days=[], course="person",
        corrected=[corrected] if corrected else None,
    ))  # fmt: skip


def test_each_way_of_telling_counts_and_an_account_once(rows: Rows) -> None:
    _portfolio, them = _accounts(rows, 8)
    _call(rows, them[0], "2026-03-02", "NO_INVOICE")
    _call(rows, them[0], "2026-03-05", "FORGOT")  # the later one is this account's
    rows.add(InvoiceRequest(account_id=them[1].id, debtor_id=them[1].debtor_id, state="open",
                            asked_with="page", asked_at=moment("2026-03-03")))  # fmt: skip
    rows.add(HandOver(debtor_id=them[2].debtor_id, account_id=them[2].id, why="disputes",
                      opened_at=moment("2026-02-20"), due_at=moment("2026-02-21"),
                      closed_at=moment("2026-03-04"), cause="PRICE_OR_BILLING_ERROR"))  # fmt: skip
    rows.contact(them[3], "2026-03-04", channel="call", state="answered", disposition="NOIN")
    _read(rows, them[4], "2026-03-05", "no_invoice", 0.8, None)
    _read(rows, them[5], "2026-03-05", "no_invoice", 0.8, "disputes")  # a person knew better
    _read(rows, them[6], "2026-03-05", "no_invoice", 0.3, None)  # a guess is no reason
    _call(rows, them[7], "2026-02-27", "NO_INVOICE")  # not of this period
    rows.add(Telling(debtor_id=them[7].debtor_id, account_id=them[7].id, reason="SERVICE_COMPLAINT",
                     step="complaint", told_at=moment("2026-03-06")))  # fmt: skip
    assert _shares(rows) == {
        "NO_INVOICE": (3, 7), "DISPUTE": (1, 7), "FORGOT": (1, 7), "PRICE_OR_BILLING_ERROR": (1, 7),
        "SERVICE_COMPLAINT": (1, 7),
    }  # fmt: skip


def test_who_says_that_it_is_paid_gives_no_reason(rows: Rows) -> None:
    _portfolio, them = _accounts(rows, 2)
    for account, detail in zip(them, ("already_paid", "not_mine"), strict=True):
        rows.add(Telling(debtor_id=account.debtor_id, account_id=account.id, reason="DISPUTE", detail=detail,
                         step="dispute", told_at=moment("2026-03-06")))  # fmt: skip
    assert _shares(rows) == {"DISPUTE": (1, 1)}


def test_shares_are_narrowed_to_a_portfolio_and_have_their_accounts(rows: Rows) -> None:
    first, [one] = _accounts(rows, 1)
    second = rows.portfolio("Otra")
    other = rows.account(second, rows.batch(second), "2026-01-10", 700)
    _call(rows, one, "2026-03-02", "NO_INVOICE")
    _call(rows, other, "2026-03-03", "CASH_SHORT")
    assert _shares(rows, portfolio_id=first) == {"NO_INVOICE": (1, 1)}
    with rows.platform.database.transaction(rows.scope) as session:
        assert _numbers(session) == [other.client_account, one.client_account]
        assert _numbers(session, reason="NO_INVOICE") == [one.client_account]
        assert _numbers(session, portfolio_id=second) == [other.client_account]
        counted = causes.by_month(session, parse_period("2026-01..2026-03"))
    assert {(month.month, reason): many for (month, reason), many in counted.items()} == {
        (3, "NO_INVOICE"): 1, (3, "CASH_SHORT"): 1,
    }  # fmt: skip


def _numbers(session: Session, *, reason: str | None = None, portfolio_id: int | None = None) -> list[str]:
    found = causes.examples(session, MARCH, Part(), reason=reason, portfolio_id=portfolio_id)
    return [row.client_account for row in found]


def test_another_creditors_reasons_are_not_counted(rows: Rows, world: World) -> None:
    theirs = Rows(world.platform, world.tenant())
    _portfolio, [account] = _accounts(theirs, 1)
    _call(theirs, account, "2026-03-02", "NO_INVOICE")
    assert _shares(rows) == {}


def test_somebody_can_act_on_each_reason() -> None:
    assert set(causes.ACTS) == set(REASONS)
