"""Worked cases as JSON lines: read, checked, and turned into what the gate is asked.

The keys are those of the scenario files: id, country, region, timezone, debtor, debt, history, proposed,
expect, why; `debtor.flags` and `debtor.phone_timezone` may be left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool, ValidationError, field_validator

from recupero_sdk.law.terms import IsoDate, Strict
from recupero_sdk.law.values import (
    Channel,
    ContactOutcome,
    Direction,
    Facts,
    Flag,
    PastContact,
    Place,
    Proposal,
    Purpose,
    Recipient,
    Verdict,
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


class _Debtor(Strict):
    consented_channels: tuple[Channel, ...] | None
    opted_out_channels: tuple[Channel, ...]
    employer_contact: StrictBool
    flags: tuple[Flag, ...] = ()
    phone_timezone: str | None = None
    commune: str | None = None

    _known_zone = field_validator("phone_timezone")(_zone)


class _Debt(Strict):
    due_date: IsoDate
    amount: Decimal
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    kind: str | None = None


class _Contact(Strict):
    at: _Moment
    channel: Channel
    direction: Direction
    outcome: ContactOutcome
    debt: Annotated[str, Field(pattern=r"^(same|other)$")]
    creditor: Annotated[str, Field(pattern=r"^(same|other)$")]


class _Proposed(Strict):
    at: _Moment
    channel: Channel
    recipient: Recipient
    purpose: Purpose | None = None
    place: Place | None = None


class _Expect(Strict):
    allowed: StrictBool
    rules: tuple[str, ...]


class _Line(Strict):
    id: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    region: str | None
    timezone: str | None
    debtor: _Debtor
    debt: _Debt
    history: tuple[_Contact, ...]
    proposed: _Proposed
    expect: _Expect
    why: str

    _known_zone = field_validator("timezone")(_zone)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One worked case: the question, and the answer its author expects."""

    id: str
    country: str
    facts: Facts
    history: tuple[PastContact, ...]
    proposal: Proposal
    expect_allowed: bool
    expect_rules: tuple[str, ...]
    why: str

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
        return _scenario(_Line.model_validate(data))
    except ValidationError as error:
        raise ScenarioError(f"{where}: {'; '.join(map(_problem, error.errors()))}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key `{twice}` is given twice; keep one")
    return data


def _problem(error: Any) -> str:
    path = ".".join(str(step) for step in error["loc"])
    if error["type"] == "missing":
        return f"{path} is missing; add it (null where nothing is known)"
    if error["type"] == "extra_forbidden":
        return f"{path} is not a known key; remove it or correct its name"
    if error["type"] == "literal_error":
        return f"{path}: `{error['input']}` is not allowed; use one of {error['ctx']['expected']}"
    return f"{path}: {error['msg'].removeprefix('Value error, ')}"


def _scenario(line: _Line) -> Scenario:
    debtor = line.debtor
    consented = debtor.consented_channels
    facts = Facts(
        country=line.country,
        region=line.region,
        timezone=line.timezone,
        phone_timezone=debtor.phone_timezone,
        commune=debtor.commune,
        consented_channels=None if consented is None else frozenset(consented),
        opted_out_channels=frozenset(debtor.opted_out_channels),
        employer_contact=debtor.employer_contact,
        flags=frozenset(debtor.flags),
        due_date=line.debt.due_date,
        amount=line.debt.amount,
        currency=line.debt.currency,
        debt_kind=line.debt.kind,
    )
    proposed = line.proposed
    return Scenario(
        id=line.id,
        country=line.country,
        facts=facts,
        history=tuple(map(_past, line.history)),
        proposal=Proposal(
            proposed.at, proposed.channel, proposed.recipient, proposed.purpose, proposed.place
        ),
        expect_allowed=line.expect.allowed,
        expect_rules=line.expect.rules,
        why=line.why,
    )


def _past(contact: _Contact) -> PastContact:
    at: datetime = contact.at
    return PastContact(
        at=at,
        channel=contact.channel,
        direction=contact.direction,
        outcome=contact.outcome,
        same_debt=contact.debt == "same",
        same_creditor=contact.creditor == "same",
    )
