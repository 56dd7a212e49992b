"""Hardship: a case suspends work on everything the debtor owes here; closing it lets work go on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.payments.events import HardshipOver
from recupero.payments.offers.offer_tables import HardshipCase, Plan, Settlement
from recupero.payments.offers.plan_standing import Rest
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.debts import HeldFor, held_for, who_owes
from recupero.placements.events import HoldsEnded

#: The kind of the hold that a case opens. Agents open one without a case, too; plans rest all the same.
HOLD = "hardship"
KINDS = (
    "job_loss", "less_income", "illness", "bereavement", "separation", "care", "over_indebted", "disaster",
    "other",
)  # fmt: skip
#: Severity, and for how many days work rests where nobody says otherwise.
SEVERITIES = {"low": 30, "medium": 60, "high": 90}
MOST_DAYS = 365
#: Of an end that was noticed later than that, nobody is told any more.
TOLD_WITHIN = timedelta(days=14)


def open_case(
    session: Session,
    *,
    debtor_id: int,
    kind: str,
    severity: str,
    opened_with: str,
    opened_by: str,
    hold_days: int | None = None,
    note: str | None = None,
    evidence: str | None = None,
) -> HardshipCase:
    """Open a case for a debtor of the tenant in scope: work on all their accounts rests for `hold_days`.
    Raises NotFound, Conflict where one is open, or UserError."""
    who_owes(session, debtor_id)
    days = SEVERITIES.get(severity, 0) if hold_days is None else hold_days
    faults = Faults()
    if kind not in KINDS:
        faults.note(UserError("choose what happened", field="kind"))
    if severity not in SEVERITIES:
        faults.note(UserError("choose how severe it is", field="severity"))
    elif not 1 <= days <= MOST_DAYS:
        faults.note(UserError("work rests from 1 to %(most)s days", field="hold_days", most=MOST_DAYS))
    faults.tell()
    if open_of(session, debtor_id) is not None:
        raise Conflict("a hardship case is open already: close it before opening another")
    tenant, now = scope_of(session).tenant(), clock.now()
    until = now + timedelta(days=days)
    hold_id = placements.open_hold(
        session, debtor_id=debtor_id, account_id=None, kind=HOLD, source=f"hardship:{kind}", until=until
    )
    case = HardshipCase(
        tenant_id=tenant, debtor_id=debtor_id, kind=kind, severity=severity, hold_id=hold_id, until=until,
        note=note or None, evidence=evidence or None, opened_at=now, opened_with=opened_with,
        opened_by=opened_by,
    )  # fmt: skip
    session.add(case)
    session.flush()
    _record(
        session, "payments.hardship_opened", case, opened_by, kind=kind, severity=severity, days=str(days)
    )
    return case


def close_case(session: Session, case_id: int, *, actor: str, outcome: str) -> None:
    """End a case and its hold. Raises NotFound, Conflict where it has ended, UserError without an outcome."""
    case = session.execute(
        select(HardshipCase)
        .where(HardshipCase.tenant_id.in_(scope_of(session).tenant_ids), HardshipCase.id == case_id)
        .with_for_update()
    ).scalar_one_or_none()
    if case is None:
        raise NotFound("no such hardship case")
    if case.closed_at is not None:
        raise Conflict("this case is closed already")
    if not outcome.strip():
        raise UserError("say what came of it", field="outcome")
    case.closed_at, case.closed_by, case.outcome = clock.now(), actor, outcome.strip()
    session.flush()
    placements.end_debtor_holds(session, case.debtor_id, HOLD, by=actor)
    _record(session, "payments.hardship_closed", case, actor)


def on_holds_ended(session: Session, event: HoldsEnded) -> None:
    """Raises Conflict where work would go on while a case of hardship is open."""
    if event.kind != HOLD:
        return
    for debtor_id in event.debtor_ids:
        case = open_of(session, debtor_id)
        holds = reach.open_holds(session, [debtor_id]).get(debtor_id, ())
        if case is not None and case.hold_id not in {hold.id for hold in holds}:
            raise Conflict("a hardship case is open: close it, saying what came of it")


def end_run_out(session: Session) -> int:
    """End the hardship of the tenant in scope whose days are over; how many. Plans that rested go on; of
    other debtors, and where it was severe, `HardshipOver` tells, unless that was long ago."""
    ended = placements.end_run_out(session, HOLD)
    found = session.execute(
        select(HardshipCase).where(
            HardshipCase.tenant_id == scope_of(session).tenant(), HardshipCase.closed_at.is_(None),
            among(HardshipCase.hold_id, [one.hold_id for one in ended]),
        )
    ).scalars().all()  # fmt: skip
    for case in found:
        _record(session, "payments.hardship_ran_out", case, "system")
    severe = {case.hold_id for case in found if case.severity == "high"}
    by_debtor: dict[int, list[placements.RanOut]] = {}
    for one in ended:
        if one.until is not None and one.until > clock.now() - TOLD_WITHIN:
            by_debtor.setdefault(one.debtor_id, []).append(one)
    for debtor_id, holds in by_debtor.items():
        _tell_over(session, debtor_id, holds, severe=any(one.hold_id in severe for one in holds))
    return len(ended)


def _tell_over(session: Session, debtor_id: int, holds: Sequence[placements.RanOut], *, severe: bool) -> None:
    """Publish `HardshipOver` for what these holds held and no other hardship does."""
    still = [one for one in reach.open_holds(session, [debtor_id]).get(debtor_id, ()) if one.kind == HOLD]
    held, resting = {one.account_id for one in holds}, {one.account_id for one in still}
    mine = reach.accounts_of(session, [debtor_id]).get(debtor_id, [])
    free = [
        one for one in mine
        if (None in held or one in held) and None not in resting and one not in resting
    ]  # fmt: skip
    goes_on = select(Plan.id).where(
        Plan.tenant_id == scope_of(session).tenant(), Plan.state == "running", Plan.account_ids.overlap(free)
    )
    if free and (severe or session.execute(goes_on.limit(1)).first() is None):
        events.publish(session, HardshipOver(debtor_id, tuple(free), severe))


def open_of(session: Session, debtor_id: int) -> HardshipCase | None:
    """The case of a debtor that is neither closed nor past its days."""
    return next(
        (one for one in cases_of(session, debtor_id) if one.closed_at is None and one.until > clock.now()),
        None,
    )


def cases_of(session: Session, debtor_id: int) -> Sequence[HardshipCase]:
    """The cases of a debtor of the tenants in scope, newest first."""
    query = select(HardshipCase).where(
        HardshipCase.tenant_id.in_(scope_of(session).tenant_ids), HardshipCase.debtor_id == debtor_id
    )
    return session.execute(query.order_by(HardshipCase.id.desc())).scalars().all()


@dataclass(frozen=True, slots=True)
class Pause:
    """Hardship lets an agreement rest now; `until` None: nobody knows yet how long."""

    until: datetime | None


def pauses(session: Session, debtor_ids: Collection[int]) -> list[HeldFor]:
    """When these debtors of the tenant in scope were, are and will be in hardship, oldest first."""
    found = [hold for hold in held_for(session, debtor_ids) if hold.kind == HOLD]
    return sorted(found, key=lambda hold: hold.begin)


def pause_of(session: Session, agreed: Plan | Settlement) -> Pause | None:
    """The pause that a plan or settlement of the tenant in scope is in now, if it is in one."""
    ends = [
        hold.end
        for hold in pauses(session, [agreed.debtor_id])
        if _covers(hold, agreed) and (hold.end is None or hold.end > clock.now())
    ]
    known = [end for end in ends if end is not None]
    return Pause(max(known) if len(known) == len(ends) else None) if ends else None


def rests(held: Sequence[HeldFor], agreed: Plan | Settlement, since: datetime, zone: ZoneInfo) -> list[Rest]:
    """Those of `pauses` that let a plan or settlement rest that was agreed at `since`, as days."""
    found = []
    for hold in held:
        end = hold.end or max(hold.begin, clock.now())
        if _covers(hold, agreed) and end > since:
            first, last = hold.begin.astimezone(zone).date(), end.astimezone(zone).date()
            found.append(Rest(first, last, foreseen=hold.begin < since))
    return found


def _covers(hold: HeldFor, agreed: Plan | Settlement) -> bool:
    whole = hold.account_id is None or hold.account_id in agreed.account_ids
    return hold.debtor_id == agreed.debtor_id and whole


def _record(session: Session, action: str, case: HardshipCase, actor: str, **details: str) -> None:
    audit.record(
        session, action, f"hardship:{case.id}", actor=actor, tenant_id=case.tenant_id,
        debtor_id=case.debtor_id, **details,
    )  # fmt: skip
