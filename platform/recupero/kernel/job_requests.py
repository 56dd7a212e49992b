"""Requests for work as rows of PostgreSQL, which `jobs` carries out: what waits, runs and gave up."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Identity, Index, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from recupero.kernel import clock, runtime
from recupero.kernel.database import PLATFORM, Base, platform_table


class JobRequest(Base):
    """One job. `status`: queued, running, done, dead (gave up; an operator looks at it)."""

    __tablename__ = "job_requests"
    __table_args__ = (
        Index("ix_job_requests_open", "status", "run_at", postgresql_where=text("status <> 'done'")),
        Index("uq_job_requests_unique_key", "unique_key", unique=True,
              postgresql_where=text("status IN ('queued', 'running')")),
        {"info": platform_table("carries ids, names and states only; the handler opens the scope")},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    queue: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    agency_id: Mapped[int | None]
    tenant_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    unique_key: Mapped[str | None]
    status: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    run_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]


def is_asked(session: Session, unique_key: str) -> bool:
    """Whether a request with this key waits or runs."""
    found = select(JobRequest.id).where(
        JobRequest.unique_key == unique_key, JobRequest.status.in_(["queued", "running"])
    )
    return session.execute(found).first() is not None


def still_open(session: Session, request_ids: Collection[int]) -> set[int]:
    """Which of these requests wait or run."""
    found = select(JobRequest.id).where(
        JobRequest.id.in_(request_ids), JobRequest.status.in_(["queued", "running"])
    )
    return set(session.execute(found).scalars())


def requeue_dead(request_id: int) -> bool:
    """An operator's second chance for a dead letter. False where it is not in the list."""
    with runtime.current().database.transaction(PLATFORM) as session:
        found = session.execute(
            update(JobRequest)
            .where(JobRequest.id == request_id, JobRequest.status == "dead")
            .values(status="queued", attempts=0, run_at=clock.now(), sent_at=None, finished_at=None)
            .returning(JobRequest.id)
        ).scalar_one_or_none()
    return found is not None


def dead_letters(limit: int = 200) -> list[JobRequest]:
    """Jobs that gave up, newest first, for the operators' page."""
    with runtime.current().database.transaction(PLATFORM) as session:
        query = (
            select(JobRequest).where(JobRequest.status == "dead").order_by(JobRequest.id.desc()).limit(limit)
        )
        return list(session.execute(query).scalars())


def counts() -> dict[str, int]:
    """Open jobs by status: what waits, runs and is dead."""
    with runtime.current().database.transaction(PLATFORM) as session:
        rows = session.execute(
            select(JobRequest.status, func.count())
            .where(JobRequest.status != "done")
            .group_by(JobRequest.status)
        ).all()
    return {row[0]: row[1] for row in rows}
