"""Made-up contacts, to find one that tells a changed rule from the rule as it stands.

Works on scenario lines and knows their fields by type only: a choice is tried in each value, a list with
each single entry, a flag both ways. Numbers found in the rule become hours and days before the contact,
times of day become the minutes around them, dates the days around them. The search starts from contacts that
the rule refuses and changes one thing at a time, what the shift touches first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import zip_longest
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from recupero_sdk.conformance.meeting import Line, meeting, met_each
from recupero_sdk.conformance.mutants import Wall, scalars
from recupero_sdk.law import CHANNELS, RegulationPack
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.scenario import ScenarioLine
from recupero_sdk.law.schema import Rule
from recupero_sdk.law.terms import Condition
from recupero_sdk.law.values import EVENT_KINDS, PURPOSES, WEEKDAYS
from recupero_sdk.law.zones import load_zone

NOON = 12 * 60
_MONTH = 31
#: Holidays of most countries, for rules that close with the calendar.
_KEPT_EVERYWHERE = ((1, 1), (5, 1), (12, 25))
#: How a past contact may relate to the debt and the creditor.
_RELATIONS = ("same", "other")


class Probes:
    """Contacts around one rule, as scenario lines; `focus` are the values that a shift takes away or adds."""

    def __init__(self, pack: RegulationPack, rule: Rule) -> None:
        self._pack, self._rule = pack, rule
        self._values = list(scalars(rule))
        self._day = _ordinary_day(rule)

    def plain(self, focus: Iterable[Any]) -> Iterator[Line]:
        """Contacts without history: each channel, region, day and minute that the rule could mind."""
        wanted = list(focus)
        for channel in self._first(CHANNELS, [*wanted, *self._rule.channels])[:3]:
            for region in self._regions(wanted)[:3]:
                for day in self.days(wanted):
                    for minute in self.minutes(wanted):
                        yield self.line(channel, region, day, minute)

    def line(self, channel: str, region: str | None, day: date, minute: int = NOON) -> Line:
        """A debtor who authorised every channel, long overdue, never contacted."""
        manifest, area = self._pack.manifest, None
        if region in manifest.areas:
            area, region = region, manifest.areas[region].regions[0]
        zone = manifest.regions[region].zones[0] if region in manifest.regions else manifest.zones[0]
        line: Line = {
            "id": "",
            "country": self._pack.country,
            "region": region,
            "timezone": zone,
            "debtor": {
                "consented_channels": list(CHANNELS),
                "opted_out_channels": [],
                "employer_contact": False,
            },
            "debt": {"due_date": (day - 60 * DAY).isoformat(), "amount": "1000", "currency": "XXX"},
            "history": [],
            "proposed": {
                "at": instant(day, minute, load_zone(zone)).astimezone(load_zone(zone)).isoformat(),
                "channel": channel,
                "recipient": "debtor",
            },
            "expect": {"allowed": True, "rules": []},
            "why": "",
        }
        if area is not None:
            line["debtor"]["commune"] = area
        purposes = [purpose for purpose in PURPOSES if not self._rule.spares(purpose)]
        if "collection" not in purposes and purposes:
            line["proposed"]["purpose"] = purposes[0]
        return meeting(line, self._rule.when) if self._rule.when else line

    def for_words(self, focus: Iterable[Any]) -> Iterator[Line]:
        """Contacts with different reasons for different words: the debt barred, and each condition met."""
        for channel in self._rule.channels:
            for region in self._regions([*focus])[:1] + self._barring()[:1]:
                line = self.line(channel, region, self._day)
                debt = line["debt"]
                yield line
                yield {**line, "debt": {**debt, "due_date": _years_before(self._day, 40).isoformat()}}
                yield from (met for condition in self._conditions() for met in met_each(line, condition))
                for flag in getattr(self._rule.parameters, "unless", ()):
                    yield {**line, "debtor": {**line["debtor"], "flags": [flag]}}
                for language in ("es", "en"):
                    yield {**line, "debtor": {**line["debtor"], "language": language}}

    def _barring(self) -> list[str]:
        """Regions in which debts are barred where they are not barred everywhere."""
        rules = [rule for rule in self._pack.known() if rule.kind == "limitation"]
        return [region for rule in rules for region in rule.regions]

    def _conditions(self) -> list[Condition]:
        """Every condition that the rule states, of the whole and of its items."""
        items = getattr(self._rule.parameters, "items", ())
        stated = [self._rule.when, *self._rule.unless, *(item.when for item in items)]
        return [condition for condition in stated if condition is not None]

    def with_history(self, line: Line) -> Iterator[Line]:
        """The contact after others: as many, as long ago and of the kind that the rule's numbers suggest."""
        at = datetime.fromisoformat(line["proposed"]["at"])
        for channel in dict.fromkeys((line["proposed"]["channel"], *self._first(CHANNELS, self._values))):
            for outcome in ("answered", "delivered"):
                for ago in self.spans(at, line["timezone"]):
                    for count in self._counts():
                        yield {**line, "history": _contacts(at, ago, count, channel, outcome)}

    def around(self, line: Line, focus: Iterable[Any]) -> Iterator[Line]:
        """The contact with one thing changed: first what the shift touches, then everything else."""
        wanted = [*focus, *self._values]
        changed = [
            *self._fields(line, wanted),
            *self._past(line, wanted),
            *self._elsewhen(line, wanted),
            *self._histories(line, wanted),
        ]
        yield from (other for _near, other in sorted(changed, key=lambda one: one[0]))

    def days(self, focus: Iterable[Any]) -> list[date]:
        """Days around each date of the rule, around the yearly ones, and an ordinary week."""
        dates = [value for value in (*focus, *self._values) if type(value) is date]
        years = dict.fromkeys(
            year + step for year in [self._day.year, *(d.year for d in dates)] for step in (0, -1)
        )
        yearly = [
            date.fromisoformat(f"{year}-{value}")
            for value in (*focus, *self._values)
            if isinstance(value, str) and len(value) == 5 and value[2] == "-" and value[:2].isdigit()
            for year in [*years][:6]
            if value != "02-29" or year % 4 == 0
        ]
        days = [day for pair in zip_longest(dates, yearly) for day in pair if day]
        near = [day + step * DAY for day in days for step in (0, -1, 1)]
        week = [self._day + step * DAY for step in range(7)]
        week += [date(self._day.year, month, day) for month, day in _KEPT_EVERYWHERE]
        held = list(dict.fromkeys(day for day in near if date(1990, 1, 1) <= day <= date(2100, 1, 1)))
        return list(dict.fromkeys((*held[:18], *week, *held[18:60])))

    def minutes(self, focus: Iterable[Any]) -> list[int]:
        """Both sides of each time of day in the rule, and noon."""
        walls = [value for value in (*focus, *self._values) if isinstance(value, Wall)]
        edges = [wall + step for wall in walls for step in (0, -1, 30, -30)]
        return list(dict.fromkeys((NOON, *(edge for edge in edges if 0 <= edge < 24 * 60))))

    def spans(self, at: datetime, zone: str) -> list[timedelta]:
        """How long ago contacts may have been: near each number of the rule as hours and days, and at the
        beginnings of the local day, week, month and year."""
        numbers = sorted({int(value) for value in self._values if _number(value) and 0 < value <= 10_000})
        hours = [timedelta(hours=number, minutes=step) for number in numbers for step in (-30, 0, 30)]
        days = [timedelta(days=number, hours=step) for number in numbers[:6] for step in (-4, 0, 4)]
        local = at.astimezone(load_zone(zone))
        day = local.date()
        starts = (day, day - timedelta(days=day.weekday()), day.replace(day=1), date(day.year, 1, 1))
        since = [at - instant(start, 0, load_zone(zone)) for start in starts]
        calendar = [span + timedelta(minutes=step) for span in since for step in (-1, 1)]
        usual = [timedelta(hours=1), timedelta(days=1), timedelta(days=3), timedelta(days=20)]
        known = dict.fromkeys((*usual, *hours, *calendar, *days))
        return [span for span in known if timedelta() < span < timedelta(days=500)]

    def _counts(self) -> list[int]:
        small = {int(value) for value in self._values if _number(value) and 0 < value <= 20}
        return sorted({1} | {number + step for number in small for step in (-1, 0, 1)} - {0})[:12]

    def _regions(self, focus: list[Any]) -> list[str | None]:
        known = [*self._pack.manifest.areas, *self._pack.manifest.regions]
        named = [value for value in (*focus, *self._values) if value in known]
        others = [code for code in self._pack.manifest.regions if code not in named]
        return list(dict.fromkeys((*named, *others[:1]))) or [None]

    def _fields(self, line: Line, wanted: list[Any]) -> Iterator[tuple[int, Line]]:
        for part in ("debtor", "debt", "proposed"):
            model = _model(ScenarioLine.model_fields[part].annotation)
            for name, value in _variations(model, wanted):
                if line[part].get(name) != value:
                    yield _nearness(value, wanted), {**line, part: {**line[part], name: value}}
        for condition in self._conditions():
            yield from ((0, met) for met in met_each(line, condition))
        for region in self._regions(wanted):
            yield _nearness(region, wanted) + 1, {**line, "agency_region": region}
            place = self.line("call", region, self._day)
            debtor = {**line["debtor"], "commune": place["debtor"].get("commune")}
            there = {**line, "region": place["region"], "timezone": place["timezone"], "debtor": debtor}
            if region != line["region"]:
                yield _nearness(region, wanted), there
                yield from (
                    (_nearness(agency, wanted) + 1, {**there, "agency_region": agency})
                    for agency in self._rule.agency_regions
                )

    def _past(self, line: Line, wanted: list[Any]) -> Iterator[tuple[int, Line]]:
        """The debt with one event, each kind on each day that the rule's numbers suggest; and due then."""
        debt, day = line["debt"], datetime.fromisoformat(line["proposed"]["at"]).date()
        kinds = dict.fromkeys(kind for kind in EVENT_KINDS if kind in wanted)
        days = self._days_ago(day) if kinds or self._rule.kind == "limitation" else [day + DAY, day - DAY]
        for on in days:
            yield 1, {**line, "debt": {**debt, "due_date": on.isoformat()}}
            for kind in kinds:
                event = {"kind": kind, "on": on.isoformat()}
                near = _nearness(kind, wanted)
                yield near, {**line, "debt": {**debt, "events": [event]}}
                if near == 0 and on != day:
                    yield near + 1, {**line, "debt": {**debt, "events": [event, *debt.get("events", ())]}}
                    ended = {**event, "until": day.isoformat()}
                    yield near + 1, {**line, "debt": {**debt, "events": [ended]}}
        for amount in (
            value + step for value in self._values if isinstance(value, Decimal) for step in (-1, 0, 1)
        ):
            yield 0, {**line, "debt": {**debt, "amount": str(amount)}}
        window = {"days": list(WEEKDAYS), "opens": "00:00", "closes": "24:00"}
        for name in ("closed_windows", "asked_windows"):
            yield 1, {**line, "debtor": {**line["debtor"], name: [window]}}

    def _days_ago(self, day: date) -> list[date]:
        """The day itself, and a day either side of each number of the rule as days, months and years ago."""
        numbers = sorted({int(value) for value in self._values if _number(value) and 0 < value <= 1000})
        steps = [timedelta(), timedelta(days=1), timedelta(days=30)]
        steps += [timedelta(days=number * length) for number in numbers for length in (1, _MONTH)]
        steps += [timedelta(weeks=number) for number in numbers if number < 100]
        steps += [
            timedelta(days=int(number * 1.4) + extra) for number in numbers if number < 60 for extra in (0, 2)
        ]
        known = [day - step - change * DAY for step in steps for change in (-1, 0, 1)]
        known += [
            _years_before(day, number) + change * DAY
            for number in numbers
            if number <= 40
            for change in (-1, 0, 1)
        ]
        return [one for one in dict.fromkeys(known) if date(1950, 1, 1) < one <= day]

    def _elsewhen(self, line: Line, wanted: list[Any]) -> Iterator[tuple[int, Line]]:
        """The contact, with all that went before it, on other days and at other minutes."""
        at = datetime.fromisoformat(line["proposed"]["at"])
        zone = load_zone(line["timezone"])
        minute = at.hour * 60 + at.minute
        moments = [(day, minute) for day in self.days(wanted)]
        moments += [(at.date(), other) for other in self.minutes(wanted)]
        moments += [(day, other) for day in self.days(())[:2] for other in self.minutes(wanted)]
        for day, other in moments:
            moved = instant(day, other, zone).astimezone(zone)
            yield _nearness(day, wanted), _moved(line, moved - at)

    def _histories(self, line: Line, wanted: list[Any]) -> Iterator[tuple[int, Line]]:
        history = line["history"]
        if not history:
            return
        at = datetime.fromisoformat(line["proposed"]["at"])
        model = _model(get_args(ScenarioLine.model_fields["history"].annotation)[0])
        for name, value in _variations(model, wanted):
            if name != "at" and history[0].get(name) != value:
                each = [{**contact, name: value} for contact in history]
                yield 0, {**line, "history": each}
                channel = line["proposed"]["channel"]
                if name == "outcome":
                    for other in CHANNELS:
                        moved = [{**contact, "channel": other} for contact in each]
                        yield (
                            _nearness(value, wanted) + _nearness(other, wanted) + (other != channel),
                            {**line, "history": moved},
                        )
        first = history[0]
        for ago in self.spans(at, line["timezone"]):
            for count in {len(history), *self._counts()}:
                contacts = _contacts(at, ago, count, first["channel"], first["outcome"])
                yield 0, {**line, "history": contacts}
        for day in self._turning_days():
            zone = load_zone(line["timezone"])
            yield 4, _moved(line, instant(day, NOON, zone).astimezone(zone) - at)

    def _turning_days(self) -> list[date]:
        """A Monday, a Sunday, and the first and last days of a month and a year near the ordinary day."""
        day = self._day
        first = (day.replace(day=1) + timedelta(days=_MONTH)).replace(day=1)
        return [day - timedelta(days=day.weekday()), first, first - DAY, first + DAY]

    def _first(self, choices: Iterable[Any], wanted: Iterable[Any]) -> list[Any]:
        known = list(choices)
        return list(dict.fromkeys([value for value in wanted if value in known] + known))


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, day.month, min(day.day, 28) if day.month == 2 else day.day)


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool | Wall)


