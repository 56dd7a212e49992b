"""Worked cases as JSON lines: read, checked, and turned into what the gate is asked.

The keys are those of the scenario files: id, country, region, timezone, debtor, debt, history, proposed,
expect, why. Keys with a default below may be left out; unknown keys are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from recupero_sdk.law.content import Occasion, check_content
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.terms import IsoDate, Strict, WallMinute
from recupero_sdk.law.values import (
    CHANNELS,
    Channel,
    ContactOutcome,
    Direction,
    Event,
    EventKind,
    Facts,
    Flag,
    LineType,
    OwnerType,
    Party,
    PastContact,
    Permission,
    Place,
    Proposal,
    Purpose,
    Recipient,
    Sector,
    Verdict,
    Weekday,
    Window,
)
from recupero_sdk.law.zones import zone_exists


class ScenarioError(ValueError):
    """A scenario line that cannot be judged: the message names file, line, property and remedy."""


def _moment(value: object) -> object:
    """Only text, and only years in which calendars and zones mean something."""
    if not isinstance(value, str):
        raise ValueError("is not a moment; write ISO 8601 text with an offset")
    if not re.match(r"(19|20|21)\d\d-", value):
        raise ValueError(f"`{value}` is not a moment from 1900 to 2199; write ISO 8601 with an offset")
    return value


_Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


def _zone(value: str | None) -> str | None:
    if value is not None and not zone_exists(value):
        raise ValueError(f"zone `{value}` does not exist; use an IANA name such as America/Santiago")
    return value


def _zones(value: object) -> object:
    """One zone, or those in which a number may be: a list, or a text with commas between."""
    if isinstance(value, list):
        if not value or not all(isinstance(zone, str) for zone in value):
            raise ValueError("is no list of zones; write IANA names such as America/Santiago")
        value = ",".join(value)
    for zone in value.split(",") if isinstance(value, str) else ():
        _zone(zone)
    return value


class ScenarioWindow(Strict):
    """Hours of the week that the debtor named; `opens`, `closes` as HH:MM, the end excluded."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    opens: WallMinute
    closes: WallMinute
    channels: tuple[Channel, ...] = CHANNELS
    first: IsoDate | None = None
    last: IsoDate | None = None


class ScenarioDebtor(Strict):
    """What is known of the person; only the first three keys are always there."""

    consented_channels: tuple[Channel, ...] | None
    opted_out_channels: tuple[Channel, ...]
    employer_contact: StrictBool
    flags: tuple[Flag, ...] = ()
    phone_timezone: Annotated[str | None, BeforeValidator(_zones)] = None
    postal_timezone: str | None = None
    phone_region: str | None = None
    commune: str | None = None
    line_type: LineType | None = None
    language: str | None = None
    written_consents: tuple[Channel, ...] = ()
    permissions: tuple[Permission, ...] = ()
    point_refused: StrictBool = False
    closed_windows: tuple[ScenarioWindow, ...] = ()
    asked_windows: tuple[ScenarioWindow, ...] = ()
    closed_places: tuple[Place, ...] = ()

    _known_zone = field_validator("postal_timezone")(_zone)


class ScenarioEvent(Strict):
    """Something that happened to the debt on a local date."""

    kind: EventKind
    on: IsoDate
    until: IsoDate | None = None
    channel: Channel | None = None


class ScenarioDebt(Strict):
    """The debt, in major units; what kind it is, whose, and what happened to it."""

    due_date: IsoDate
    amount: Decimal
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    kind: str | None = None
    creditor_sector: Sector | None = None
    owner_type: OwnerType | None = None
    party: Party | None = None
    events: tuple[ScenarioEvent, ...] = ()


_Same = Literal["same", "other"]


class ScenarioContact(Strict):
    """One contact of the history."""

    at: _Moment
    channel: Channel
    direction: Direction
    outcome: ContactOutcome
    debt: _Same
    creditor: _Same
    account: _Same | None = None
    person: _Same = "same"
    recipient: Recipient = "debtor"
    place: Place | None = None
    purpose: Purpose | None = None
    asked: StrictBool = False
    with_consent: StrictBool = False


class ScenarioMessage(Strict):
    """The words of the proposed contact as they would be read, for the rules about content."""

    text: str
    occasion: Occasion
    shown: dict[str, str] = {}
    language: str | None = None
    day: int = Field(default=0, ge=0)


