"""What pages read of the files that were placed: batches, what was found in their rows, saved mappings."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part, arranged_of
from recupero.placements.tables import ImportBatch, ImportIssue, ImportMapping, Portfolio


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A file that was placed, and the name of its portfolio."""

    batch: ImportBatch
    portfolio: str


def batches(
    session: Session,
    *,
    tenant_id: int | None = None,
    kind: str | None = None,
    status: str | None = None,
    part: Part | None = None,
) -> list[BatchLine]:
    """Files placed with the tenants in scope, newest first where no other order is asked for; None means all
    creditors, kinds, states."""
    query = (
        select(ImportBatch, Portfolio.name)
        .join(
            Portfolio,
            (Portfolio.tenant_id == ImportBatch.tenant_id) & (Portfolio.id == ImportBatch.portfolio_id),
        )
        .where(ImportBatch.tenant_id.in_(scope_of(session).tenant_ids))
    )
    wanted = ((ImportBatch.tenant_id, tenant_id), (ImportBatch.kind, kind), (ImportBatch.status, status))
    query = query.where(*(column == value for column, value in wanted if value is not None))
    by = {"at": ImportBatch.started_at, "rows": ImportBatch.row_count, "accepted": ImportBatch.accepted,
          "rejected": ImportBatch.rejected, "quarantined": ImportBatch.quarantined,
          "duplicates": ImportBatch.duplicates}  # fmt: skip
    key, tenants = (ImportBatch.tenant_id, ImportBatch.id), scope_of(session).tenant_ids
    rows = session.execute(arranged_of(query, key, tenants, by, part or Part(), ImportBatch.id.desc()))
    return [BatchLine(found, name) for found, name in rows]


def batch(session: Session, batch_id: int) -> ImportBatch:
    """The batch of that id among the tenants in scope. Raises NotFound."""
    found = session.execute(
        select(ImportBatch).where(
            ImportBatch.tenant_id.in_(scope_of(session).tenant_ids), ImportBatch.id == batch_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such batch")
    return found


def issues(session: Session, of: ImportBatch, limit: int = 200) -> Sequence[ImportIssue]:
    """What was found in the rows of a batch, in the order of the file."""
    return (
        session.execute(
            select(ImportIssue)
            .where(ImportIssue.tenant_id == of.tenant_id, ImportIssue.batch_id == of.id)
            .order_by(ImportIssue.row_number, ImportIssue.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def rejected_rows(
    session: Session, of: ImportBatch
) -> Iterator[tuple[dict[str, Any], list[tuple[str, str]]]]:
    """Each row of the batch that was rejected or set aside as it stood in the file, with field and reason."""
    rows = session.execute(
        select(ImportIssue)
        .where(
            ImportIssue.tenant_id == of.tenant_id, ImportIssue.batch_id == of.id,
            ImportIssue.outcome.in_(("rejected", "quarantined")),
        )
        .order_by(ImportIssue.row_number, ImportIssue.id)
        .execution_options(yield_per=2000)
    ).scalars()  # fmt: skip
    for _number, group in groupby(rows, key=lambda issue: issue.row_number):
        found = list(group)
        raw = next((issue.raw for issue in found if issue.raw), None)
        if raw is not None:
            yield json.loads(raw), [(issue.field, issue.reason) for issue in found]


def saved_mapping(session: Session, portfolio_id: int, kind: str) -> dict[str, Any] | None:
    """The mapping that is saved as default for files of this kind into the portfolio."""
    return session.execute(
        select(ImportMapping.spec).where(
            ImportMapping.tenant_id.in_(scope_of(session).tenant_ids),
            ImportMapping.portfolio_id == portfolio_id, ImportMapping.kind == kind,
            ImportMapping.name == "default",
        )
    ).scalar_one_or_none()  # fmt: skip
