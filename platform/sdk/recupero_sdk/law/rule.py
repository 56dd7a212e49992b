"""What every rule states, whatever its kind: where it comes from, when and where it holds, for whom."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from recupero_sdk.law import terms as t
from recupero_sdk.law.values import CHANNELS, Basis, Channel, Force, Purpose

#: Whose contacts count together: those about one debt or account, one debtor and creditor, or all of a
#: debtor's that the agency makes.
Scope = Literal["debt", "account", "creditor", "debtor", "agency"]


class Source(t.Strict):
    """Where a rule comes from. `text` is the words of the link to it, never the statute's own text."""

    law: str = Field(min_length=1)
    article: str = Field(min_length=1)
    text: str = Field(min_length=1)
    url: str | None = None

    @property
    def citation(self) -> str:
        """Law and article in one line."""
        return f"{self.law}, {self.article}"


class InForce(t.Strict):
    """First and last local date on which the rule holds, both included; None is open."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    first: t.IsoDate | None = Field(alias="from")
    last: t.IsoDate | None = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> InForce:
        if self.first and self.last and self.first > self.last:
            raise ValueError("ends before it begins")
        return self

    def meets(self, other: InForce) -> bool:
        """Whether some day lies in both."""
        first, last = self.first or date.min, self.last or date.max
        return first <= (other.last or date.max) and (other.first or date.min) <= last

    def holds(self, day: date) -> bool:
        """Whether the rule is in force on this local date."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class Literally(t.Strict):
    """What changes where an agency with counsel chooses the literal reading."""

    text: t.Text
    channels: tuple[Channel, ...] | None = None
    scope: Scope | None = None
    parameters: dict[str, Any] = {}


class BaseRule(t.Strict):
    """What every rule states, whatever its kind. `id` is the fact's id; versions of a rule share it.

    `part` tells apart several provisions under one fact, such as hours of calls and hours of messages.
    `regions` and `areas` narrow the place of the debtor, `agency_regions` adds agencies that sit there (of an
    agency whose place is not known they say nothing); `when` (all must hold) and `unless` (any one frees)
    narrow what the rule concerns. `displaces` names rules that do not hold where this one does; otherwise all
    must allow. `recorded`/`withdrawn` say when this encoding entered and left the pack, so that a judgement
    can be repeated as it was made on an earlier date of the pack. `rests_on` names the definitions and
    counting rules that the rule applies: where it refuses, they are part of the reason.
    """

    id: str = Field(pattern=r"^[A-Z]{2,}(-[A-Za-z0-9]+)+$")
    part: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    title: t.Text
    text: t.Text
    channels: tuple[Channel, ...] = CHANNELS
    regions: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    agency_regions: tuple[str, ...] = ()
    when: t.Condition | None = None
    unless: tuple[t.Condition, ...] = ()
    exempt_purposes: tuple[Purpose, ...] = ()
    scope: Scope
    in_force: InForce
    adopted: t.IsoDate | None = None
    repeals: tuple[str, ...] = ()
    displaces: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    source: Source
    basis: Basis = "law"
    force: Force = "ban"
    confidence: Literal["primary", "secondary", "weak"]
    reading: Literal["literal", "conservative"]
    ambiguity: t.Text | None = None
    literal: Literally | None = None
    verified: t.IsoDate
    recorded: t.IsoDate
    withdrawn: t.IsoDate | None = None

    def spares(self, purpose: Purpose) -> bool:
        """Whether the rule leaves contacts of this purpose alone. To confirm what somebody just asked for is
        to answer them: what spares replies spares that, too."""
        answers = purpose == "confirmation" and "reply" in self.exempt_purposes
        return answers or purpose in self.exempt_purposes

    @model_validator(mode="after")
    def _honest(self) -> Self:
        if self.reading == "conservative" and self.ambiguity is None:
            raise ValueError("reading `conservative` needs `ambiguity`: say what is unclear (es, en)")
        if self.confidence == "weak" and self.basis == "law":
            raise ValueError("confidence `weak` is not coded as law: set `basis: practice`")
        if self.displaces and (self.when or self.unless or not (self.regions or self.areas)):
            raise ValueError("`displaces` is for rules of a region or area, without `when` and `unless`")
        if self.regions and self.areas:
            raise ValueError("give `regions` or `areas`, not both; an area lies in its regions")
        if self.agency_regions and not (self.regions or self.areas):
            raise ValueError(
                "`agency_regions` widens `regions` or `areas`; without them the rule holds everywhere"
            )
        return self

    def read_literally(self) -> Self:
        """This rule in its literal reading; an error where the rule marks none."""
        if self.literal is None:
            raise ValueError(f"{self.id} has no literal reading")
        data = self.model_dump(by_alias=True, exclude={"literal"})
        data["parameters"] = {**data["parameters"], **self.literal.parameters}
        data["channels"] = self.literal.channels or data["channels"]
        data["scope"] = self.literal.scope or data["scope"]
        return type(self).model_validate({**data, "reading": "literal"})
