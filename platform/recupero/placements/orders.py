"""What a creditor orders for accounts of its own: to rest them, to let work go on, to take them back.

An order takes effect at once: what waits in queues is stopped in the transaction that writes it, since the
rooms above listen to `HoldsOpened`, `AccountsClosed` and `AccountsRecalled`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select, union, update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.listing import Part, arranged, begins
from recupero.placements import service
from recupero.placements.lifecycle import ENDED
from recupero.placements.tables import Account, Debtor, Hold, Portfolio
from recupero.tenancy import queries as tenancy

KIND = "client"  # the hold that a creditor opens and ends
MOST = 5_000  # accounts of one order; more come as a file
LONGEST = 500  # characters of a reason
FURTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account as its creditor sees it. Money in minor units of `currency`. `held`: something stops the
    work, `rests`: the creditor's own hold does."""

    id: int
    client_account: str
    reference: str | None
    portfolio_id: int
    portfolio: str
    currency: str
    placed_on: date
    placed_minor: int
    balance_minor: int
    due_date: date
    status: str
    stage: str
    close_code: str | None
    held: bool
    rests: bool

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """What the creditor's list is narrowed to; None means all. `number`: of the account or the debtor."""

    number: str = ""
    portfolio_id: int | None = None
    status: str | None = None
    stage: str | None = None
    held: bool | None = None


SORTS = {
    "number": Account.client_account, "portfolio": Portfolio.name, "placed_on": Account.placed_on,
    "placed": Account.placed_minor, "balance": Account.balance_minor, "due": Account.due_date,
    "status": Account.status, "stage": Account.stage,
}  # fmt: skip


def accounts(session: Session, wanted: OwnFilter, part: Part) -> list[OwnAccount]:
    """Accounts of the tenants in scope, newest first unless the part says otherwise."""
    query, newest = _own(session).where(*_conditions(wanted)), Account.id.desc()
    if number := wanted.number.strip():
        # The first rows by each way are found by its own index; a disjunction would be looked for in all.
        reach = replace(part, offset=0, limit=None if part.limit is None else part.offset + part.limit)
        first = [
            arranged(query.with_only_columns(Account.id).where(way), SORTS, reach, newest).subquery()
            for way in (begins(Account.client_account, number), Debtor.client_reference == number)
        ]
        query = query.where(Account.id.in_(union(*(select(one) for one in first))))
    rows = session.execute(arranged(query, SORTS, part, newest))
    return [OwnAccount(*row) for row in rows]


def account(session: Session, account_id: int) -> OwnAccount:
    """One of them. Raises NotFound."""
    row = session.execute(_own(session).where(Account.id == account_id)).one_or_none()
    if row is None:
        raise NotFound("no such account")
    return OwnAccount(*row)


def chosen(session: Session, account_ids: Collection[int]) -> list[OwnAccount]:
    """These accounts, by number. Raises NotFound where one is not of the tenants in scope, UserError where
    they are too many for one order."""
    _check_number(account_ids)
    rows = session.execute(
        _own(session).where(among(Account.id, account_ids)).order_by(Account.client_account, Account.id)
    )
    found = [OwnAccount(*row) for row in rows]
    if len(found) < len(set(account_ids)):
        raise NotFound("no such account")
    return found


def named(session: Session, numbers: Collection[str]) -> tuple[list[int], list[str]]:
    """Ids of the accounts that have these numbers at their creditor, and the numbers that none has."""
    _check_number(numbers)
    rows = session.execute(
        select(Account.id, Account.client_account).where(
            _mine(session), among(Account.client_account, numbers)
        )
    ).all()
    known = {row.client_account for row in rows}
    return [row.id for row in rows], [number for number in dict.fromkeys(numbers) if number not in known]


def _check_number(named: Collection[object]) -> None:
    if not named:
        raise UserError("choose at least one account", field="accounts")
    if len(named) > MOST:
        raise UserError(
            "at most %(most)s accounts at once: send a file for more", field="accounts", most=MOST
        )


