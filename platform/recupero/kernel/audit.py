"""The audit trail: append-only, one hash chain per agency.

Each event's hash covers its content and the hash before it, so that a changed, removed or inserted event
breaks the chain at a known place. Details hold ids and codes, never personal data.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, UniqueConstraint, func, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from recupero.kernel import clock
from recupero.kernel.database import AGENCY, AgencyOwned, Base, append_only, scope_of
from recupero.kernel.listing import Part, arranged

GENESIS = bytes(32)


class AuditEvent(AgencyOwned, Base):
    """One thing that somebody did. `seq` counts from 1 within the agency without gaps."""

    __tablename__ = "audit_events"
    __table_args__ = (UniqueConstraint("agency_id", "seq"), {"info": append_only(AGENCY)})

    seq: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    tenant_id: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


def record(
    session: Session,
    action: str,
    subject: str,
    *,
    actor: str,
    tenant_id: int | None = None,
    **details: Any,
) -> None:
    """Append an event to the chain of the agency in scope.

    `action` is `room.verb`, `subject` is `kind:id`, `actor` is `user:id`, `key:id` or `system`. A lock on
    the agency's chain is held to the end of the transaction, so record last and keep transactions short.
    """
    record_each(session, action, [(subject, details)], actor=actor, tenant_id=tenant_id)


def record_each(
    session: Session,
    action: str,
    subjects: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    actor: str,
    tenant_id: int | None = None,
) -> None:
    """`record` for several subjects, each with its details, in their order."""
    agency = scope_of(session).agency()
    session.execute(text("SELECT pg_advisory_xact_lock(:space, :agency)"), {"space": 7301, "agency": agency})
    last = session.execute(
        select(AuditEvent.seq, AuditEvent.hash)
        .where(AuditEvent.agency_id == agency)
        .order_by(AuditEvent.seq.desc())
        .limit(1)
    ).one_or_none()
    seq, previous = (0, GENESIS) if last is None else (last.seq, last.hash)
    for subject, details in subjects:
        seq += 1
        event = AuditEvent(
            agency_id=agency,
            seq=seq,
            at=clock.now(),
            actor=actor,
            action=action,
            subject=subject,
            tenant_id=tenant_id,
            details=dict(details),
            previous_hash=previous,
        )
        previous = event.hash = event_hash(event)
        session.add(event)
    session.flush()


def event_hash(event: AuditEvent) -> bytes:
    """SHA-256 over the previous hash and the event's content in a canonical JSON form."""
    content = json.dumps(
        [event.agency_id, event.seq, event.at.isoformat(), event.actor, event.action, event.subject,
         event.tenant_id, event.details],
        sort_keys=True, separators=(",", ":"), ensure_ascii=False,
    )  # fmt: skip
    return hashlib.sha256(event.previous_hash + content.encode()).digest()


def verify(session: Session) -> list[str]:
    """Walk the chain of the agency in scope; each problem names the event where the chain breaks."""
    problems: list[str] = []
    previous, expected = GENESIS, 1
    events = session.execute(
        select(AuditEvent).order_by(AuditEvent.seq).execution_options(yield_per=1000)
    ).scalars()
    for event in events:
        if event.seq != expected:
            problems.append(f"audit event {expected} is missing before {event.seq}")
        if event.previous_hash != previous or event.hash != event_hash(event):
            problems.append(f"audit event {event.seq} was changed after it was written")
        previous, expected = event.hash, event.seq + 1
    return problems


def head(session: Session) -> tuple[int, bytes]:
    """Number and hash of the newest event of the agency in scope, to seal reports with."""
    row = session.execute(
        select(AuditEvent.seq, AuditEvent.hash).order_by(AuditEvent.seq.desc()).limit(1)
    ).one_or_none()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def count(session: Session) -> int:
    """Events of the agency in scope."""
    return session.execute(select(func.count()).select_from(AuditEvent)).scalar_one()


def page(
    session: Session,
    *,
    before: int | None = None,
    holding: str = "",
    limit: int = 100,
    part: Part | None = None,
) -> Sequence[AuditEvent]:
    """Events of the agency in scope, newest first, numbered below `before`, whose action, actor or subject
    has `holding` in it; or the `part` of them. What concerns a tenant that is not in scope is left out."""
    scope = scope_of(session)
    mine = or_(AuditEvent.tenant_id.is_(None), AuditEvent.tenant_id.in_(scope.tenant_ids))
    query = select(AuditEvent).where(AuditEvent.agency_id == scope.agency(), mine)
    if before is not None:
        query = query.where(AuditEvent.seq < before)
    if holding:
        columns = (AuditEvent.action, AuditEvent.actor, AuditEvent.subject)
        query = query.where(or_(*(column.contains(holding, autoescape=True) for column in columns)))
    by = {"seq": AuditEvent.seq, "at": AuditEvent.at, "actor": AuditEvent.actor,
          "action": AuditEvent.action, "subject": AuditEvent.subject}  # fmt: skip
    query = arranged(query, by, part or Part(limit=limit), AuditEvent.seq.desc())
    return session.execute(query).scalars().all()
