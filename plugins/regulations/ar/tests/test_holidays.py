"""Argentina's movable holidays against the rule of Ley 27.399 art. 6, and what has no schedule at all."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, Proposal, Verdict, judge, load_pack

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_ar")
CLOCK = ZoneInfo("America/Argentina/Cordoba")
CORDOBA = Facts("AR", region="AR-X", timezone="America/Argentina/Cordoba", due_date=date(2014, 12, 1))
START = datetime(2015, 1, 6, tzinfo=CLOCK)
MOMENTS = st.integers(0, 20 * 366 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
MOVABLE = ((6, 17), (8, 17), (10, 12), (11, 20))
#: Weekend holidays that the Chief of Cabinet moved (Decreto 614/2025).
MOVED_BY_DECISION = {date(2025, 10, 12): date(2025, 10, 10)}
#: Days to the Monday on which it is kept, by weekday of the date itself.
MOVED_DAYS = {0: 0, 1: -1, 2: -2, 3: 4, 4: 3, 5: 0, 6: 0}


def kept_on(day: date) -> date:
    moved = MOVED_BY_DECISION.get(day, day + timedelta(days=MOVED_DAYS[day.weekday()]))
    return day if (moved.month, moved.day) == (6, 20) else moved  # Belgrano's day is taken: as kept in 2022


def call(day: date) -> Verdict:
    at = datetime(day.year, day.month, day.day, 10, tzinfo=CLOCK)
    return judge(PACK, CORDOBA, (), Proposal(at, "call"), next_lawful=False)


@pytest.mark.parametrize("year", range(2018, 2036))
def test_movable_holidays_close_calls_on_the_day_they_are_kept(year: int) -> None:
    for month, day in MOVABLE:
        original = date(year, month, day)
        assert "AR-HOLIDAYS" in {refusal.rule_id for refusal in call(kept_on(original)).refusals}
        if kept_on(original) != original and original.weekday() < 5:
            assert call(original).allowed, f"{original} itself was a working day"


@settings(deadline=None)
@given(
    MOMENTS,
    st.sampled_from(["visit", "sms", "email", "whatsapp", "letter"]),
)
def test_no_national_schedule_for_what_is_not_a_call(at: datetime, channel: Channel) -> None:
    assert judge(PACK, CORDOBA, (), Proposal(at, channel), next_lawful=False).allowed


@settings(deadline=None)
@given(MOMENTS)
def test_calls_are_never_open_outside_the_window(at: datetime) -> None:
    closes = {5: 13, 6: 0}.get(at.weekday(), 21)
    if not 9 <= at.hour < closes:
        verdict = judge(PACK, CORDOBA, (), Proposal(at, "call"), next_lawful=False)
        assert "AR-NOLLAME-8d-hours" in {refusal.rule_id for refusal in verdict.refusals}
