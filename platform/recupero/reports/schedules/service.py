"""Schedules of reports: set up, and what is due made ready to go."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, jobs
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.reports import service as recovery
from recupero.reports.compliance import layout as compliance
from recupero.reports.periods import Period
from recupero.reports.schedules.tables import ReportMail, ReportSchedule
from recupero.tenancy import queries as tenancy

FORMS: dict[str, tuple[str, ...]] = {
    "recovery": ("pdf", "xlsx", "csv", "json"), "compliance": tuple(compliance.MEDIA_TYPES)
}  # fmt: skip
EVERY = ("month", "quarter")
JOB = "reports.mail"
MEDIA_TYPES = {**recovery.MEDIA_TYPES, **compliance.MEDIA_TYPES}
MOST, MOST_READERS = 20, 20
_AT = time(7)
_LOOK_BACK = 4  # months in which a schedule is still served whose day passed while nothing ran
_ADDRESS = re.compile(r"[^\s@<>,;:\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


def add(
    session: Session, *, report: str, form: str, every: str, day: int, recipients: str, actor: str
) -> ReportSchedule:
    """A new schedule of the tenant in scope; the first report is that whose day comes next.

    Raises UserError naming the field that is wrong, Conflict where the creditor has too many.
    """
    tenant = scope_of(session).tenant()
    if len(schedules(session)) >= MOST:
        raise Conflict("a creditor has at most %(most)s scheduled reports: remove one first", most=MOST)
    made = ReportSchedule(tenant_id=tenant, active=True, created_at=clock.now(), created_by=actor)
    _set(made, report=report, form=form, every=every, day=day, recipients=recipients)
    session.add(made)
    session.flush()
    _record(session, "add", made, actor)
    return made


def change(
    session: Session, schedule_id: int, *, report: str, form: str, every: str, day: int, recipients: str,
    active: bool, actor: str,
) -> ReportSchedule:  # fmt: skip
    """Give a schedule other settings. Raises UserError naming the field, NotFound."""
    schedule = one(session, schedule_id)
    _set(schedule, report=report, form=form, every=every, day=day, recipients=recipients)
    if active and not schedule.active:
        schedule.created_at = clock.now()  # what was due while it was off is not made up for
    schedule.active = active
    _record(session, "change", schedule, actor)
    return schedule


def check(*, report: str, form: str, every: str, day: int, recipients: str) -> None:
    """Whether a schedule may be so. Raises UserError at each field that is wrong."""
    faults = Faults()
    if report not in FORMS:
        faults.note(UserError("choose one of the reports", field="report"))
    if form not in FORMS.get(report, (form,)):
        known = ", ".join(FORMS[report])
        faults.note(UserError("this report has no such form: use %(known)s", field="form", known=known))
    if every not in EVERY:
        faults.note(UserError("choose every month or every quarter", field="every"))
    if not 1 <= day <= 28:
        faults.note(UserError("choose a day from 1 to 28, which every month has", field="day"))
    found = _addresses(recipients)
    if not found or not all(map(_ADDRESS.fullmatch, found)):
        faults.note(UserError("write one or more e-mail addresses, one a line", field="recipients"))
    if len(found) > MOST_READERS:
        faults.note(UserError("write at most %(most)s addresses", field="recipients", most=MOST_READERS))
    faults.tell()


def _addresses(typed: str) -> list[str]:
    return list(dict.fromkeys(typed.replace(",", " ").replace(";", " ").split()))


def _set(schedule: ReportSchedule, *, report: str, form: str, every: str, day: int, recipients: str) -> None:
    check(report=report, form=form, every=every, day=day, recipients=recipients)
    schedule.report, schedule.form, schedule.every, schedule.day = report, form, every, day
    schedule.recipients = "\n".join(_addresses(recipients))


def remove(session: Session, schedule_id: int, *, actor: str) -> None:
    """Forget a schedule and what it sent. Raises NotFound."""
    schedule = one(session, schedule_id)
    session.execute(
        delete(ReportMail).where(
            ReportMail.tenant_id == schedule.tenant_id, ReportMail.schedule_id == schedule.id
        )
    )
    session.delete(schedule)
    _record(session, "remove", schedule, actor)


def schedules(session: Session) -> Sequence[ReportSchedule]:
    """Those of the tenants in scope, oldest first."""
    mine = ReportSchedule.tenant_id.in_(scope_of(session).tenant_ids)
    return session.execute(select(ReportSchedule).where(mine).order_by(ReportSchedule.id)).scalars().all()


def one(session: Session, schedule_id: int) -> ReportSchedule:
    """One of them. Raises NotFound."""
    mine = ReportSchedule.tenant_id.in_(scope_of(session).tenant_ids)
    query = select(ReportSchedule).where(mine, ReportSchedule.id == schedule_id)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such scheduled report")
    return found


def mails(session: Session, schedule: ReportSchedule | None = None, limit: int = 100) -> Sequence[ReportMail]:
    """What went or is to go, newest first: of the tenants in scope, or of one schedule."""
    query = select(ReportMail).where(ReportMail.tenant_id.in_(scope_of(session).tenant_ids))
    if schedule is not None:
        query = query.where(ReportMail.schedule_id == schedule.id)
    return session.execute(query.order_by(ReportMail.id.desc()).limit(limit)).scalars().all()


def again(session: Session, schedule_id: int, mail_id: int, *, actor: str) -> None:
    """Send a report once more that failed, or of which nobody knows whether it went. Raises NotFound."""
    schedule = one(session, schedule_id)
    found = session.execute(
        update(ReportMail)
        .where(
            ReportMail.tenant_id == schedule.tenant_id, ReportMail.schedule_id == schedule.id,
            ReportMail.id == mail_id, ReportMail.state.in_(["failed", "unknown"]),
        )
        .values(state="waiting", attempts=0, next_at=clock.now(), handed_at=None)
        .returning(ReportMail.id)
    ).scalar_one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("no such report that could be sent again")
    ask(session)
    _record(session, "again", schedule, actor, mail=mail_id)


def ask(session: Session, at: datetime | None = None) -> None:
    """Have a worker send what is due for the tenant in scope: now, or at a later moment."""
    key = f"report-mails:{scope_of(session).tenant()}" + (f":{at:%Y%m%d%H%M}" if at else "")
    jobs.enqueue(session, JOB, queue="bulk", run_at=at, unique_key=key)


def note_due(session: Session) -> int:
    """Write down the reports of the tenant in scope whose day has come, each once; how many are new."""
    scope, now = scope_of(session), clock.now()
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    rows = [
        {"tenant_id": scope.tenant(), "schedule_id": schedule.id, "period": str(period), "state": "waiting",
         "attempts": 0, "created_at": now, "next_at": now}
        for schedule in schedules(session) if schedule.active
        for period in _due(schedule, zone, now)
    ]  # fmt: skip
    if not rows:
        return 0
    new = session.execute(insert(ReportMail).on_conflict_do_nothing().returning(ReportMail.id), rows).all()
    return len(new)


def _due(schedule: ReportSchedule, zone: ZoneInfo, now: datetime) -> Iterator[Period]:
    """The periods whose day came since the schedule was made."""
    month = now.astimezone(zone).date().replace(day=1)
    for _ in range(_LOOK_BACK):
        moment = datetime.combine(month.replace(day=schedule.day), _AT, zone).astimezone(UTC)
        if schedule.created_at <= moment <= now and (schedule.every == "month" or month.month % 3 == 1):
            yield period_before(month, schedule.every)
        month = _month_before(month)


def period_before(month: date, every: str) -> Period:
    """The month, or the three months, before this one."""
    last = _month_before(month)
    first = last if every == "month" else _month_before(_month_before(last))
    return Period(first, last)


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _record(session: Session, what: str, schedule: ReportSchedule, actor: str, **details: object) -> None:
    audit.record(
        session, f"reports.schedule_{what}", f"report_schedule:{schedule.id}", actor=actor,
        tenant_id=schedule.tenant_id, report=schedule.report, form=schedule.form, **details,
    )  # fmt: skip