class ScenarioProposal(Strict):
    """The contact asked about."""

    at: _Moment
    channel: Channel
    recipient: Recipient
    purpose: Purpose | None = None
    place: Place | None = None
    asked: StrictBool = False
    with_consent: StrictBool = False
    automated: StrictBool | None = None
    message: ScenarioMessage | None = None


class ScenarioExpect(Strict):
    """The answer expected, and the rules that give it."""

    allowed: StrictBool
    rules: tuple[str, ...]


class ScenarioLine(Strict):
    """One line of a scenario file."""

    id: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    region: str | None
    timezone: str | None
    agency_region: str | None = None
    debtor: ScenarioDebtor
    debt: ScenarioDebt
    history: tuple[ScenarioContact, ...]
    proposed: ScenarioProposal
    expect: ScenarioExpect
    why: str

    _known_zone = field_validator("timezone")(_zone)

    @field_validator("region")
    @classmethod
    def _of_country(cls, region: str | None, line: ValidationInfo) -> str | None:
        """A code of ISO 3166-2; one that the pack does not list stands for a region that is not known."""
        country = line.data.get("country")
        if region is not None and country and not re.fullmatch(rf"{country}-[A-Z0-9]{{1,3}}", region):
            raise ValueError(
                f"`{region}` is no region of {country}; write its ISO 3166-2 code ({country}-…), or null"
            )
        return region


@dataclass(frozen=True, slots=True)
class Scenario:
    """One worked case: the question, and the answer its author expects; `where` names its file and line."""

    id: str
    country: str
    facts: Facts
    history: tuple[PastContact, ...]
    proposal: Proposal
    expect_allowed: bool
    expect_rules: tuple[str, ...]
    why: str
    message: ScenarioMessage | None = None
    where: str = ""

    def judged(self, verdict: Verdict, pack: RegulationPack) -> Verdict:
        """The verdict of the gate with what the law says of the words, where the case gives them."""
        if self.message is None:
            return verdict
        message = self.message
        said = check_content(
            pack,
            self.facts,
            self.proposal,
            message.text,
            occasion=message.occasion,
            shown=message.shown,
            language=message.language,
            day_of_collection=message.day,
        )
        allowed = verdict.allowed and all(outcome.outcome != "refused" for outcome in said)
        return replace(verdict, allowed=allowed, outcomes=(*verdict.outcomes, *said))

    def disagreement(self, verdict: Verdict) -> str | None:
        """How the verdict differs from what is expected; None where it agrees.

        Of a refusal at least one expected rule must be among those refusing; of a permission all expected
        rules must be among those consulted.
        """
        if verdict.allowed != self.expect_allowed:
            by = ", ".join(refusal.rule_id for refusal in verdict.refusals)
            return "allowed, expected a refusal" if verdict.allowed else f"refused by {by}, expected allowed"
        expected = set(self.expect_rules)
        if verdict.allowed:
            missing = expected - set(verdict.rules)
            return f"rules not consulted: {', '.join(sorted(missing))}" if missing else None
        refusing = {refusal.rule_id for refusal in verdict.refusals}
        if expected and expected.isdisjoint(refusing):
            return f"refused by {', '.join(sorted(refusing))}, expected {', '.join(self.expect_rules)}"
        return None


def read_scenarios(file: Path | str) -> Iterator[Scenario]:
    """The scenarios of a JSON-lines file; `ScenarioError` at the first line that cannot be judged."""
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield parse_scenario(line, f"{path}, line {number}")