def hold(
    session: Session, account_ids: Collection[int], *, until: date | None, why: str, actor: str
) -> list[int]:
    """Rest the accounts that are still worked, to the end of the day `until` or until they are let go on; of
    those that rest already only the last day changes. These ids; each in the audit trail with the reason.

    Raises NotFound, UserError at a day that is past or too far, or without a reason.
    """
    why, ends = _reason(why), _end_of(session, until)
    worked = [one for one in chosen(session, account_ids) if not one.ended]
    resting = [one.id for one in worked if one.rests]
    session.execute(
        update(Hold)
        .where(Hold.tenant_id == scope_of(session).tenant(), among(Hold.account_id, resting), _open_ones())
        .values(until=ends)
    )
    owes = _debtors(session, [one.id for one in worked if not one.rests])
    tenant, now = scope_of(session).tenant(), clock.now()
    session.add_all(
        Hold(
            tenant_id=tenant, debtor_id=debtor, account_id=account_id, kind=KIND, source=actor,
            started_at=now, until=ends,
        )
        for account_id, debtor in owes
    )  # fmt: skip
    session.flush()
    service.tell_opened(session, [(debtor, account_id, KIND) for account_id, debtor in owes])
    return _told(session, "hold", [one.id for one in worked], actor, why, until)


def release(session: Session, account_ids: Collection[int], *, why: str, actor: str) -> list[int]:
    """Let work go on where the creditor's own hold stopped it; ids of these accounts. Raises NotFound,
    UserError without a reason."""
    why = _reason(why)
    resting = [one.id for one in chosen(session, account_ids) if one.rests]
    service.end_holds(session, resting, KIND, by=actor)
    return _told(session, "release", resting, actor, why)


def recall(session: Session, account_ids: Collection[int], *, why: str, actor: str) -> list[int]:
    """Take accounts that are still worked back; ids of these. Raises NotFound, UserError without a reason."""
    why = _reason(why)
    worked = [one.id for one in chosen(session, account_ids) if not one.ended]
    recalled = service.recall_accounts(session, worked)
    return _told(session, "recall", recalled, actor, why)


def _told(
    session: Session, what: str, account_ids: Sequence[int], actor: str, why: str, until: date | None = None
) -> list[int]:
    details = {"why": why} | ({"until": until.isoformat()} if until else {})
    audit.record_each(
        session, f"placements.creditor_{what}", [(f"account:{one}", details) for one in account_ids],
        actor=actor, tenant_id=scope_of(session).tenant(),
    )  # fmt: skip
    return list(account_ids)


def _reason(why: str) -> str:
    if not why.strip():
        raise UserError("say why", field="why")
    if len(why) > LONGEST:
        raise UserError("At most %(most)s characters fit here.", field="why", most=LONGEST)
    return why.strip()


def _end_of(session: Session, until: date | None) -> datetime | None:
    if until is None:
        return None
    zone = tenancy.tenant(session).timezone
    today = clock.today(zone)
    if until < today:
        raise UserError("choose today or a later day", field="until")
    if until > today + FURTHEST:
        raise UserError("choose a day within a year", field="until")
    return datetime.combine(until, time.max, ZoneInfo(zone))


def _debtors(session: Session, account_ids: Collection[int]) -> list[tuple[int, int]]:
    rows = session.execute(
        select(Account.id, Account.debtor_id)
        .where(_mine(session), among(Account.id, account_ids))
        .order_by(Account.id)
    )
    return [(row.id, row.debtor_id) for row in rows]


def _own(session: Session) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Account.id, Account.client_account, Debtor.client_reference, Account.portfolio_id, Portfolio.name,
            Account.currency, Account.placed_on, Account.placed_minor, Account.balance_minor,
            Account.due_date, Account.status, Account.stage, Account.close_code, _held(), _rests(),
        )
        .join(Debtor, (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id))
        .join(Portfolio, (Portfolio.tenant_id == Account.tenant_id) & (Portfolio.id == Account.portfolio_id))
        .where(_mine(session))
    )  # fmt: skip


def _mine(session: Session) -> ColumnElement[bool]:
    return Account.tenant_id.in_(scope_of(session).tenant_ids)


def _open_ones() -> ColumnElement[bool]:
    return and_(Hold.kind == KIND, service.is_open())


def _held() -> ColumnElement[bool]:
    on_it = or_(Hold.account_id.is_(None), Hold.account_id == Account.id)
    of_debtor = (Hold.tenant_id == Account.tenant_id) & (Hold.debtor_id == Account.debtor_id)
    return select(Hold.id).where(of_debtor, service.is_open(), on_it).exists()


def _rests() -> ColumnElement[bool]:
    of_debtor = (Hold.tenant_id == Account.tenant_id) & (Hold.debtor_id == Account.debtor_id)
    return select(Hold.id).where(of_debtor, Hold.account_id == Account.id, _open_ones()).exists()


def _conditions(wanted: OwnFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.portfolio_id is not None:
        found.append(Account.portfolio_id == wanted.portfolio_id)
    if wanted.status is not None:
        found.append(Account.status == wanted.status)
    if wanted.stage is not None:
        found.append(Account.stage == wanted.stage)
    if wanted.held is not None:
        found.append(_held() if wanted.held else ~_held())
    return found
