"""A year of permitted hours for one place and channel, day by day: what hours and closed days leave open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from recupero_sdk.law import Channel, Facts, Proposal, RegulationPack
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.opening import open_stretches
from recupero_sdk.law.zones import load_zone, plausible_zones


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One local day: open stretches as minutes after local midnight (of a clock that shows 24 hours)."""

    day: date
    stretches: tuple[tuple[int, int], ...]

    @property
    def minutes(self) -> int:
        """How many minutes of the day are open."""
        return sum(closes - opens for opens, closes in self.stretches)

    @property
    def hours(self) -> str:
        """The stretches as HH:MM-HH:MM; empty where the day is closed."""
        return ", ".join(f"{_wall(opens)}-{_wall(closes)}" for opens, closes in self.stretches)


def _wall(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def facts_of(pack: RegulationPack, region: str | None) -> Facts:
    """Somebody in the region of whom nothing else is known; without a region, in the country's first zone."""
    if region is not None:
        return Facts(pack.country, region=region)
    return Facts(pack.country, timezone=pack.manifest.zones[0])


def zones_of(pack: RegulationPack, region: str | None) -> tuple[str, ...]:
    """The zones of the place: hours are told on the clock of the first, and open in all."""
    return plausible_zones(pack, facts_of(pack, region))


def year_of(pack: RegulationPack, region: str | None, channel: Channel, year: int) -> list[CalendarDay]:
    """Every day of the year for collection by the channel. Before the pack's first law all is closed."""
    facts = facts_of(pack, region)
    zone = load_zone(zones_of(pack, region)[0])
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    starts, ends = instant(first, 0, zone), instant(after, 0, zone)
    covers = pack.manifest.covers_from
    proposal = Proposal(starts, channel, purpose="collection")
    opened = open_stretches(pack, facts, proposal, ends) if covers is None or covers < after else []
    found: dict[date, list[tuple[int, int]]] = {}
    for opens, closes in opened:
        _add(found, opens.astimezone(zone), closes.astimezone(zone))
    days = [first + timedelta(days=number) for number in range((after - first).days)]
    return [
        CalendarDay(day, tuple(found.get(day, ())) if covers is None or day >= covers else ()) for day in days
    ]


def _add(found: dict[date, list[tuple[int, int]]], opens: datetime, closes: datetime) -> None:
    """Cut one stretch at local midnights; hours are those that the clock on the wall shows."""
    day = opens.date()
    while day <= closes.date():
        begins = opens.hour * 60 + opens.minute if day == opens.date() else 0
        ends = closes.hour * 60 + closes.minute if day == closes.date() else 24 * 60
        if begins < ends:
            found.setdefault(day, []).append((begins, ends))
        day += DAY
