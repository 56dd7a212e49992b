"""House rules of an agency and its tenants: kept in versions, put above the law when the gate is asked.

The newest version that has begun holds, for the agency and for each tenant. Both stand above the law at
once. Versions are never changed, so that a contact is judged again with those it was made under.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from recupero.contacts import gate
from recupero.contacts.tables import LawPolicy
from recupero.kernel import audit, clock
from recupero.kernel.bulk import any_of
from recupero.kernel.database import scope_of
from recupero.kernel.errors import InLanguages, NotFound, UserError
from recupero.kernel.statements import Parameters, Statement
from recupero.law import policy
from recupero.law.policy import HouseRules, Limits
from recupero.law.service import Packs
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import PackError
from recupero_sdk.law.reasons import LANGUAGES


@dataclass(frozen=True, slots=True)
class Version:
    """House rules as they hold from a moment on. `tenant_id` None: the agency's, for all of its tenants."""

    id: int
    tenant_id: int | None
    starts_at: datetime
    house: HouseRules
    note: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True)
class Lawbook:
    """The packs of this process and the house rules above them, as one transaction reads both."""

    packs: Packs
    versions: tuple[Version, ...]

    def holding(self, tenant_id: int | None, at: datetime) -> tuple[Version, ...]:
        """The agency's version and the tenant's that hold at a moment; none that asks nothing."""
        newest: dict[int | None, Version] = {}
        for version in self.versions:  # by start: the last one that has begun stays
            if version.starts_at <= at and version.tenant_id in (None, tenant_id):
                newest[version.tenant_id] = version
        return tuple(version for version in newest.values() if not version.house.empty)

    def of(self, tenant_id: int | None, at: datetime) -> Packs:
        """Law and house rules for a contact of this tenant at a moment."""
        return policy.tightened(self.packs, [version.house for version in self.holding(tenant_id, at)])

    def as_kept(self, ids: Collection[int]) -> Packs:
        """Law and the house rules of these versions. Raises KeyError where one is out of scope."""
        return policy.tightened(self.packs, [self._by_id[number].house for number in ids])

    @cached_property
    def _by_id(self) -> Mapping[int, Version]:
        return {version.id: version for version in self.versions}


def lawbook(session: Session) -> Lawbook:
    """Packs and house rules for the tenants in scope, in one query. Needs the agency in scope."""
    return Lawbook(gate.packs(), tuple(versions(session)))


def law_for(session: Session) -> Packs:
    """Law and house rules of the one tenant in scope, now."""
    return lawbook(session).of(scope_of(session).tenant(), clock.now())


_VERSIONS = Statement(
    select(
        LawPolicy.id, LawPolicy.tenant_id, LawPolicy.starts_at, LawPolicy.limits, LawPolicy.document,
        LawPolicy.note, LawPolicy.made_by, LawPolicy.made_at,
    )
    .where(
        LawPolicy.agency_id == bindparam("agency"),
        or_(LawPolicy.tenant_id.is_(None), any_of(LawPolicy.tenant_id, "tenants")),
    )
    .order_by(LawPolicy.starts_at, LawPolicy.id)
)  # fmt: skip


def versions(session: Session) -> Sequence[Version]:
    """Every version of the agency's house rules and of those of the tenants in scope, in order of start."""
    return [_version(*row) for row in _VERSIONS.rows(session, _asked(session))]


def ask_versions(session: Session) -> tuple[Statement, Parameters]:
    """What `versions` asks, for `statements.asked_together`."""
    return _VERSIONS, _asked(session)


def _asked(session: Session) -> Parameters:
    scope = scope_of(session)
    return {"agency": scope.agency(), "tenants": list(scope.tenant_ids)}


def version(session: Session, version_id: int) -> Version:
    """One version in scope. Raises NotFound."""
    found = next((one for one in versions(session) if one.id == version_id), None)
    if found is None:
        raise NotFound("no such house rules")
    return found


def _version(
    number: int,
    tenant_id: int | None,
    starts_at: datetime,
    limits: Mapping[str, Any],
    document: str,
    note: str,
    made_by: str,
    made_at: datetime,
) -> Version:
    layer: policy.Layer = "agency" if tenant_id is None else "creditor"
    house = HouseRules(layer, Limits.from_json(limits), document, str(number))
    return Version(number, tenant_id, starts_at, house, note, made_by, made_at)


def house_rules(tenant_id: int | None, limits: Mapping[str, Any], document: str) -> HouseRules:
    """House rules as somebody stated them. Raises UserError at `limits` or `document`, whichever is wrong."""
    layer: policy.Layer = "agency" if tenant_id is None else "creditor"
    try:
        stated = HouseRules(layer, Limits.from_json(limits))
    except PackError as error:
        raise _each_at_its_limit(error) from None
    try:
        found = HouseRules(layer, stated.limits, document.strip())
        policy.check(gate.packs(), found)
    except PackError as error:
        raise UserError("%(problem)s", field="document", problem=_in_words(error)) from None
    return found


def _each_at_its_limit(error: PackError) -> UserError:
    """The problems of limits as errors at their fields: the first, with the others."""
    faults = []
    for one in (PackError([problem]) for problem in error.problems):
        field = _field(one)
        faults.append(UserError("%(problem)s", field=field, problem=_in_words(one, f"{field}: ")))
    first, *first.others = faults
    return first


def _in_words(error: PackError, named: str = "") -> InLanguages:
    """The problems in each language; the first without `named`, where that is told beside them."""
    return InLanguages({language: error.explain(language).removeprefix(named) for language in LANGUAGES})


def _field(error: PackError) -> str:
    """The limit that is wrong: problems begin with its name."""
    return re.split(r"[.:\[]", error.problems[0])[0]


def set_policy(
    session: Session,
    *,
    tenant_id: int | None,
    house: HouseRules,
    starts_on: date | None,
    note: str,
    actor: str,
) -> Version:
    """Add a version that holds from a day on in the agency's time zone (None: from now on).

    An empty one leaves the law alone again. Raises UserError on a day that has passed, NotFound for a tenant
    out of scope.
    """
    scope, now = scope_of(session), clock.now()
    if tenant_id is not None and tenant_id not in scope.tenant_ids:
        raise NotFound("no such creditor")
    row = LawPolicy(
        agency_id=scope.agency(), tenant_id=tenant_id, starts_at=_start(session, starts_on, now),
        limits=house.limits.to_json(), document=house.document, note=note.strip()[:500], made_by=actor,
        made_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(
        session, "law.set_policy", f"law_policy:{row.id}", actor=actor, tenant_id=tenant_id,
        starts_at=row.starts_at.isoformat(), limits=row.limits, document=bool(row.document),
    )  # fmt: skip
    return _version(
        row.id, tenant_id, row.starts_at, row.limits, row.document, row.note, row.made_by, row.made_at
    )


def _start(session: Session, day: date | None, now: datetime) -> datetime:
    zone = ZoneInfo(tenancy.agency(session).timezone)
    today = now.astimezone(zone).date()
    if day is None or day == today:
        return now
    if day < today:
        raise UserError(
            "house rules begin today or later, since what has been judged stays judged",
            field="starts_on",
        )
    return datetime.combine(day, time.min, zone).astimezone(now.tzinfo)
