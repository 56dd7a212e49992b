"""What a scheduled check found wrong in the books stays an alarm until a later check finds it mended."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import Database, scope_of
from recupero.ledger import queries, sums
from recupero.ledger.tables import LedgerAlarm
from recupero.tenancy.queries import agency_scopes

MOST = 100  # problems kept of one check: books that are that wrong are looked at whole


def check(session: Session) -> int:
    """Prove the books of the tenant in scope now; problems that are new become alarms, those that are gone
    are cleared. Returns how many alarms are open; the audit trail says where that changed."""
    tenant, now = scope_of(session).tenant(), clock.now()
    found = queries.check(session)
    sums.keep(session, len(found))
    problems = found[:MOST]
    cleared = session.execute(
        update(LedgerAlarm)
        .where(LedgerAlarm.tenant_id == tenant, LedgerAlarm.cleared_at.is_(None),
               LedgerAlarm.problem.not_in(problems))
        .values(cleared_at=now)
        .returning(LedgerAlarm.id)
    ).all()  # fmt: skip
    raised = _raise(session, tenant, problems, now) if problems else 0
    if raised or cleared:
        audit.record(
            session, "ledger.alarm" if problems else "ledger.alarm_cleared", f"tenant:{tenant}",
            actor="system", tenant_id=tenant, raised=raised, cleared=len(cleared), open=len(problems),
        )  # fmt: skip
    return len(problems)


def _raise(session: Session, tenant: int, problems: Sequence[str], now: datetime) -> int:
    added = session.execute(
        insert(LedgerAlarm)
        .values([{"tenant_id": tenant, "problem": problem, "raised_at": now} for problem in problems])
        .on_conflict_do_nothing()
        .returning(LedgerAlarm.id)
    ).all()
    return len(added)


def standing(session: Session) -> Sequence[LedgerAlarm]:
    """Open alarms of the tenants in scope, oldest first."""
    query = select(LedgerAlarm).where(
        LedgerAlarm.tenant_id.in_(scope_of(session).tenant_ids), LedgerAlarm.cleared_at.is_(None)
    )
    return session.execute(query.order_by(LedgerAlarm.id)).scalars().all()


def open_everywhere(database: Database) -> float:
    """Open alarms of the whole deployment, for the operators' gauge."""
    found = 0
    for agency in agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            found += session.execute(
                select(func.count()).select_from(LedgerAlarm).where(LedgerAlarm.cleared_at.is_(None))
            ).scalar_one()
    return float(found)
