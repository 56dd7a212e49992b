"""What open promises may bring, by portfolio and day, for the pages that show it."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from recupero.decisions import promise_chances
from recupero.decisions.promise_chances import Expected
from recupero.placements import browse

#: How far ahead is looked, in days.
AHEAD = (0, 7, 30)


@dataclass(frozen=True, slots=True)
class Coming:
    """What is due to a portfolio until a day."""

    portfolio: str
    until: date
    one: Expected


def coming(session: Session, today: date) -> list[Coming]:
    """What open promises to the tenants in scope may bring until today, in a week and in a month, by
    portfolio."""
    names = browse.portfolio_names(session)
    days = [today + timedelta(days=each) for each in AHEAD]
    found = [
        Coming(names.get(one.portfolio_id, str(one.portfolio_id)), until, one)
        for until in days
        for one in promise_chances.expected(session, until)
    ]
    return sorted(found, key=lambda line: (line.portfolio, line.one.currency, line.until))
