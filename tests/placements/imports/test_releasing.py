"""Quarantined rows are placed or dropped by a person; the sums go on agreeing."""

import pytest

from recupero.kernel.errors import NotFound
from recupero.placements.imports.releasing import drop, release
from recupero.wiring import wire
from tests.placements.conftest import Creditor, csv_text, row


def test_a_released_row_becomes_an_account_and_the_sums_still_agree(creditor: Creditor) -> None:
    wire()
    result = creditor.send(csv_text([row(1), row(2, rut="12.345.678-9"), row(3, total="1")]))
    assert (result.accepted, result.quarantined) == (1, 2)
    assert result.batch_id is not None
    with creditor.platform.database.transaction(creditor.scope) as session:
        assert release(session, result.batch_id, [3], actor="user:1") == {3: "accepted"}
    assert len(creditor.all("SELECT 1 FROM accounts")) == 2
    booked = creditor.all("SELECT sum(amount_minor) AS s FROM ledger_entries WHERE book = 'receivable'")[0][
        "s"
    ]
    assert booked == creditor.all("SELECT sum(balance_minor) AS s FROM accounts")[0]["s"]
    batch = creditor.all("SELECT * FROM import_batches")[0]
    assert (batch["accepted"], batch["quarantined"]) == (2, 1)
    sums = batch["control_totals"]["balance_minor"]["CLP"]
    assert sums["file"] == sums["accepted"] + sums["quarantined"]


def test_a_row_is_settled_once(creditor: Creditor) -> None:
    result = creditor.send(csv_text([row(1), row(2, rut="12.345.678-9")]))
    assert result.batch_id is not None
    with creditor.platform.database.transaction(creditor.scope) as session:
        drop(session, result.batch_id, [3], actor="user:1")
    for settle in (release, drop):
        with (
            pytest.raises(NotFound, match="row 3"),
            creditor.platform.database.transaction(creditor.scope) as session,
        ):
            settle(session, result.batch_id, [3], actor="user:1")
    assert len(creditor.all("SELECT 1 FROM accounts")) == 1


def test_a_row_that_was_sent_again_meanwhile_is_a_duplicate(creditor: Creditor) -> None:
    result = creditor.send(csv_text([row(1), row(2, rut="12.345.678-9")]))
    assert result.batch_id is not None
    creditor.send(csv_text([row(2)]))
    with creditor.platform.database.transaction(creditor.scope) as session:
        assert release(session, result.batch_id, [3], actor="user:1") == {3: "duplicate"}
    assert len(creditor.all("SELECT 1 FROM accounts")) == 2