def _ordinary_day(rule: Rule) -> date:
    """A Tuesday in the middle of a month on which the rule holds, not after it was verified."""
    last = min(rule.in_force.last or rule.verified, rule.verified)
    first = rule.in_force.first or date(1990, 1, 1)
    day = max(last - 60 * DAY, first)
    middle = day.replace(day=10)
    middle += timedelta(days=(1 - middle.weekday()) % 7)
    return middle if first <= middle <= last else day


def _contacts(at: datetime, ago: timedelta, count: int, channel: str, outcome: str) -> list[Line]:
    """`count` contacts a minute apart, the first `ago` before the moment."""
    return [
        {
            "at": moment.isoformat(),
            "channel": channel,
            "direction": "outbound",
            "outcome": outcome,
            "debt": "same",
            "creditor": "same",
        }
        for number in range(count)
        if (moment := at - ago + timedelta(minutes=number)) < at
    ]


def _moved(line: Line, by: timedelta) -> Line:
    def later(text: str) -> str:
        return (datetime.fromisoformat(text) + by).isoformat()

    return {
        **line,
        "debt": {
            **line["debt"],
            "due_date": _day_moved(line["debt"]["due_date"], by),
            "events": [
                {**event, "on": _day_moved(event["on"], by)} for event in line["debt"].get("events", ())
            ],
        },
        "history": [{**contact, "at": later(contact["at"])} for contact in line["history"]],
        "proposed": {**line["proposed"], "at": later(line["proposed"]["at"])},
    }


