"""Sends scheduled reports: claimed and committed, made, handed over, noted.

A report goes once: one whose worker died before the mail server was handed its words goes again; one whose
worker died after that is `unknown` until a person decides.
"""

import logging
from datetime import datetime, timedelta

import orjson
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import Database, Scope, scope_of
from recupero.reports.schedules import letter, mail, service
from recupero.reports.schedules.tables import ReportMail, ReportSchedule
from recupero.reports.webhooks import telling

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=15)
PAUSES = tuple(timedelta(minutes=one) for one in (15, 60, 240, 720))


def send_due(database: Database, scope: Scope) -> int:
    """Send what is due for the tenant in scope; how many went."""
    went = 0
    while (claimed := _claim(database, scope)) is not None:
        went += _send(database, scope, claimed)
    return went


def _claim(database: Database, scope: Scope) -> int | None:
    """The oldest report that is due, as being sent from now on. What dead workers left comes first."""
    now, tenant = clock.now(), scope.tenant()
    left = (ReportMail.tenant_id == tenant, ReportMail.state == "sending", ReportMail.leased_until < now)
    with database.transaction(scope) as session:
        session.execute(
            update(ReportMail).where(*left, ReportMail.handed_at.is_not(None)).values(state="unknown")
        )
        session.execute(
            update(ReportMail)
            .where(*left, ReportMail.handed_at.is_(None))
            .values(state="waiting", next_at=now)
        )
        chosen = (
            select(ReportMail.id)
            .join(ReportSchedule, (ReportSchedule.tenant_id == tenant) & ReportSchedule.active
                  & (ReportSchedule.id == ReportMail.schedule_id))
            .where(ReportMail.tenant_id == tenant, ReportMail.state == "waiting", ReportMail.next_at <= now)
            .order_by(ReportMail.id).limit(1).with_for_update(skip_locked=True, of=ReportMail)
        )  # fmt: skip
        found = session.execute(chosen).scalar_one_or_none()
        if found is not None:
            _set(session, found, state="sending", leased_until=now + LEASE, handed_at=None)
        return found


def _send(database: Database, scope: Scope, mail_id: int) -> bool:
    """Make and send one that was claimed; what fails is noted and tried again later."""
    try:
        with database.transaction(scope) as session:
            written, recipients = letter.compose(session, *_both(session, mail_id))
            config = mail.settings(session)
            written["From"] = config.get("sender")
        mail.send(written, recipients, config, lambda: _hand_over(database, scope, mail_id))
    except mail.NotSent as error:
        _note_failure(database, scope, mail_id, str(error))
        return False
    except mail.InDoubt:
        with database.transaction(scope) as session:
            _set(session, mail_id, state="unknown", leased_until=None, problem="the connection broke")
        return False
    except Exception:
        log.exception("a scheduled report could not be made")
        _note_failure(database, scope, mail_id, "the report could not be made")
        return False
    with database.transaction(scope) as session:
        _note_sent(session, mail_id)
    return True


def _hand_over(database: Database, scope: Scope, mail_id: int) -> None:
    with database.transaction(scope) as session:
        _set(session, mail_id, handed_at=clock.now())


def _note_sent(session: Session, mail_id: int) -> None:
    _set(session, mail_id, state="sent", sent_at=clock.now(), leased_until=None, problem=None)
    sent, schedule = _both(session, mail_id)
    told = {"report": schedule.report, "form": schedule.form, "period": sent.period}
    telling.tell(session, "report.ready", given=orjson.dumps(told).decode())
    audit.record(
        session, "reports.mailed", f"report_schedule:{schedule.id}", actor="system",
        tenant_id=schedule.tenant_id, **told,
    )  # fmt: skip


def _note_failure(database: Database, scope: Scope, mail_id: int, problem: str) -> None:
    with database.transaction(scope) as session:
        sent, _schedule = _both(session, mail_id)
        tries, later = sent.attempts + 1, None
        if tries <= len(PAUSES):
            later = clock.now() + PAUSES[tries - 1]
        _set(
            session, mail_id, state="failed" if later is None else "waiting", attempts=tries, problem=problem,
            leased_until=None, handed_at=None, next_at=later or sent.next_at,
        )  # fmt: skip
        if later is not None:
            service.ask(session, later)


def _both(session: Session, mail_id: int) -> tuple[ReportMail, ReportSchedule]:
    tenant = scope_of(session).tenant()
    row = session.execute(
        select(ReportMail, ReportSchedule)
        .join(ReportSchedule, ReportSchedule.id == ReportMail.schedule_id)
        .where(ReportMail.tenant_id == tenant, ReportSchedule.tenant_id == tenant, ReportMail.id == mail_id)
    ).one()
    return row[0], row[1]


def _set(session: Session, mail_id: int, **values: datetime | str | int | None) -> None:
    mine = (ReportMail.tenant_id == scope_of(session).tenant(), ReportMail.id == mail_id)
    session.execute(update(ReportMail).where(*mine).values(**values))


def left_over(session: Session) -> bool:
    """Whether something of the tenant in scope is due, or was left by a dead worker."""
    now = clock.now()
    waits = (ReportMail.state == "waiting") & (ReportMail.next_at <= now)
    left = (ReportMail.state == "sending") & (ReportMail.leased_until < now)
    query = select(ReportMail.id).where(ReportMail.tenant_id == scope_of(session).tenant(), or_(waits, left))
    return session.execute(query.limit(1)).first() is not None
