"""Quarantined rows after a person has looked: placed as they came, or dropped."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.placements.imports import placing
from recupero.placements.imports.findings import ACCEPTED, QUARANTINED
from recupero.placements.imports.reading import PROBLEM, ROW
from recupero.placements.imports.running import lock_imports, setting_for
from recupero.placements.imports.spec import parse
from recupero.placements.tables import ImportBatch, ImportIssue

_RELEASED = 1_000_000  # chunks of released rows are counted apart from those of the file


def release(session: Session, batch_id: int, row_numbers: Collection[int], *, actor: str) -> dict[int, str]:
    """Place quarantined rows of a placement file as they came. Returns the outcome of each row: accepted, or
    why not (a row may have become a duplicate meanwhile). Raises NotFound where a row does not wait."""
    batch, issues = _waiting(session, batch_id, row_numbers)
    lock_imports(session)
    setting = replace(setting_for(session, batch.portfolio_id), waive=True)
    prepared = placing.prepare(_frame(issues), parse(batch.mapping, batch.kind), setting)
    placing.place(session, prepared, setting, batch.id, _RELEASED + min(issue.id for issue in issues))
    outcomes = dict(prepared.rows.select(ROW, "outcome").iter_rows())
    placed = [row for row, outcome in outcomes.items() if outcome == ACCEPTED]
    _count(batch, prepared.rows.filter(pl.col("outcome") == ACCEPTED))
    _settle(session, batch, placed)
    audit.record(session, "placements.release", f"import:{batch.id}", actor=actor,
                 tenant_id=batch.tenant_id, rows=sorted(placed))  # fmt: skip
    return outcomes


def drop(session: Session, batch_id: int, row_numbers: Collection[int], *, actor: str) -> None:
    """Take quarantined rows off the list without placing them. Raises NotFound where a row does not wait."""
    batch, _ = _waiting(session, batch_id, row_numbers)
    _settle(session, batch, row_numbers)
    audit.record(session, "placements.drop_rows", f"import:{batch.id}", actor=actor,
                 tenant_id=batch.tenant_id, rows=sorted(row_numbers))  # fmt: skip


def _waiting(
    session: Session, batch_id: int, row_numbers: Collection[int]
) -> tuple[ImportBatch, Sequence[ImportIssue]]:
    tenant = scope_of(session).tenant()
    batch = session.get(ImportBatch, (tenant, batch_id))
    if batch is None:
        raise NotFound("no such import", field="batch")
    quarantined = select(ImportIssue.row_number).where(
        ImportIssue.tenant_id == tenant, ImportIssue.batch_id == batch_id, ImportIssue.outcome == QUARANTINED,
        ImportIssue.settled_at.is_(None), ImportIssue.row_number.in_(row_numbers),
    )  # fmt: skip
    issues = session.execute(
        select(ImportIssue).where(
            ImportIssue.tenant_id == tenant, ImportIssue.batch_id == batch_id, ImportIssue.raw.is_not(None),
            ImportIssue.row_number.in_(quarantined),
        ).order_by(ImportIssue.row_number)
    ).scalars().all()  # fmt: skip
    missing = set(row_numbers) - {issue.row_number for issue in issues}
    if missing or not issues:
        raise NotFound(
            "row %(number)s of this import does not wait for anybody",
            field="row",
            number=min(missing, default=0),
        )
    return batch, issues


def _frame(issues: Sequence[ImportIssue]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [json.loads(issue.raw or "{}") for issue in issues]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))
    return frame.with_columns(
        pl.Series(ROW, [issue.row_number for issue in issues], dtype=pl.Int64),
        pl.lit(None, dtype=pl.String).alias(PROBLEM),
    )


def _count(batch: ImportBatch, placed: pl.DataFrame) -> None:
    """The rows move from quarantined to accepted, in counts and in balances, so that the sums still agree."""
    batch.accepted += placed.height
    batch.quarantined -= placed.height
    totals = json.loads(json.dumps(batch.control_totals))
    totals["rows"]["accepted"] += placed.height
    totals["rows"]["quarantined"] -= placed.height
    for currency, balance in placed.group_by("currency").agg(pl.col("balance").sum()).iter_rows():
        totals["balance_minor"][currency]["accepted"] += balance
        totals["balance_minor"][currency]["quarantined"] -= balance
    batch.control_totals = totals


def _settle(session: Session, batch: ImportBatch, rows: Collection[int]) -> None:
    session.execute(
        text("UPDATE import_issues SET settled_at = :now WHERE tenant_id = :tenant AND batch_id = :batch"
             " AND row_number = ANY(:rows)"),
        {"now": clock.now(), "tenant": batch.tenant_id, "batch": batch.id, "rows": list(rows)},
    )  # fmt: skip
