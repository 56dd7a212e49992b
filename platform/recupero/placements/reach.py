"""What the rooms above need to reach people: accounts with their debtor, contact points and open holds.

Everything is asked for many accounts at once, one query each, in the scope of one tenant or of several.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, REAL, BigInteger, bindparam, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from recupero.kernel import clock, crypto
from recupero.kernel.bulk import among, any_of
from recupero.kernel.database import scope_of
from recupero.kernel.statements import Parameters, Statement
from recupero.placements import normalise
from recupero.placements.lifecycle import ENDED
from recupero.placements.service import is_open
from recupero.placements.tables import Account, ContactPoint, Debtor, Hold, Person, Place, Portfolio, place_of


@dataclass(frozen=True, slots=True)
class Reachable:
    """One account and the debtor who owes it. Money in minor units of `currency`."""

    tenant_id: int
    account_id: int
    debtor_id: int
    person_id: int
    portfolio_id: int
    client_account: str
    product: str | None
    original_creditor: str | None
    currency: str
    open_date: date | None
    due_date: date
    placed_on: date
    balance_minor: int
    interest_minor: int
    costs_minor: int  # fees and costs of collection as placed
    status: str
    name: str
    country: str
    region: str | None
    timezone: str | None
    language: str
    postal_code: str | None = None
    law: Mapping[str, Any] = field(default_factory=dict)  # what the portfolio states for the law
    last_payment_date: date | None = None  # as the creditor's file told it

    @property
    def ended(self) -> bool:
        """Whether nothing is to be collected any more."""
        return self.status in ENDED or self.balance_minor <= 0


@dataclass(frozen=True, slots=True)
class Point:
    """A way to reach a debtor, readable."""

    id: int
    debtor_id: int
    kind: str
    value: str
    line_type: str | None
    timezone: str | None
    at_work: bool
    status: str
    region: str | None
    created_at: datetime
    score: float | None = None  # chance that it reaches the right person, where a model says so

    @property
    def place(self) -> Place:
        """Sorts the points of a debtor: see `place_of`."""
        return place_of(self.score, self.status, self.created_at, self.id)


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold that stands now, on one account or (account None) on everything of the debtor."""

    id: int
    debtor_id: int
    account_id: int | None
    kind: str
    started_at: datetime
    until: datetime | None


_REACHABLE = Statement(
    select(
        Account.tenant_id, Account.id, Account.debtor_id, Debtor.person_id, Account.portfolio_id,
        Account.client_account, Account.product, Account.original_creditor, Account.currency,
        Account.open_date, Account.due_date, Account.placed_on, Account.balance_minor,
        Account.interest_minor, Account.cost_minor + Account.fee_minor, Account.status,
        Debtor.name, Debtor.country, Debtor.region, Debtor.timezone, Debtor.language,
        Debtor.postal_code, Portfolio.law, Account.last_payment_date,
    )
    .join(Debtor, (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id))
    .join(Portfolio, (Portfolio.tenant_id == Account.tenant_id) & (Portfolio.id == Account.portfolio_id))
    .where(any_of(Account.tenant_id, "tenants"), any_of(Account.id, "accounts"))
)  # fmt: skip


def reachable(session: Session, account_ids: Collection[int]) -> dict[int, Reachable]:
    """Accounts in scope by id; an id out of scope is left out."""
    rows = _REACHABLE.rows(session, _asked(session, accounts=account_ids))
    return {row[1]: Reachable(*row) for row in rows}


def account_ids(session: Session) -> list[int]:
    """Every account in scope that is still worked."""
    return list(
        session.execute(
            select(Account.id)
            .where(Account.tenant_id.in_(scope_of(session).tenant_ids), Account.status.not_in(ENDED))
            .order_by(Account.id)
        ).scalars()
    )


def called(session: Session, name: str) -> list[int]:
    """Ids of the accounts in scope that have this id, or else this number at their creditor."""
    mine = Account.tenant_id.in_(scope_of(session).tenant_ids)
    if name.isdecimal() and len(name) < 19:
        found = session.execute(select(Account.id).where(mine, Account.id == int(name))).scalars().all()
        if found:
            return list(found)
    numbered = select(Account.id).where(mine, Account.client_account == name).order_by(Account.id)
    return list(session.execute(numbered).scalars())


_POINT = select(
    ContactPoint.id, ContactPoint.debtor_id, ContactPoint.kind, ContactPoint.value,
    ContactPoint.line_type, ContactPoint.timezone, ContactPoint.at_work, ContactPoint.status,
    ContactPoint.region, ContactPoint.created_at, ContactPoint.score,
).where(any_of(ContactPoint.tenant_id, "tenants"))  # fmt: skip
_POINTS = Statement(_POINT.where(any_of(ContactPoint.id, "points")))
_POINTS_OF = Statement(
    _POINT.where(any_of(ContactPoint.debtor_id, "debtors"), ContactPoint.status != "invalid")
)


