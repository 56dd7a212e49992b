"""Agents' minutes, money, channels and providers bind by their own day or hour, and skills are not double."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from recupero.decisions.planning.capacity import CALL_MINUTES, ON_CALLS, Capacity, People, resources
from recupero.decisions.planning.choosing import Choice, choose
from recupero.decisions.strategies.strategy import parse
from recupero.outreach.understanding.hours import Hours

MONDAY = datetime(2026, 3, 9, 14, tzinfo=UTC)
HOURS = Hours(time(9), time(12), ZoneInfo("UTC"), lambda day: day.weekday() < 5)
STRATEGY = {1: parse({"exploration": 0, "channels": ["call", "email"]})}


def _options(
    count: int, moments: list[datetime], language: str = "es", channel: str = "call"
) -> pl.DataFrame:
    rows = [
        {"person": person, "account": person, "portfolio": 1, "branch": 1, "channel": channel,
         "moment": moment, "template": "follow_up",
         "currency": "CLP", "balance_minor": 1000, "value_minor": 10.0 - place, "cost_minor": 3,
         "enough": True, "language": language, "situations": None}
        for person in range(count) for place, moment in enumerate(moments)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"situations": pl.List(pl.String)})


def _chosen(options: pl.DataFrame, choice: Choice) -> list[dict[str, object]]:
    return options[choice.chosen[choice.chosen >= 0]].to_dicts()


def _plan(options: pl.DataFrame, capacity: Capacity) -> list[dict[str, object]]:
    return _chosen(options, choose(options, STRATEGY, 1, resources(options, capacity)))


def test_calls_take_no_more_minutes_of_an_hour_than_people_have() -> None:
    hours = [MONDAY.replace(hour=hour) for hour in (8, 9, 10)]
    made = _plan(_options(100, hours), Capacity(STRATEGY, "UTC", People(HOURS, 2, {"language:es": 2})))
    an_hour = int(2 * 60 * ON_CALLS / CALL_MINUTES)
    assert Counter(row["moment"] for row in made) == {hours[1]: an_hour, hours[2]: an_hour}


def test_a_language_that_few_speak_is_called_in_by_those_few() -> None:
    hour = [MONDAY.replace(hour=9)]
    options = pl.concat(
        [_options(50, hour, "pt"), _options(50, hour).with_columns(pl.col("person", "account") + 50)]
    )
    people = People(HOURS, 3, {"language:es": 3, "language:pt": 1})
    spoken = Counter(row["language"] for row in _plan(options, Capacity(STRATEGY, "UTC", people)))
    most = int(60 * ON_CALLS / CALL_MINUTES)
    assert spoken["pt"] <= most
    assert spoken.total() == int(3 * 60 * ON_CALLS / CALL_MINUTES)


def test_money_and_channels_are_counted_by_the_creditors_day() -> None:
    strategies = {1: parse({"exploration": 0, "daily": {"email": 7}, "budget_minor": 15})}
    late = datetime(2026, 3, 10, 2, tzinfo=UTC)  # still Monday in Santiago
    options = _options(30, [MONDAY, late, late + timedelta(hours=4)], channel="email")
    scarce = resources(options, Capacity(strategies, "America/Santiago"))
    assert set(scarce.names) == {
        "daily:1:email:2026-03-09", "daily:1:email:2026-03-10", "budget:1:2026-03-09", "budget:1:2026-03-10"
    }  # fmt: skip
    made = _chosen(options, choose(options, strategies, 1, scarce))
    days = Counter(row["moment"] == late + timedelta(hours=4) for row in made)
    assert days == {False: 5, True: 5}  # 15 minor units at 3 each


def test_a_provider_takes_so_many_a_day() -> None:
    options = _options(30, [MONDAY], channel="email")
    made = _plan(options, Capacity(STRATEGY, "UTC", None, {"email": ("smtp", 4.0)}))
    assert len(made) == 4


def test_one_debtor_planned_later_pays_prices_and_keeps_to_the_room_that_is_left() -> None:
    options = _options(30, [MONDAY], channel="email")
    choice = choose(
        options, STRATEGY, 1, resources(options, Capacity(STRATEGY, "UTC", None, {"email": ("smtp", 4.0)}))
    )
    market = choice.market.to_json()
    assert market.pop("scale:CLP") == [1000, 0]
    ((name, (price, room)),) = market.items()
    assert name == "provider:smtp:2026-03-09"
    assert price > 0
    assert room == 0


@pytest.mark.parametrize(
    ("start", "length", "minutes"),
    [(MONDAY.replace(hour=8, minute=30), 1, 30), (MONDAY.replace(hour=11), 4, 60), (MONDAY, 1, 0),
     (datetime.combine(date(2026, 3, 7), time(9), UTC), 3, 0)],
)  # fmt: skip
def test_working_time_within_a_stretch(start: datetime, length: int, minutes: int) -> None:
    assert HOURS.within(start, timedelta(hours=length)) == timedelta(minutes=minutes)
