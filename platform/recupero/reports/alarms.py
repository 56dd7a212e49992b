"""Where the roll-ups did not hold what the raw rows say: an alarm, until a later check finds that they do.

The scheduled check looks at the newest month and at all of them together; `recupero reports check` at each.
"""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import Database, Scope, scope_of
from recupero.reports import rollups
from recupero.reports.tables import ReportAlarm
from recupero.tenancy.queries import agency_scopes


def check(database: Database, scope: Scope) -> int:
    """Prove the roll-ups of the tenant in `scope` now: what is new becomes an alarm, what holds again is
    cleared. Returns how many are open; the audit trail says where that changed."""
    with database.transaction(scope) as session:
        rollups.fold(session)  # so that the reading below has nothing to change
    with database.transaction(scope, snapshot=True) as session:
        problems = sorted({problem.partition(": ")[0] for problem in rollups.check(session, newest=True)})
    with database.transaction(scope) as session:
        _note(session, problems)
    return len(problems)


def _note(session: Session, problems: Sequence[str]) -> None:
    tenant, now = scope_of(session).tenant(), clock.now()
    cleared = session.execute(
        update(ReportAlarm)
        .where(ReportAlarm.tenant_id == tenant, ReportAlarm.cleared_at.is_(None),
               ReportAlarm.problem.not_in(problems))
        .values(cleared_at=now)
        .returning(ReportAlarm.id)
    ).all()  # fmt: skip
    raised = 0
    if problems:
        rows = [{"tenant_id": tenant, "problem": problem, "raised_at": now} for problem in problems]
        adding = insert(ReportAlarm).values(rows).on_conflict_do_nothing().returning(ReportAlarm.id)
        raised = len(session.execute(adding).all())
    if raised or cleared:
        audit.record(
            session, "reports.alarm" if problems else "reports.alarm_cleared", f"tenant:{tenant}",
            actor="system", tenant_id=tenant, raised=raised, cleared=len(cleared), open=len(problems),
        )  # fmt: skip


def standing(session: Session) -> int:
    """How many alarms of the tenants in scope are open."""
    query = select(func.count()).select_from(ReportAlarm)
    mine = ReportAlarm.tenant_id.in_(scope_of(session).tenant_ids)
    return session.execute(query.where(mine, ReportAlarm.cleared_at.is_(None))).scalar_one()


def open_everywhere(database: Database) -> float:
    """Open alarms of the whole deployment, for the operators' gauge."""
    found = 0
    for agency in agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            found += standing(session)
    return float(found)