def points_of(session: Session, debtor_ids: Collection[int]) -> dict[int, list[Point]]:
    """Contact points by debtor that are not known to be invalid, the best first (see `Point.place`)."""
    found: dict[int, list[Point]] = defaultdict(list)
    for row in _POINTS_OF.rows(session, _asked(session, debtors=debtor_ids)):
        point = Point(*row)
        found[point.debtor_id].append(point)
    for points in found.values():
        points.sort(key=lambda point: point.place)
    return found


def points(session: Session, point_ids: Collection[int]) -> dict[int, Point]:
    """Contact points by id, whatever their status."""
    rows = _POINTS.rows(session, _asked(session, points=point_ids))
    return {row[0]: Point(*row) for row in rows}


def _asked(session: Session, **ids: Collection[int]) -> dict[str, Any]:
    """Parameters of the statements of this module: the tenants in scope, and ids."""
    asked = {name: sorted(values) for name, values in ids.items()}
    return {"tenants": list(scope_of(session).tenant_ids), **asked}


def points_at(session: Session, kind: str, value: str) -> list[tuple[int, int]]:
    """Debtor and contact point for whoever of the tenants in scope has this number (E.164) or address,
    whatever its status."""
    key = normalise.phone_key(value) if kind == "phone" else normalise.email_key(value)
    rows = session.execute(
        select(ContactPoint.debtor_id, ContactPoint.id)
        .where(
            ContactPoint.tenant_id.in_(scope_of(session).tenant_ids),
            ContactPoint.value_index == crypto.keyring().blind_index(key),
        )
        .order_by(ContactPoint.id)
    )
    return [(row[0], row[1]) for row in rows]


