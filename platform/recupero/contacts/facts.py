"""What the law is told: facts of an account and a contact point, gathered for many at once."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from recupero.contacts import gate
from recupero.contacts.standing import Standing, standing
from recupero.contacts.tables import Permission
from recupero.contacts.told import Told, ask_told, events_of, standing_on, told
from recupero.kernel import clock
from recupero.kernel.bulk import any_of
from recupero.kernel.database import scope_of
from recupero.kernel.money import Money
from recupero.kernel.statements import Parameters, Statement
from recupero.placements import reach
from recupero.placements.reach import OpenHold, Point, Reachable
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import CHANNELS, Channel, Event, Facts, Flag, Window
from recupero_sdk.law.values import EventKind

#: Holds that the law knows; a plan, a promise or the creditor's own hold is the house's matter.
FLAG_OF_HOLD: dict[str, Flag] = {
    "insolvency": "insolvency",
    "deceased": "deceased",
    "breathing_space": "breathing_space",
    "court": "suit_served",
    "cease": "cease_request",
    "attorney": "attorney_represented",
    "dispute": "disputed",
    "complaint": "complaint",
    "hardship": "vulnerable",
    "vulnerable": "vulnerable",
}
#: Holds whose beginning starts a pause or a term of law.
EVENT_OF_HOLD: dict[str, EventKind] = {
    "breathing_space": "breathing_space", "dispute": "dispute", "complaint": "complaint",
    "attorney": "attorney_notice", "cease": "cease_request",
}  # fmt: skip
EVERY_CHANNEL = "all"


@dataclass(frozen=True, slots=True)
class Permissions:
    """The newest word of a debtor on each channel. `consented` None: nothing is recorded."""

    consented: frozenset[Channel] | None = None
    opted_out: frozenset[Channel] = frozenset()


#: Why nobody is contacted: a code that actions, plans and pages share.
NO_TIMEZONE = "no_timezone"


@dataclass(frozen=True, slots=True)
class Dossiers:
    """Everything that judging and writing to a set of accounts needs."""

    accounts: Mapping[int, Reachable]
    points: Mapping[int, list[Point]]
    holds: Mapping[int, list[OpenHold]]
    permissions: Mapping[int, Permissions]
    standing: Standing
    told: Mapping[int, list[Told]] = field(default_factory=dict)
    _judged: dict[tuple[int, int | None], Facts] = field(default_factory=dict, repr=False)

    def holds_on(self, account: Reachable) -> list[OpenHold]:
        """Holds on the account itself or on everything of its debtor."""
        return [
            hold
            for hold in self.holds.get(account.debtor_id, ())
            if hold.account_id is None or hold.account_id == account.account_id
        ]

    def told_of(self, account: Reachable) -> list[Told]:
        """What is stated of the account itself or of everything of its debtor."""
        return [
            one
            for one in self.told.get(account.debtor_id, ())
            if one.account_id is None or one.account_id == account.account_id
        ]

    def point(self, account: Reachable, point_id: int | None) -> Point | None:
        """The contact point of that id, unless it is known to be invalid."""
        return next((point for point in self.points.get(account.debtor_id, ()) if point.id == point_id), None)

    def facts(self, account_id: int, point_id: int | None) -> Facts:
        """What the law is told of this account and contact point. Raises KeyError for an unknown account."""
        asked = (account_id, point_id)
        if asked not in self._judged:  # its words are judged, and then the contact
            self._judged[asked] = self._facts(account_id, point_id)
        return self._judged[asked]

    def _facts(self, account_id: int, point_id: int | None) -> Facts:
        account = self.accounts[account_id]
        point = self.point(account, point_id)
        permissions = self.permissions.get(account.debtor_id, Permissions())
        holds, told, today = self.holds_on(account), self.told_of(account), clock.now().date()
        flags = (FLAG_OF_HOLD.get(hold.kind) for hold in holds)
        place = gate.postal(account.country, account.postal_code)
        situations: Any = standing_on(told, "situation", today)  # words of the law, checked when stated
        allowed: Any = standing_on(told, "permission", today)
        stated: Any = self.standing.of(account.tenant_id, account.law)  # words of the law by construction
        return Facts(
            country=account.country,
            region=account.region or place.region,
            timezone=account.timezone,
            postal_timezone=place.timezone,
            commune=place.area,
            phone_timezone=self._phone_zone(account, point),
            consented_channels=permissions.consented,
            opted_out_channels=permissions.opted_out,
            employer_contact=point is not None and point.at_work,
            flags=frozenset(flag for flag in flags if flag is not None) | situations,
            permissions=allowed,
            due_date=account.due_date,
            amount=Money(account.balance_minor, account.currency).major(),
            currency=account.currency,
            debt_kind=stated["debt_kind"] or account.product,
            creditor_sector=stated["creditor_sector"],
            owner_type=stated["owner_type"],
            party=stated["party"],
            agency_region=self.standing.agency_region,
            phone_region=self._phone_region(account, point),
            line_type=gate.LINES.get(point.line_type or "") if point is not None else None,
            language=account.language,
            events=events_of(
                told,
                account.last_payment_date,
                (_event(hold) for hold in holds if hold.kind in EVENT_OF_HOLD),
            ),
        )

    def nowhere(self, account: Reachable) -> bool:
        """Whether nothing tells in which of the country's time zones the debtor is: then nobody is contacted.

        The gate alone would ask for a moment that is lawful in all of them; the house waits until somebody
        has found out.
        """
        place = gate.postal(account.country, account.postal_code)
        known = account.timezone or account.region or place.region or self._phone_zone(account, None)
        return not known and account.country in gate.many_zoned()

    def _phone_zone(self, account: Reachable, point: Point | None) -> str | None:
        """The zone of the number that is used, else of the debtor's first number: it tells where they are."""
        if point is not None and point.timezone is not None:
            return point.timezone
        zones = (known.timezone for known in self.points.get(account.debtor_id, ()))
        return next((zone for zone in zones if zone is not None), None)

    def _phone_region(self, account: Reachable, point: Point | None) -> str | None:
        """The region of the number that is used, else of the debtor's first number that has one."""
        if point is not None and point.region is not None:
            return point.region
        regions = (known.region for known in self.points.get(account.debtor_id, ()))
        return next((region for region in regions if region is not None), None)


