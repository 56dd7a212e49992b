"""The life of what an agency words for itself: drafted by one person, approved by another, retired, kept."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Forbidden, NotFound
from recupero.outreach.script_tables import CallScript
from recupero.outreach.template_tables import MessageTemplate

Kept = TypeVar("Kept", CallScript, MessageTemplate)
_WHAT = {CallScript: "script", MessageTemplate: "template"}
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, :agency))")


def in_reach(session: Session, table: type[Kept]) -> Select[Kept]:
    """Versions of the agency in scope and of its tenants in scope."""
    scope = scope_of(session)
    return select(table).where(
        table.agency_id == scope.agency(),
        or_(table.tenant_id.is_(None), table.tenant_id.in_(scope.tenant_ids)),
    )


def versions(session: Session, table: type[Kept]) -> Sequence[Kept]:
    """All of them, newest first."""
    rows = session.execute(in_reach(session, table).order_by(table.made_at.desc(), table.id.desc()))
    return rows.scalars().all()


def version(session: Session, table: type[Kept], number: int) -> Kept:
    """One version in scope. Raises NotFound."""
    row = session.execute(in_reach(session, table).where(table.id == number)).scalar_one_or_none()
    if row is None:
        raise NotFound("no such version")
    return row


def next_version(
    session: Session, table: type[Kept], tenant_id: int | None, key: Mapping[str, object]
) -> int:
    """The number of the next version of `key` (columns and their values); nobody else gets the same one.

    Raises NotFound for a tenant out of scope.
    """
    scope = scope_of(session)
    if tenant_id is not None and tenant_id not in scope.tenant_ids:
        raise NotFound("no such creditor")
    session.execute(_ONE_AT_A_TIME, {"what": table.__tablename__, "agency": scope.agency()})
    newest = session.execute(
        select(func.max(table.version)).where(_same(table, scope.agency(), tenant_id, key))
    ).scalar_one()
    return (newest or 0) + 1


def _same(
    table: type[Kept], agency_id: int, tenant_id: int | None, key: Mapping[str, object]
) -> ColumnElement[bool]:
    named = [getattr(table, column).is_not_distinct_from(value) for column, value in key.items()]
    return and_(table.agency_id == agency_id, table.tenant_id.is_not_distinct_from(tenant_id), *named)


def approve(session: Session, row: Kept, *, actor: str) -> None:
    """Use a draft from now on; the approved version of the same key and owner is retired.

    Raises Conflict where it is no draft, Forbidden where its author approves it.
    """
    table = type(row)
    if row.state != "draft":
        raise Conflict("this version is no draft any more")
    if row.made_by == actor:
        raise Forbidden("somebody else than its author has to approve it")
    session.execute(
        update(table)
        .where(_same(table, row.agency_id, row.tenant_id, row.key()), table.state == "approved")
        .values(state="retired")
    )
    row.state, row.approved_by, row.approved_at = "approved", actor, clock.now()
    _note(session, "approve", row, actor)


def retire(session: Session, row: Kept, *, actor: str) -> None:
    """Use a version no more; what is under way keeps it. Raises Conflict where it was retired before."""
    if row.state == "retired":
        raise Conflict("this version is retired already")
    row.state = "retired"
    _note(session, "retire", row, actor)


def keep(session: Session, row: Kept, *, actor: str) -> None:
    """Add a draft."""
    session.add(row)
    session.flush()
    _note(session, "draft", row, actor)


def _note(session: Session, verb: str, row: Kept, actor: str) -> None:
    what = _WHAT[type(row)]
    audit.record(session, f"outreach.{verb}_{what}", f"{what}:{row.id}", actor=actor, tenant_id=row.tenant_id)