def accounts_of(session: Session, debtor_ids: Collection[int]) -> dict[int, list[int]]:
    """Accounts of each debtor in scope: those still worked first, of these the largest balance first."""
    rows = session.execute(
        select(Account.debtor_id, Account.id)
        .where(Account.tenant_id.in_(scope_of(session).tenant_ids), Account.debtor_id.in_(debtor_ids))
        .order_by(Account.status.in_(ENDED), Account.balance_minor.desc(), Account.id)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for debtor_id, account_id in rows:
        found[debtor_id].append(account_id)
    return found


_OWING = Statement(
    select(Account.debtor_id, Account.currency, Account.id).where(
        any_of(Account.tenant_id, "tenants"), any_of(Account.debtor_id, "debtors"),
        Account.status.not_in(ENDED), Account.balance_minor > 0,
    )
)  # fmt: skip


def owing(session: Session, debtor_ids: Collection[int]) -> dict[tuple[int, str], list[int]]:
    """The accounts of these debtors on which something is to be collected, by debtor and currency."""
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for debtor_id, currency, account_id in _OWING.rows(session, _asked(session, debtors=debtor_ids)):
        found[debtor_id, currency].append(account_id)
    return found


def debtors_of(session: Session, account_ids: Collection[int]) -> dict[int, int]:
    """The debtor of each account in scope."""
    rows = session.execute(
        select(Account.id, Account.debtor_id).where(
            Account.tenant_id.in_(scope_of(session).tenant_ids), among(Account.id, account_ids)
        )
    )
    return {row.id: row.debtor_id for row in rows}


_HOLDS = Statement(
    select(Hold.id, Hold.debtor_id, Hold.account_id, Hold.kind, Hold.started_at, Hold.until).where(
        any_of(Hold.tenant_id, "tenants"), any_of(Hold.debtor_id, "debtors"), is_open(bindparam("now"))
    )
)


def open_holds(session: Session, debtor_ids: Collection[int]) -> dict[int, list[OpenHold]]:
    """Holds that stand now, by debtor."""
    found: dict[int, list[OpenHold]] = defaultdict(list)
    for row in _HOLDS.rows(session, _asked(session, debtors=debtor_ids) | {"now": clock.now()}):
        found[row[1]].append(OpenHold(*row))
    return found


def asks(
    session: Session, account_ids: Collection[int], debtor_ids: Collection[int]
) -> list[tuple[Statement, Parameters]]:
    """What `reachable` asks of these accounts, and `points_of`, `open_holds` and `owing` of these debtors,
    for `statements.asked_together`."""
    theirs = _asked(session, debtors=debtor_ids)
    return [
        (_REACHABLE, _asked(session, accounts=account_ids)), (_POINTS_OF, theirs),
        (_HOLDS, theirs | {"now": clock.now()}), (_OWING, theirs),
    ]  # fmt: skip


def settled(session: Session, account_ids: Collection[int]) -> list[int]:
    """Those of the accounts on which nothing is owed any more."""
    return list(
        session.execute(
            select(Account.id).where(
                Account.tenant_id.in_(scope_of(session).tenant_ids),
                among(Account.id, account_ids),
                or_(Account.balance_minor <= 0, Account.status.in_(ENDED)),
            )
        ).scalars()
    )


_LOCK = Statement(
    select(Person.id)
    .where(Person.agency_id == bindparam("agency"), any_of(Person.id, "people"))
    .order_by(Person.id)
    .with_for_update()
)


def lock_people(session: Session, person_ids: Collection[int]) -> None:
    """Hold these people of the agency until the transaction ends; always in the same order, so that two
    transactions over the same people never wait for each other in a ring."""
    _LOCK.rows(session, _people(session, person_ids))


def ask_lock(session: Session, person_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `lock_people` asks, for `statements.asked_together`."""
    return _LOCK, _people(session, person_ids)


def _people(session: Session, person_ids: Collection[int]) -> Parameters:
    return {"agency": scope_of(session).agency(), "people": sorted(set(person_ids))}


def try_person(session: Session, person_id: int) -> bool:
    """Hold this person of the agency until the transaction ends, or False at once where another transaction
    holds them now: whoever wants anybody rather than this one takes the next."""
    found = session.execute(
        select(Person.id)
        .where(Person.agency_id == scope_of(session).agency(), Person.id == person_id)
        .with_for_update(skip_locked=True)
    )
    return found.first() is not None


def mark_points(session: Session, point_ids: Sequence[int], status: str) -> None:
    """Note what sending taught about contact points: `valid` or `invalid`."""
    if not point_ids:
        return
    session.execute(
        update(ContactPoint)
        .where(ContactPoint.tenant_id.in_(scope_of(session).tenant_ids), ContactPoint.id.in_(point_ids))
        .values(status=status)
    )


# Points that somebody else is changing now are left for the next time: nobody waits in a ring.
_SCORED = text("""
WITH told AS (
    SELECT t.id, t.score, r.reasons
    FROM unnest(:ids, :scores) WITH ORDINALITY AS t(id, score, place)
    JOIN jsonb_array_elements(:reasons) WITH ORDINALITY AS r(reasons, place) USING (place)
), mine AS (
    SELECT k.id, told.score, told.reasons FROM told
    JOIN contact_points k ON k.tenant_id = :tenant AND k.id = told.id FOR UPDATE OF k SKIP LOCKED
)
UPDATE contact_points SET score = mine.score, score_reasons = mine.reasons
FROM mine WHERE contact_points.tenant_id = :tenant AND contact_points.id = mine.id
""").bindparams(
    bindparam("ids", type_=ARRAY(BigInteger)), bindparam("scores", type_=ARRAY(REAL)),
    bindparam("reasons", type_=JSONB),
)  # fmt: skip
_UNSCORED = (
    "UPDATE contact_points SET score = NULL, score_reasons = NULL WHERE tenant_id = :tenant AND id IN"
    " (SELECT id FROM contact_points WHERE tenant_id = :tenant AND score IS NOT NULL{theirs}"
    " FOR UPDATE SKIP LOCKED)"
)
_ALL_UNSCORED = text(_UNSCORED.format(theirs=""))
_SOME_UNSCORED = text(_UNSCORED.format(theirs=" AND debtor_id = ANY (:debtors)"))
#: Chances written at a time.
_SCORES = 20_000


def keep_scores(
    session: Session, ids: Sequence[int], scores: Sequence[float], reasons: Sequence[Any]
) -> None:
    """Keep how likely each of these points of the tenant in scope reaches the right person, and why: of each
    reason the feature, its value and what it adds to the log-odds."""
    for start in range(0, len(ids), _SCORES):
        part = slice(start, start + _SCORES)
        session.execute(
            _SCORED,
            {"tenant": scope_of(session).tenant(), "ids": ids[part], "scores": scores[part],
             "reasons": reasons[part]},
        )  # fmt: skip


def forget_scores(session: Session, debtors: Sequence[int] | None = None) -> None:
    """No chances are known of the points of the tenant in scope, or of these debtors: they stand in the order
    of the house."""
    asked: dict[str, Any] = {"tenant": scope_of(session).tenant()}
    if debtors is None:
        session.execute(_ALL_UNSCORED, asked)
    else:
        session.execute(_SOME_UNSCORED, asked | {"debtors": list(debtors)})


@dataclass(frozen=True, slots=True)
class Placed:
    """An account as it was placed, for those who follow placements (a simulation, an integration)."""

    account_id: int
    client_account: str
    placement_number: int
    placed_on: date
    due_date: date
    open_date: date | None
    placed_minor: int


def placed_after(session: Session, account_id: int) -> list[Placed]:
    """Accounts in scope with an id above `account_id`, in order."""
    rows = session.execute(
        select(
            Account.id,
            Account.client_account,
            Account.placement_number,
            Account.placed_on,
            Account.due_date,
            Account.open_date,
            Account.placed_minor,
        )
        .where(Account.tenant_id.in_(scope_of(session).tenant_ids), Account.id > account_id)
        .order_by(Account.id)
    )
    return [Placed(*row) for row in rows]
