"""The form of a regulation pack: its manifest and its rules, checked strictly before anything is judged."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from recupero_sdk.law import parameters as p
from recupero_sdk.law.values import CHANNELS, Channel, Purpose

#: Whose contacts count together: those about one debt, one debtor and creditor, or all the agency makes.
Scope = Literal["debt", "creditor", "debtor", "agency"]


class Source(p.Strict):
    """Where a rule comes from. `text` is the words of the link to it, never the statute's own text."""

    law: str = Field(min_length=1)
    article: str = Field(min_length=1)
    text: str = Field(min_length=1)
    url: str | None = None

    @property
    def citation(self) -> str:
        """Law and article in one line."""
        return f"{self.law}, {self.article}"


class InForce(p.Strict):
    """First and last local date on which the rule holds, both included; None is open."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    first: p.IsoDate | None = Field(alias="from")
    last: p.IsoDate | None = Field(alias="to")

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


class Literally(p.Strict):
    """What changes where an agency with counsel chooses the literal reading."""

    text: p.Text
    channels: tuple[Channel, ...] | None = None
    scope: Scope | None = None
    parameters: dict[str, Any] = {}


class BaseRule(p.Strict):
    """What every rule states, whatever its kind. `id` is the fact's id; versions of a rule share it.

    `recorded`/`withdrawn` say when this encoding entered and left the pack, so that a judgement can be
    repeated as it was made on an earlier date of the pack. `rests_on` names the definitions and counting
    rules that the rule applies: where it refuses, they are part of the reason.
    """

    id: str = Field(pattern=r"^[A-Z]{2}(-[A-Za-z0-9]+)+$")
    title: p.Text
    text: p.Text
    channels: tuple[Channel, ...] = CHANNELS
    regions: tuple[str, ...] = ()
    exempt_purposes: tuple[Purpose, ...] = ()
    scope: Scope
    in_force: InForce
    adopted: p.IsoDate | None = None
    repeals: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    source: Source
    basis: Literal["law", "practice"] = "law"
    confidence: Literal["primary", "secondary", "weak"]
    reading: Literal["literal", "conservative"]
    ambiguity: p.Text | None = None
    literal: Literally | None = None
    verified: p.IsoDate
    recorded: p.IsoDate
    withdrawn: p.IsoDate | None = None

    @model_validator(mode="after")
    def _honest(self) -> Self:
        if self.reading == "conservative" and self.ambiguity is None:
            raise ValueError("reading `conservative` needs `ambiguity`: say what is unclear (es, en)")
        if self.confidence == "weak" and self.basis == "law":
            raise ValueError("confidence `weak` is not coded as law: set `basis: practice`")
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


class HoursRule(BaseRule):
    kind: Literal["hours"]
    parameters: p.HoursParameters


class ClosedDaysRule(BaseRule):
    kind: Literal["closed_days"]
    parameters: p.ClosedDaysParameters


class FrequencyRule(BaseRule):
    kind: Literal["frequency"]
    parameters: p.FrequencyParameters


class GapRule(BaseRule):
    kind: Literal["gap"]
    parameters: p.GapParameters


class ChannelLockRule(BaseRule):
    kind: Literal["channel_lock"]
    parameters: p.ChannelLockParameters


class ChannelGateRule(BaseRule):
    kind: Literal["channel_gate"]
    parameters: p.ChannelGateParameters


class OptOutRule(BaseRule):
    kind: Literal["opt_out"]
    parameters: p.OptOutParameters


class StopRule(BaseRule):
    kind: Literal["stop"]
    parameters: p.StopParameters


class RecipientRule(BaseRule):
    kind: Literal["recipient"]
    parameters: p.RecipientParameters


class PlaceRule(BaseRule):
    kind: Literal["place"]
    parameters: p.PlaceParameters


class ChannelBanRule(BaseRule):
    kind: Literal["channel_ban"]
    parameters: p.ChannelBanParameters


class PurposeRule(BaseRule):
    kind: Literal["purpose"]
    parameters: p.PurposeParameters


class DisclosureRule(BaseRule):
    kind: Literal["disclosure"]
    parameters: p.DisclosureParameters


class BannedContentRule(BaseRule):
    kind: Literal["banned_content"]
    parameters: p.BannedContentParameters


class StatementRule(BaseRule):
    kind: Literal["statement"]
    parameters: p.StatementParameters


class ClockRule(BaseRule):
    kind: Literal["clock"]
    parameters: p.ClockParameters


class LimitationRule(BaseRule):
    kind: Literal["limitation"]
    parameters: p.LimitationParameters


class FeeLadderRule(BaseRule):
    kind: Literal["fee_ladder"]
    parameters: p.FeeLadderParameters


class RateCapRule(BaseRule):
    kind: Literal["rate_cap"]
    parameters: p.RateCapParameters


class RetentionRule(BaseRule):
    kind: Literal["retention"]
    parameters: p.RetentionParameters


class CallerIdentityRule(BaseRule):
    kind: Literal["caller_identity"]
    parameters: p.CallerIdentityParameters


class SanctionRule(BaseRule):
    kind: Literal["sanction"]
    parameters: p.SanctionParameters


Rule = Annotated[
    HoursRule
    | ClosedDaysRule
    | FrequencyRule
    | GapRule
    | ChannelLockRule
    | ChannelGateRule
    | OptOutRule
    | StopRule
    | RecipientRule
    | PlaceRule
    | ChannelBanRule
    | PurposeRule
    | DisclosureRule
    | BannedContentRule
    | StatementRule
    | ClockRule
    | LimitationRule
    | FeeLadderRule
    | RateCapRule
    | RetentionRule
    | CallerIdentityRule
    | SanctionRule,
    Field(discriminator="kind"),
]


class RuleFile(p.Strict):
    """One file under `rules/`: a chapter of the statute and its rules."""

    chapter: p.Text
    rules: tuple[Rule, ...]


class Region(p.Strict):
    """A region (ISO 3166-2) and the zones its people live in."""

    name: str = Field(min_length=1)
    zones: tuple[str, ...] = Field(min_length=1)


class Manifest(p.Strict):
    """`pack.yaml`: what the pack is, where and since when it speaks, and that it is no legal advice."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    country: str = Field(pattern=r"^[A-Z]{2}$")
    version: str = Field(pattern=r"^\d{4}\.\d{1,2}\.\d{1,2}$")
    name: p.Text
    zones: tuple[str, ...] = Field(min_length=1)
    regions: dict[str, Region]
    default_channels: Literal["open", "closed"]
    covers_from: p.IsoDate | None
    verified: p.IsoDate
    disclaimer: p.Text

    @field_validator("regions")
    @classmethod
    def _iso_codes(cls, value: dict[str, Region]) -> dict[str, Region]:
        for code in value:
            if len(code) < 4 or code[2] != "-":
                raise ValueError(f"{code!r} is not an ISO 3166-2 code such as CL-MA")
        return value