def _day_moved(text: str, by: timedelta) -> str:
    return (date.fromisoformat(text) + timedelta(days=by.days)).isoformat()


def _nearness(value: Any, wanted: list[Any]) -> int:
    """0 for what the rule or the shift names, 1 for what it does not."""
    entries = value if isinstance(value, list) else [value]
    return 0 if any(entry in wanted for entry in entries) else 1


def _variations(model: type[BaseModel], wanted: list[Any]) -> Iterator[tuple[str, Any]]:
    """Every field of a line's part, with each value worth trying."""
    words = [*_RELATIONS, *(value for value in wanted if isinstance(value, str))]
    for name, field in model.model_fields.items():
        for value in _tries(_hashed(field.annotation), tuple(dict.fromkeys(words))):
            yield name, value


def _hashed(hint: Any) -> Hashable:
    assert isinstance(hint, Hashable)
    return hint


@cache
def _tries(hint: Hashable, words: tuple[str, ...]) -> list[Any]:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        tries = [value for part in get_args(hint) if part is not NoneType for value in _tries(part, words)]
        return [*tries, None]
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    if get_origin(hint) is tuple:
        single = _tries(get_args(hint)[0], words)
        return [*([value] for value in single), [], *([single] if single else [])]
    if hint is bool:
        return [True, False]
    return list(words) if hint is str else []


def _model(hint: Any) -> type[BaseModel]:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    assert isinstance(hint, type)
    assert issubclass(hint, BaseModel)
    return hint