def parse_scenario(line: str, where: str) -> Scenario:
    """One scenario line; `where` begins the message of a `ScenarioError`."""
    try:
        data = json.loads(line, object_pairs_hook=_unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ScenarioError(f"{where}: is not JSON ({error}); write one JSON object per line") from None
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{where}: is not a JSON object; write one JSON object per line")
    try:
        return _scenario(ScenarioLine.model_validate(data), where)
    except ValidationError as error:
        raise ScenarioError(f"{where}: {'; '.join(map(_problem, error.errors()))}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key `{twice}` is given twice; keep one")
    return data


#: What pydantic's usual refusals mean to the author of a line, and what to do.
_REMEDIES = {
    "timezone_aware": "has no timezone offset; write ISO 8601 with one, such as 2026-03-10T10:00:00-03:00",
    "datetime_from_date_parsing": "is not a moment; write ISO 8601 with an offset",
    "datetime_parsing": "is not a moment; write ISO 8601 with an offset",
    "decimal_parsing": 'is not an amount; write major units as text, such as "1000.50"',
    "decimal_type": 'is not an amount; write major units as text, such as "1000.50"',
    "finite_number": 'is not an amount; write major units as text, such as "1000.50"',
    "string_type": "is not text; write it in quotes",
    "string_pattern_mismatch": "is not a code in capital letters; write ISO's, such as US or USD",
    "bool_type": "is not allowed; write true or false",
    "tuple_type": "is not a list; write it in square brackets",
    "model_type": "is not an object; write it in braces",
    "model_attributes_type": "is not an object; write it in braces",
}


def _problem(error: Any) -> str:
    path = ".".join(str(step) for step in error["loc"])
    if error["type"] == "missing":
        return f"{path} is missing; add it (null where nothing is known)"
    if error["type"] == "extra_forbidden":
        return f"{path} is not a known key; remove it or correct its name"
    if error["type"] == "literal_error":
        return f"{path}: `{error['input']}` is not allowed; use one of {error['ctx']['expected']}"
    if error["type"] in _REMEDIES:
        return f"{path}: `{error['input']}` {_REMEDIES[error['type']]}"
    return f"{path}: {error['msg'].removeprefix('Value error, ')}"


def _scenario(line: ScenarioLine, where: str) -> Scenario:
    debtor = line.debtor
    consented, debt = debtor.consented_channels, line.debt
    facts = Facts(
        country=line.country,
        region=line.region,
        timezone=line.timezone,
        phone_timezone=debtor.phone_timezone,
        postal_timezone=debtor.postal_timezone,
        phone_region=debtor.phone_region,
        agency_region=line.agency_region,
        commune=debtor.commune,
        consented_channels=None if consented is None else frozenset(consented),
        opted_out_channels=frozenset(debtor.opted_out_channels),
        written_consents=frozenset(debtor.written_consents),
        permissions=frozenset(debtor.permissions),
        point_refused=debtor.point_refused,
        closed_windows=tuple(map(_window, debtor.closed_windows)),
        asked_windows=tuple(map(_window, debtor.asked_windows)),
        closed_places=frozenset(debtor.closed_places),
        line_type=debtor.line_type,
        language=debtor.language,
        employer_contact=debtor.employer_contact,
        flags=frozenset(debtor.flags),
        due_date=debt.due_date,
        amount=debt.amount,
        currency=debt.currency,
        debt_kind=debt.kind,
        creditor_sector=debt.creditor_sector,
        owner_type=debt.owner_type,
        party=debt.party,
        events=tuple(Event(e.kind, e.on, e.until, e.channel) for e in debt.events),
    )
    proposed = line.proposed
    return Scenario(
        id=line.id,
        country=line.country,
        facts=facts,
        history=tuple(map(_past, line.history)),
        proposal=Proposal(
            at=proposed.at,
            channel=proposed.channel,
            recipient=proposed.recipient,
            purpose=proposed.purpose,
            place=proposed.place,
            asked=proposed.asked,
            with_consent=proposed.with_consent,
            automated=proposed.automated,
        ),
        expect_allowed=line.expect.allowed,
        expect_rules=line.expect.rules,
        why=line.why,
        message=proposed.message,
        where=where,
    )


def _window(window: ScenarioWindow) -> Window:
    channels = frozenset(window.channels)
    return Window(window.days, window.opens, window.closes, channels, window.first, window.last)


def _past(contact: ScenarioContact) -> PastContact:
    at: datetime = contact.at
    return PastContact(
        at=at,
        channel=contact.channel,
        direction=contact.direction,
        outcome=contact.outcome,
        same_debt=contact.debt == "same",
        same_creditor=contact.creditor == "same",
        same_account=None if contact.account is None else contact.account == "same",
        same_recipient=contact.person == "same",
        recipient=contact.recipient,
        place=contact.place,
        purpose=contact.purpose,
        asked=contact.asked,
        with_consent=contact.with_consent,
    )
