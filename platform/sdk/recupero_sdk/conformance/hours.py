"""Permitted hours of a year as text that a lawyer reads: one line per day, and where regions differ.

Only what hours and closed days leave open is shown; who may be contacted how often is another matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from recupero_sdk.law import CHANNELS, Channel, Facts, Proposal, RegulationPack
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.opening import open_stretches
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.zones import load_zone

#: Kinds that look at the clock or the calendar alone.
CLOCK_KINDS = ("hours", "closed_days")


@dataclass(frozen=True, slots=True)
class Sample:
    """One debtor and year for which the golden file lists the permitted hours."""

    year: int
    region: str | None
    timezone: str

    @property
    def name(self) -> str:
        return f"hours-{self.region or 'any'}-{self.year}.txt"

    @property
    def regions_name(self) -> str:
        return f"regions-{self.year}.txt"

    def elsewhere(self, pack: RegulationPack) -> Iterator[Sample]:
        """The same year in every other region of the pack, in each of its zones."""
        for code, region in pack.manifest.regions.items():
            for zone in region.zones:
                if (code, zone) != (self.region, self.timezone):
                    yield Sample(self.year, code, zone)


def permitted_hours(pack: RegulationPack, sample: Sample) -> list[str]:
    """One line per day of the year: the local hours each channel is open in, channels alike put together."""
    return list(hours_between(pack, sample, date(sample.year, 1, 1), date(sample.year + 1, 1, 1)))


def hours_between(pack: RegulationPack, sample: Sample, first: date, end: date) -> Iterator[str]:
    """The lines of the days from `first` up to and without `end`."""
    zone = load_zone(sample.timezone)
    by_channel: dict[Channel, dict[date, str]] = {}
    for alike in channels_alike(pack):
        by_channel |= dict.fromkeys(alike, _by_day(pack, sample, zone, alike[0], first, end))
    day = first
    while day < end:
        hours: dict[str, list[Channel]] = {}
        for channel in CHANNELS:
            hours.setdefault(by_channel[channel].get(day, "closed"), []).append(channel)
        shown = "; ".join(f"{' '.join(channels)} {open_then}" for open_then, channels in hours.items())
        yield f"{day.isoformat()} {day:%a} {shown}"
        day += DAY


def open_by_day(
    pack: RegulationPack, sample: Sample, channel: Channel, first: date, end: date
) -> dict[date, str]:
    """The open hours of each day on which the channel is open at all."""
    return _by_day(pack, sample, load_zone(sample.timezone), channel, first, end)


def _by_day(
    pack: RegulationPack, sample: Sample, zone: ZoneInfo, channel: Channel, first: date, end: date
) -> dict[date, str]:
    facts = Facts(pack.country, region=sample.region, timezone=sample.timezone)
    begins, until = instant(first, 0, zone), instant(end, 0, zone)
    found: dict[date, list[str]] = {}
    for opens, closes in open_stretches(pack, facts, Proposal(begins, channel), until):
        start, last = opens.astimezone(zone), closes.astimezone(zone)
        while start.date() < last.date():
            found.setdefault(start.date(), []).append(f"{start:%H:%M}-24:00")
            start = instant(start.date() + DAY, 0, zone).astimezone(zone)
        if start < last:
            found.setdefault(start.date(), []).append(f"{start:%H:%M}-{last:%H:%M}")
    return {day: " ".join(hours) for day, hours in found.items()}


def clock_rules(pack: RegulationPack) -> tuple[Rule, ...]:
    """The rules that look at the clock or the calendar."""
    return tuple(rule for rule in pack.rules if rule.kind in CLOCK_KINDS)


def channels_alike(pack: RegulationPack) -> list[list[Channel]]:
    """Channels put together that the same clock rules bind: their hours are the same."""
    rules, alike = clock_rules(pack), dict[tuple[int, ...], list[Channel]]()
    for channel in CHANNELS:
        bound = tuple(place for place, rule in enumerate(rules) if channel in rule.channels)
        alike.setdefault(bound, []).append(channel)
    return list(alike.values())


def regional_differences(pack: RegulationPack, sample: Sample) -> list[str]:
    """For each region and zone whose hours differ from the sample's: a heading, and the days that differ.

    Regions that differ alike share a heading. Empty where all the country has the sample's hours.
    """
    usual = permitted_hours(pack, sample)
    alike: dict[tuple[str, ...], list[str]] = {}
    for other in sample.elsewhere(pack):
        lines = permitted_hours(pack, other)
        differing = tuple(line for line, same in zip(lines, usual, strict=True) if line != same)
        if differing:
            alike.setdefault(differing, []).append(f"{other.region} {other.timezone}")
    return [line for days, places in alike.items() for line in (f"# {', '.join(places)}", *days)]
