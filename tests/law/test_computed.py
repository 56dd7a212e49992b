"""What packs compute beside the gate: days, deadlines, respites, caller numbers, places, charges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import holidays
import pytest
from dateutil.easter import easter as by_dateutil  # type: ignore[import-untyped]  # ships no types
from hypothesis import given
from hypothesis import strategies as st

from recupero_sdk.law import Event, Facts, Proposal
from recupero_sdk.law.caller import check_caller
from recupero_sdk.law.limitation import barred_from
from recupero_sdk.law.money import charge_cap
from recupero_sdk.law.parameters import LimitationParameters
from recupero_sdk.law.spans import day_after, easter
from recupero_sdk.law.terms import Days, Span
from recupero_sdk.law.zones import area_of_postcode, place_of_phone, place_of_postcode
from tests.law import packs


@given(st.integers(1583, 4000))
def test_easter(year: int) -> None:
    assert easter(year) == by_dateutil(year)


@pytest.mark.parametrize(
    "start, span, expected",
    [
        (date(2025, 3, 7), Span(value=1, unit="business_days"), date(2025, 3, 10)),
        (date(2025, 3, 7), Span(value=72, unit="hours"), date(2025, 3, 10)),
        (date(2025, 1, 31), Span(value=1, unit="months"), date(2025, 2, 28)),
        (date(2024, 2, 29), Span(value=1, unit="years"), date(2025, 2, 28)),
        (date(2025, 11, 30), Span(value=3, unit="months"), date(2026, 2, 28)),
        (date(2025, 12, 15), Span(value=2, unit="weeks"), date(2025, 12, 29)),
    ],
)
def test_days_after_a_day(start: date, span: Span, expected: date) -> None:
    assert day_after(start, span) == expected


def test_business_days_pass_over_holidays() -> None:
    closed = holidays.country_holidays("GB", subdiv="ENG")
    day = day_after(
        date(2025, 4, 17),
        Days(value=1, unit="business_days"),
        lambda one: one.weekday() >= 5 or one in closed,
    )
    assert day == date(2025, 4, 22)  # Good Friday and Easter Monday lie between


def _limitation(**more: object) -> LimitationParameters:
    periods = [{"debt_kinds": ["default"], "period": {"value": 5, "unit": "years"}}]
    data = {"runs_from": "due_date", "periods": periods, "effect": "no_contact", **more}
    return LimitationParameters.model_validate(data)


@pytest.mark.parametrize(
    "more, events, expected",
    [
        ({}, [], date(2025, 1, 10)),
        ({"interrupted_by": ["payment"]}, [Event("payment", date(2023, 5, 2))], date(2028, 5, 2)),
        ({"interrupted_by": ["payment"]}, [Event("payment", date(2025, 1, 10))], date(2025, 1, 10)),
        ({"revived_by": ["payment"]}, [Event("payment", date(2025, 2, 1))], date(2030, 2, 1)),
        (
            {"suspended_by": [{"event": "demand", "at_most": {"value": 6, "unit": "months"}}]},
            [Event("demand", date(2021, 1, 1)), Event("demand", date(2022, 1, 1))],
            date(2025, 7, 10),
        ),
        (
            {"transitions": [{"due_from": "2019-01-01", "due_to": "2020-12-31", "ends": "2022-12-28"}]},
            [],
            date(2022, 12, 29),
        ),
    ],
)
def test_a_debt_is_barred(more: dict[str, object], events: list[Event], expected: date) -> None:
    assert barred_from(_limitation(**more), None, date(2020, 1, 10), events) == expected


def test_places_of_numbers_and_postcodes() -> None:
    pack = packs.any_pack("QK")
    east = place_of_phone(pack, "+1 212 555 0100")
    assert east is not None
    assert (east.region, east.timezone) == ("QK-NY", "America/New_York")
    middle = place_of_postcode(pack, "60601")
    assert middle is not None
    assert (middle.region, middle.timezone) == ("QK-CH", None)
    assert place_of_phone(pack, "+44 20 7946 0000") is None
    assert (area_of_postcode(pack, "10001"), area_of_postcode(pack, "11201")) == ("QK-CITY", None)


@pytest.mark.parametrize(
    "number, allowed", [("+34 912 345 678", True), ("+34 612 345 678", False), (None, False)]
)
def test_calls_in_spain_come_from_no_mobile_and_no_hidden_number(number: str | None, allowed: bool) -> None:
    facts = Facts("ES", region="ES-MD", timezone="Europe/Madrid")
    proposal = Proposal(datetime(2025, 9, 10, 10, tzinfo=UTC), "call")
    outcomes = check_caller(packs.any_pack("ES"), facts, proposal, number)
    assert outcomes
    assert all(one.outcome != "refused" for one in outcomes) is allowed


def test_a_cap_by_the_day_and_in_all() -> None:
    pack, day = packs.any_pack("GB"), date(2025, 5, 1)
    short = charge_cap(pack, day, "all_charges", Decimal(200), 10)
    assert short == Decimal(16)  # 0.8 percent a day
    assert charge_cap(pack, day, "all_charges", Decimal(200), 400) == Decimal(200)
