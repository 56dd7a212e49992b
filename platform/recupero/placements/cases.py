"""Matters of debtors that somebody must settle, as holds: complaints, disputes, hardship; each with the day
by which it should be.

A complaint or a dispute is due so many days after it was opened, as the creditor's setting has it; a rest for
hardship is looked at again when it ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, UserError
from recupero.kernel.listing import Part, arranged
from recupero.placements.service import is_open
from recupero.placements.tables import Account, Debtor, Hold
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service

KINDS = ("complaint", "dispute", "hardship")
#: Days within which a matter is answered where the creditor has set none: mid values of ours. Where a law has
#: a shorter term (Spain: 15 working days for a complaint, Ley 10/2025), the creditor sets it.
ANSWERED_WITHIN: Mapping[str, int] = {"complaint": 15, "dispute": 30}
SETTING = "answered_within"
MOST_DAYS = 365
SOON = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Case:
    """One open matter: of one account, or (account None) of all that the debtor owes."""

    hold_id: int
    tenant_id: int
    debtor_id: int
    debtor: str
    account_id: int | None
    client_account: str | None
    kind: str
    source: str
    since: datetime
    due: datetime | None

    def urgency(self, now: datetime) -> str | None:
        """`late` past its day, `soon` where that is near, else None."""
        if self.due is None:
            return None
        return "late" if self.due < now else "soon" if self.due < now + SOON else None


def cases(
    session: Session, part: Part, *, kind: str | None = None, tenant_id: int | None = None, state: str = ""
) -> list[Case]:
    """Open matters of the tenants in scope, those due first at the top. `state`: only those `late`, or `soon`
    due as well."""
    due = _due(session)
    query = _open(due).where(Hold.tenant_id.in_(scope_of(session).tenant_ids), Hold.kind.in_(KINDS))
    if kind:
        query = query.where(Hold.kind == kind)
    if tenant_id:
        query = query.where(Hold.tenant_id == tenant_id)
    if state:
        query = query.where(due < clock.now() + (SOON if state == "soon" else timedelta(0)))
    by = {"kind": Hold.kind, "since": Hold.started_at, "due": due, "account": Account.client_account}
    rows = session.execute(arranged(query, by, part, due.asc().nulls_last(), Hold.id))
    return [Case(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Complained:
    """One complaint, open or settled (`ended`), of one account or (account None) of all that the debtor owes;
    who complained is not among it."""

    hold_id: int
    account_id: int | None
    client_account: str | None
    portfolio_id: int | None
    since: datetime
    due: datetime | None
    ended: datetime | None

    def state(self, now: datetime) -> str:
        """`ended`, `late` past its day, else `open`."""
        if self.ended is not None and self.ended <= now:
            return "ended"
        return "late" if self.due is not None and self.due < now else "open"


def complaints(session: Session, part: Part, *, state: str = "") -> list[Complained]:
    """Complaints of the tenants in scope, the newest first; with `state` only those `open` (late ones too),
    `late` or `ended`."""
    due = _due(session)
    query = (
        select(
            Hold.id, Hold.account_id, Account.client_account, Account.portfolio_id, Hold.started_at, due,
            Hold.ended_at,
        )
        .outerjoin(Account, (Account.tenant_id == Hold.tenant_id) & (Account.id == Hold.account_id))
        .where(Hold.tenant_id.in_(scope_of(session).tenant_ids), Hold.kind == "complaint")
    )  # fmt: skip
    if state:
        query = query.where(~is_open() if state == "ended" else is_open())
    if state == "late":
        query = query.where(due < clock.now())
    by = {"since": Hold.started_at, "due": due, "number": Account.client_account, "ended": Hold.ended_at}
    rows = session.execute(arranged(query, by, part, Hold.started_at.desc(), Hold.id))
    return [Complained(*row) for row in rows]


def late(session: Session) -> dict[str, int]:
    """How many matters of the tenants in scope are past their day, by kind."""
    rows = session.execute(
        select(Hold.kind, func.count())
        .where(
            Hold.tenant_id.in_(scope_of(session).tenant_ids), Hold.kind.in_(KINDS), is_open(),
            _due(session) < clock.now(),
        )
        .group_by(Hold.kind)
    )  # fmt: skip
    return {row[0]: row[1] for row in rows}


def _open(due: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    of_account = (Account.tenant_id == Hold.tenant_id) & (Account.id == Hold.account_id)
    return (
        select(
            Hold.id, Hold.tenant_id, Hold.debtor_id, Debtor.name, Hold.account_id, Account.client_account,
            Hold.kind, Hold.source, Hold.started_at, due,
        )
        .join(Debtor, (Debtor.tenant_id == Hold.tenant_id) & (Debtor.id == Hold.debtor_id))
        .outerjoin(Account, of_account)
        .where(is_open())
    )  # fmt: skip


def _due(session: Session) -> ColumnElement[Any]:
    """By when each matter is to be settled: its own last day, or as many days after its beginning as its
    creditor has set."""
    within = [
        ((Hold.tenant_id == one.id) & (Hold.kind == kind), literal(timedelta(days=days)))
        for one in tenancy.tenants(session)
        for kind, days in answered_within(one.settings).items()
    ]
    counted = Hold.started_at + case(*within) if within else literal(None)
    return func.coalesce(case((Hold.kind == "hardship", Hold.until)), counted)


def answered_within(settings: Mapping[str, Any]) -> dict[str, int]:
    """Days within which complaints and disputes are answered, by a creditor's settings."""
    return {**ANSWERED_WITHIN, **settings.get(SETTING, {})}


def set_answered_within(session: Session, days: Mapping[str, int], *, actor: str) -> None:
    """Keep these for the tenant in scope. Raises UserError at the kind whose days are none."""
    faults = Faults()
    for kind, number in days.items():
        if not 1 <= number <= MOST_DAYS:
            faults.note(UserError("choose from 1 to %(most)s days", field=kind, most=MOST_DAYS))
    faults.tell()
    tenancy_service.configure_tenant(
        session, scope_of(session).tenant(), actor=actor, **{SETTING: dict(days)}
    )
