"""Portfolios, holds and the life cycle of placed accounts."""

from datetime import timedelta
from typing import Any

import pytest

from recupero.kernel import clock, events
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.placements import service
from recupero.placements.events import AccountsClosed, AccountsRecalled, HoldsOpened
from recupero.placements.lifecycle import CLOSE_CODES, status_of
from tests.placements.conftest import Creditor, csv_text, row

PORTFOLIO: dict[str, Any] = {
    "name": "Tarjetas", "country": "CL", "currency": "CLP", "product": "card", "placement_number": 1,
    "terms": {"commission_rate": 1500, "tolerance_minor": 10}, "strategy": {}, "actor": "system",
}  # fmt: skip


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The events of the test, in place of the rooms that listen."""
    said: list[object] = []
    monkeypatch.setattr(events, "_handlers", {})
    for kind in (AccountsClosed, AccountsRecalled, HoldsOpened):
        events.subscribe(kind, lambda _session, event: said.append(event))
    return said


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": " "}, "name"),
        ({"country": "Chile"}, "country"),
        ({"currency": "PESO"}, "currency"),
        ({"placement_number": 0}, "placement_number"),
        ({"terms": {"commission_rate": 10_001}}, "commission_rate"),
        ({"terms": {"max_instalments": 0}}, "max_instalments"),
        ({"terms": {"commission_rate": 12.5}}, "commission_rate"),
        ({"terms": {"bonus": 1}}, "terms"),
    ],
)
def test_a_portfolio_with_wild_terms_is_refused(
    creditor: Creditor, changed: dict[str, Any], field: str
) -> None:
    with (
        pytest.raises(UserError) as refused,
        creditor.platform.database.transaction(creditor.scope) as session,
    ):
        service.create_portfolio(session, **{**PORTFOLIO, **changed})
    assert refused.value.field == field


def test_a_portfolios_name_is_its_own(creditor: Creditor) -> None:
    with creditor.platform.database.transaction(creditor.scope) as session:
        service.create_portfolio(session, **PORTFOLIO)
        with pytest.raises(Conflict):
            service.create_portfolio(session, **PORTFOLIO)


def test_holds_open_once_end_once_and_run_out(creditor: Creditor, heard: list[object]) -> None:
    creditor.send(csv_text([row(1)]))
    account = creditor.all("SELECT * FROM accounts")[0]
    with creditor.platform.database.transaction(creditor.scope) as session:
        how: dict[str, Any] = {"debtor_id": account["debtor_id"], "kind": "hardship", "source": "agent"}
        hold = service.open_hold(session, account_id=None, **how)
        assert service.open_hold(session, account_id=None, **how) == hold
        assert service.open_hold(session, account_id=account["id"], **how) != hold
        service.end_hold(session, hold, by="user:1")
        with pytest.raises(NotFound):
            service.end_hold(session, hold, by="user:1")
        until = clock.now() + timedelta(days=1)
        short = service.open_hold(session, account_id=None, until=until, **how)
        clock.advance(timedelta(days=2))
        assert service.open_hold(session, account_id=None, **how) != short
        with pytest.raises(ValueError, match="unknown hold"):
            service.open_hold(session, **{**how, "kind": "mood", "account_id": None})
    assert len([event for event in heard if isinstance(event, HoldsOpened)]) == 4


def test_a_paid_balance_resolves_and_a_reversal_reopens(creditor: Creditor, heard: list[object]) -> None:
    creditor.send(csv_text([row(1), row(2)]))
    first, second = (found["id"] for found in creditor.all("SELECT id FROM accounts ORDER BY client_account"))
    with creditor.platform.database.transaction(creditor.scope) as session:
        service.apply_balance(session, {first: -105_000, second: -5_000})
    states = creditor.all("SELECT balance_minor, status, close_code FROM accounts ORDER BY client_account")
    assert [tuple(found.values()) for found in states] == [(0, "resolved", "PIF"), (100_000, "active", None)]
    assert heard == [AccountsClosed((first,), "PIF")]
    with creditor.platform.database.transaction(creditor.scope) as session:
        service.apply_balance(session, {first: 105_000})
    again = creditor.all(
        "SELECT balance_minor, status, stage, close_code FROM accounts ORDER BY client_account"
    )[0]
    assert tuple(again.values()) == (105_000, "active", "negotiating", None)


def test_a_remainder_within_tolerance_counts_as_paid(creditor: Creditor) -> None:
    with creditor.platform.database.transaction(creditor.scope) as session:
        portfolio = service.create_portfolio(session, **PORTFOLIO)
    lenient = Creditor(creditor.platform, creditor.scope, portfolio.id, creditor.folder)
    lenient.send(csv_text([row(1)]))
    account = lenient.all("SELECT id FROM accounts")[0]["id"]
    with creditor.platform.database.transaction(creditor.scope) as session:
        service.apply_balance(session, {account: -104_990})
    assert lenient.all("SELECT close_code FROM accounts")[0]["close_code"] == "PIF"


def test_accounts_out_of_scope_are_not_touched(creditor: Creditor) -> None:
    with (
        pytest.raises(ValueError, match="not in scope"),
        creditor.platform.database.transaction(creditor.scope) as session,
    ):
        service.apply_balance(session, {999_999: -1})


def test_what_has_ended_stays_ended(creditor: Creditor, heard: list[object]) -> None:
    creditor.send(csv_text([row(1)]))
    account = creditor.all("SELECT id FROM accounts")[0]["id"]
    with creditor.platform.database.transaction(creditor.scope) as session:
        assert service.set_stage(session, [account], "reached") == 1
        assert service.recall_accounts(session, [account]) == [account]
        assert service.recall_accounts(session, [account]) == []
        assert service.close_accounts(session, [account], "PIF") == []
        assert service.set_stage(session, [account], "promised") == 0
    assert heard == [AccountsClosed((account,), "RECALLED"), AccountsRecalled((account,))]


def test_every_close_code_has_a_status() -> None:
    assert {status_of(code) for code in CLOSE_CODES} == {"resolved", "recalled", "exhausted", "closed"}
