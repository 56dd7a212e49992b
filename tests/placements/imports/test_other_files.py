"""Maintenance, financial and recall files go the way of placements: every row has an outcome, nothing
twice.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recupero.kernel import clock, crypto
from recupero.outreach.service import NewAction, schedule
from recupero.payments import service as payments
from recupero.payments.agreements import following, plans
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import PAGE
from recupero.wiring import wire
from tests.placements.conftest import Creditor, csv_text, row

RECALL = {"columns": {"client_account": "operacion"}}
FINANCIAL: dict[str, Any] = {
    "columns": {"client_account": "operacion", "amount": "monto", "paid_on": "fecha", "entry": "tipo",
                "reference": "ref"},
    "dates": "dmy", "decimal": ",",
}  # fmt: skip
PAYMENTS = ("operacion", "monto", "fecha", "tipo", "ref")
MAINTENANCE = {
    "columns": {"client_account": "operacion", "name": "nombre", "phone": "fono", "region": "region",
                "opt_out_sms": "no_sms", "hardship": "vulnerable"},
}  # fmt: skip


@pytest.fixture
def placed(creditor: Creditor) -> Creditor:
    wire()
    creditor.send(csv_text([row(1), row(2), row(3)]))
    return creditor


def balances(creditor: Creditor) -> dict[str, int]:
    return {a["client_account"]: a["balance_minor"] for a in creditor.all("SELECT * FROM accounts")}


def test_recalled_accounts_are_given_back_once(placed: Creditor) -> None:
    content = csv_text([["OP-1"], ["OP-9"], ["OP-1"], [""]], headings=["operacion"])
    first = placed.send(content + "", kind="recall", mapping=RECALL)
    assert (first.accepted, first.rejected, first.duplicates) == (1, 1, 1)
    status = {
        a["client_account"]: (a["status"], a["close_code"]) for a in placed.all("SELECT * FROM accounts")
    }
    assert status["OP-1"] == ("recalled", "RECALLED")
    assert status["OP-2"] == ("active", None)
    again = placed.send(content, kind="recall", mapping=RECALL)
    assert (again.accepted, again.duplicates) == (0, 2)


def test_direct_payments_lower_the_balance_once(placed: Creditor) -> None:
    content = csv_text(
        [["OP-1", "5.000", "01/03/2026", "pago", "R1"], ["OP-2", "105.000", "02/03/2026", "pago", "R2"],
         ["OP-3", "-1.000", "02/03/2026", "ajuste", "R3"], ["OP-9", "1", "02/03/2026", "pago", "R4"],
         ["OP-3", "x", "02/03/2026", "pago", "R5"], ["OP-3", "5", "02/04/2027", "pago", "R6"],
         ["OP-3", "5", "02/03/2026", "regalo", "R7"]],
        headings=PAYMENTS,
    )  # fmt: skip
    first = placed.send(content, kind="financial", mapping=FINANCIAL)
    assert (first.accepted, first.rejected) == (3, 4)
    assert balances(placed) == {"OP-1": 100_000, "OP-2": 0, "OP-3": 104_000}
    assert {a["client_account"]: a["close_code"] for a in placed.all("SELECT * FROM accounts")}[
        "OP-2"
    ] == "PIF"
    again = placed.send(content, kind="financial", mapping=FINANCIAL)
    assert (again.accepted, again.rejected) == (0, 4)
    assert balances(placed) == {"OP-1": 100_000, "OP-2": 0, "OP-3": 104_000}


def test_a_line_that_cannot_be_booked_is_rejected_and_the_others_are_booked(
    placed: Creditor, tmp_path: Path
) -> None:
    content = csv_text(
        [["OP-1", "5.000", "01/03/2026", "pago", "R1"], ["OP-2", "9.000", "02/03/2026", "reverso", "R2"],
         ["OP-3", "-1.000", "02/03/2026", "ajuste", "R3"]],
        headings=PAYMENTS,
    )  # fmt: skip
    for turn, expected in enumerate([(2, 1, 0), (0, 1, 2)]):
        rejects = tmp_path / f"rejects-{turn}.csv"
        result = placed.send(content, kind="financial", mapping=FINANCIAL, rejects=rejects)
        assert (result.accepted, result.rejected, result.duplicates) == expected
        assert result.control_totals["balance_minor"]["CLP"]["rejected"] == 9_000
        assert "OP-2;9.000;02/03/2026;reverso;R2;amount: this takes back more" in rejects.read_text("utf-8")
        assert balances(placed) == {"OP-1": 100_000, "OP-2": 105_000, "OP-3": 104_000}
    assert (3, "rejected", "amount", "reversal_excess") in placed.reasons()


def test_a_reversal_raises_the_balance_again(placed: Creditor) -> None:
    placed.send(
        csv_text([["OP-1", "105.000", "01/03/2026", "pago", "R1"]], headings=PAYMENTS),
        kind="financial",
        mapping=FINANCIAL,
    )
    placed.send(
        csv_text([["OP-1", "-105.000", "05/03/2026", "", "R1"]], headings=PAYMENTS),
        kind="financial",
        mapping=FINANCIAL,
    )
    assert balances(placed)["OP-1"] == 105_000
    assert {a["client_account"]: a["status"] for a in placed.all("SELECT * FROM accounts")}[
        "OP-1"
    ] == "active"


def test_maintenance_changes_debtors_and_what_they_allow(placed: Creditor) -> None:
    content = csv_text(
        [["OP-1", "Ana Rojas", "+56 2 2345 6789", "RM", "si", "x"], ["OP-2", "", "12", "", "", ""], ["OP-9",
        "B", "", "", "", ""]],
        headings=["operacion", "nombre", "fono", "region", "no_sms", "vulnerable"],
    )  # fmt: skip
    for _ in range(2):
        result = placed.send(content, kind="maintenance", mapping=MAINTENANCE)
        assert (result.accepted, result.rejected, result.warnings) == (2, 1, 1)
    ring = crypto.keyring()
    names = {ring.decrypt(d["name"]): d["region"] for d in placed.all("SELECT * FROM debtors")}
    assert names == {"Ana Rojas": "CL-RM", "Ana Pérez 2": None, "Ana Pérez 3": None}
    phones = [
        ring.decrypt(p["value"]) for p in placed.all("SELECT * FROM contact_points WHERE kind = 'phone'")
    ]
    assert sorted(phones).count("+56223456789") == 1
    assert len(placed.all("SELECT 1 FROM holds WHERE kind = 'hardship' AND ended_at IS NULL")) == 1
    assert {(p["channel"], p["kind"]) for p in placed.all("SELECT * FROM permissions")} == {
        ("sms", "opt_out")
    }


def test_hardship_that_a_file_tells_takes_effect_with_its_row(placed: Creditor) -> None:
    """What waits to go out is cancelled, plans rest, promises end; of others nothing changes."""
    accounts = placed.all("SELECT a.*, d.person_id FROM accounts a JOIN debtors d ON d.id = a.debtor_id"
                          " ORDER BY client_account")  # fmt: skip
    today = clock.now().date()
    with placed.platform.database.transaction(placed.scope) as session:
        schedule(session, [
            NewAction(account_id=one["id"], debtor_id=one["debtor_id"], person_id=one["person_id"],
                      channel="email", template="follow_up", due_at=clock.now(),
                      expires_at=clock.now() + timedelta(days=2))
            for one in accounts
        ])  # fmt: skip
        payments.make_promise(session, account_id=accounts[0]["id"], amount_minor=100, due_date=today,
                              made_with="page")  # fmt: skip
        plans.agree_plan(
            session, account_ids=[accounts[1]["id"]], offerer=PAGE,
            choice=Choice(today + timedelta(days=5), every="weekly", instalments=2),
        )  # fmt: skip
    content = csv_text([["OP-1", "x"], ["OP-2", "x"]], headings=["operacion", "vulnerable"])
    mapping = {"columns": {"client_account": "operacion", "hardship": "vulnerable"}}
    placed.send(content, kind="maintenance", mapping=mapping, dry_run=True)
    assert {one["state"] for one in placed.all("SELECT state FROM promises")} == {"open"}
    placed.send(content, kind="maintenance", mapping=mapping)
    queued = placed.all("SELECT state FROM actions ORDER BY account_id")
    assert [one["state"] for one in queued] == ["cancelled", "cancelled", "scheduled"]
    assert {one["state"] for one in placed.all("SELECT state FROM promises")} == {"cancelled"}
    clock.advance(timedelta(days=60))
    with placed.platform.database.transaction(placed.scope) as session:
        following.settle_due(session)
    assert [one["state"] for one in placed.all("SELECT state FROM plan_instalments")] == ["open", "open"]
