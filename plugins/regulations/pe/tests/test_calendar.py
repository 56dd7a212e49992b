"""Calls in Peru against a calendar worked out here from the statutes: any minute from 2011 to 2035."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk.law import Channel, Facts, Proposal, judge, load_pack

PACK = load_pack(Path(__file__).parents[1] / "recupero_regulation_pe")
LIMA = ZoneInfo("America/Lima")
#: Month, day and first year (D. Leg. 713 art. 6; Leyes 31788 and 31822). None moves.
FIXED = (
    (1, 1, 0),
    (5, 1, 0),
    (6, 7, 2024),
    (6, 29, 0),
    (7, 23, 2023),
    (7, 28, 0),
    (7, 29, 0),
    (8, 6, 2022),
    (8, 30, 0),
    (10, 8, 0),
    (11, 1, 0),
    (12, 8, 0),
    (12, 9, 2022),
    (12, 25, 0),
)


def easter(year: int) -> date:
    """Easter Sunday by Gauss's rule in its anonymous Gregorian form."""
    century, in_century = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def holiday(day: date) -> bool:
    holy = {easter(day.year) - timedelta(days=back) for back in (3, 2)}
    return day in holy or any((day.month, day.day) == (m, d) and day.year >= since for m, d, since in FIXED)


@settings(deadline=None)
@given(
    st.dates(date(2011, 1, 1), date(2035, 12, 31)),
    st.integers(0, 24 * 60 - 1),
    st.sampled_from(["call", "visit", "sms", "email", "whatsapp", "letter"]),
)
def test_contact_is_open_on_working_days_from_7_to_20(day: date, minute: int, channel: Channel) -> None:
    at = datetime.combine(day, time(minute // 60, minute % 60), LIMA)
    expected = at.weekday() < 5 and not holiday(day) and 7 <= at.hour < 20
    facts = Facts("PE", region="PE-LMA", timezone="America/Lima", due_date=date(2010, 11, 1))
    assert judge(PACK, facts, (), Proposal(at, channel), next_lawful=False).allowed is expected