def _event(hold: OpenHold) -> Event:
    """The day a hold began (UTC), and the last on which it stands where that is known."""
    until = hold.until.date() if hold.until else None
    return Event(EVENT_OF_HOLD[hold.kind], hold.started_at.astimezone(UTC).date(), until)


def dossiers(session: Session, account_ids: Collection[int]) -> Dossiers:
    """Load the accounts in scope with their debtors' contact points, holds and permissions, and what is
    stated of the agency and its creditors. Needs the agency in scope."""
    accounts = reach.reachable(session, account_ids)
    debtors = {account.debtor_id for account in accounts.values()}
    return Dossiers(
        accounts, reach.points_of(session, debtors), reach.open_holds(session, debtors),
        permissions_of(session, debtors), standing(session), told(session, debtors),
    )  # fmt: skip


_NEWEST = Statement(
    select(Permission.debtor_id, Permission.channel, Permission.kind, Permission.at, Permission.id)
    .ext(distinct_on(Permission.debtor_id, Permission.channel))
    .where(any_of(Permission.tenant_id, "tenants"), any_of(Permission.debtor_id, "debtors"))
    .order_by(Permission.debtor_id, Permission.channel, Permission.at.desc(), Permission.id.desc())
)


def permissions_of(session: Session, debtor_ids: Collection[int]) -> dict[int, Permissions]:
    """Consents and opt-outs of each debtor who ever gave or withdrew one. The newest word counts; a word on
    `all` channels stands for each of them."""
    said: dict[int, dict[str, tuple[datetime, int, str]]] = defaultdict(dict)
    for debtor_id, channel, kind, at, number in _NEWEST.rows(session, _of_debtors(session, debtor_ids)):
        said[debtor_id][channel] = (at, number, kind)
    return {debtor_id: _permissions(words) for debtor_id, words in said.items()}


def _of_debtors(session: Session, debtor_ids: Collection[int]) -> Parameters:
    return {"tenants": list(scope_of(session).tenant_ids), "debtors": sorted(debtor_ids)}


def asks(
    session: Session, account_ids: Collection[int], debtor_ids: Collection[int]
) -> list[tuple[Statement, Parameters]]:
    """What `dossiers` asks of these accounts and their debtors, for `statements.asked_together`."""
    return [
        *reach.asks(session, account_ids, debtor_ids), (_NEWEST, _of_debtors(session, debtor_ids)),
        ask_told(session, debtor_ids), tenancy.ask_houses(session),
    ]  # fmt: skip


def _permissions(words: Mapping[str, tuple[datetime, int, str]]) -> Permissions:
    overall = words.get(EVERY_CHANNEL)
    last: dict[Channel, str] = {}
    for channel in CHANNELS:
        spoken = [word for word in (overall, words.get(channel)) if word is not None]
        if spoken:
            last[channel] = max(spoken)[2]
    return Permissions(
        consented=frozenset(channel for channel, kind in last.items() if kind == "consent"),
        opted_out=frozenset(channel for channel, kind in last.items() if kind == "opt_out"),
    )


_UNKNOWN = tuple((one.name, one.default) for one in fields(Facts))


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """What is known, in JSON types; what is not known is left out."""
    known: dict[str, Any] = {}
    for name, default in _UNKNOWN:
        value = getattr(facts, name)
        if value != default:
            known[name] = _plain(value)
    if facts.amount is not None:
        known["amount"] = str(facts.amount)
    return known


def _plain(value: Any) -> Any:
    """A fact in JSON types: sets in order, events and windows as mappings, dates in ISO form."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Event | Window):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value


def column_of(value: Any) -> Any:
    """A fact as the batch form wants it in a column: sets as lists, events and windows as JSON text."""
    if isinstance(value, tuple):
        return json.dumps(_plain(value))
    return sorted(value) if isinstance(value, frozenset) else value


#: Facts kept in their order; the other lists are sets.
_LISTS = ("events", "closed_windows", "asked_windows")


def facts_from_json(known: Mapping[str, Any]) -> Facts:
    """The facts that `facts_to_json` wrote."""
    values: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) and name not in _LISTS else value
        for name, value in known.items()
    }
    if "amount" in values:
        values["amount"] = Decimal(values["amount"])
    if "due_date" in values:
        values["due_date"] = date.fromisoformat(values["due_date"])
    if "events" in known:
        values["events"] = tuple(map(Event.from_json, known["events"]))
    for name in ("closed_windows", "asked_windows"):
        if name in known:
            values[name] = tuple(map(Window.from_json, known[name]))
    return Facts(**values)
