"""The form of a regulation pack: its manifest and its rules by kind, checked before anything is judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from recupero_sdk.law import duties as d
from recupero_sdk.law import parameters as p
from recupero_sdk.law import terms as t
from recupero_sdk.law.rule import BaseRule, InForce, Literally, Scope, Source

__all__ = ["BaseRule", "InForce", "Literally", "Scope", "Source"]


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


class PauseRule(BaseRule):
    kind: Literal["pause"]
    parameters: p.PauseParameters


class PriorNoticeRule(BaseRule):
    kind: Literal["prior_notice"]
    parameters: p.PriorNoticeParameters


class ChannelGateRule(BaseRule):
    kind: Literal["channel_gate"]
    parameters: p.ChannelGateParameters


class OptOutRule(BaseRule):
    kind: Literal["opt_out"]
    parameters: p.OptOutParameters


class InconvenientRule(BaseRule):
    kind: Literal["inconvenient"]
    parameters: p.InconvenientParameters


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


class LimitationRule(BaseRule):
    kind: Literal["limitation"]
    parameters: p.LimitationParameters


class DisclosureRule(BaseRule):
    kind: Literal["disclosure"]
    parameters: d.DisclosureParameters


class BannedContentRule(BaseRule):
    kind: Literal["banned_content"]
    parameters: d.BannedContentParameters


class StatementRule(BaseRule):
    kind: Literal["statement"]
    parameters: d.StatementParameters


class ClockRule(BaseRule):
    kind: Literal["clock"]
    parameters: d.ClockParameters


class MoratoriumRule(BaseRule):
    kind: Literal["moratorium"]
    parameters: d.MoratoriumParameters


class FeeLadderRule(BaseRule):
    kind: Literal["fee_ladder"]
    parameters: d.FeeLadderParameters


class RateCapRule(BaseRule):
    kind: Literal["rate_cap"]
    parameters: d.RateCapParameters


class ChargeBanRule(BaseRule):
    kind: Literal["charge_ban"]
    parameters: d.ChargeBanParameters


class RetentionRule(BaseRule):
    kind: Literal["retention"]
    parameters: d.RetentionParameters


class RecordingRule(BaseRule):
    kind: Literal["recording"]
    parameters: d.RecordingParameters


class CallerIdentityRule(BaseRule):
    kind: Literal["caller_identity"]
    parameters: d.CallerIdentityParameters


class FreeContactRule(BaseRule):
    kind: Literal["free_contact"]
    parameters: d.FreeContactParameters


class ListingRule(BaseRule):
    kind: Literal["register_listing"]
    parameters: d.ListingParameters


class SanctionRule(BaseRule):
    kind: Literal["sanction"]
    parameters: d.SanctionParameters


Rule = Annotated[
    HoursRule
    | ClosedDaysRule
    | FrequencyRule
    | GapRule
    | ChannelLockRule
    | PauseRule
    | PriorNoticeRule
    | ChannelGateRule
    | OptOutRule
    | InconvenientRule
    | StopRule
    | RecipientRule
    | PlaceRule
    | ChannelBanRule
    | PurposeRule
    | LimitationRule
    | DisclosureRule
    | BannedContentRule
    | StatementRule
    | ClockRule
    | MoratoriumRule
    | FeeLadderRule
    | RateCapRule
    | ChargeBanRule
    | RetentionRule
    | RecordingRule
    | CallerIdentityRule
    | FreeContactRule
    | ListingRule
    | SanctionRule,
    Field(discriminator="kind"),
]


class RuleFile(t.Strict):
    """One file under `rules/`: a chapter of the statute and its rules."""

    chapter: t.Text
    rules: tuple[Rule, ...]


class Region(t.Strict):
    """A region (ISO 3166-2), the zones its people live in, and the numbers and postcodes that begin there.

    `phone_prefixes` are digits after the country code, `postal_prefixes` the beginnings of postcodes.
    """

    name: str = Field(min_length=1)
    zones: tuple[str, ...] = Field(min_length=1)
    phone_prefixes: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()


class Area(t.Strict):
    """A place below the region where a law reaches that far: a city, a district, some communes.

    `communes` are the names people in it may be recorded under. `where_unknown`: whether somebody of the
    region whose commune is not known is taken to live here.
    """

    name: str = Field(min_length=1)
    regions: tuple[str, ...] = Field(min_length=1)
    communes: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()
    where_unknown: bool = True


class Manifest(t.Strict):
    """`pack.yaml`: what the pack is, where and since when it speaks, and that it is no legal advice.

    `assume` is taken for granted where nothing is known of the debt. `residence_decides`: the region of the
    telephone number adds none of its own rules to those of where the debtor lives.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    country: str = Field(pattern=r"^[A-Z]{2}$")
    version: str = Field(pattern=r"^\d{4}\.\d{1,2}\.\d{1,2}(\+.+)?$")
    name: t.Text
    zones: tuple[str, ...] = Field(min_length=1)
    regions: dict[str, Region]
    areas: dict[str, Area] = {}
    assume: t.Assumed = t.Assumed()
    calling_code: str | None = Field(default=None, pattern=r"^\d{1,3}$")
    residence_decides: bool = False
    default_channels: Literal["open", "closed"]
    covers_from: t.IsoDate | None
    verified: t.IsoDate
    disclaimer: t.Text

    @field_validator("regions")
    @classmethod
    def _iso_codes(cls, value: dict[str, Region]) -> dict[str, Region]:
        for code in value:
            if len(code) < 4 or code[2] != "-":
                raise ValueError(f"{code!r} is not an ISO 3166-2 code such as CL-MA")
        return value
