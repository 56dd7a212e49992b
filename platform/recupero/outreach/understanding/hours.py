"""By when a person must have answered, in the hours in which a creditor's people work."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, UserError
from recupero.payments.offers.plan_schedule import working_days
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service

OPENS, CLOSES = time(9), time(18)
SETTING = "people_hours"


@dataclass(frozen=True, slots=True)
class Hours:
    """When people work: from `opens` to `closes` on working days, by the clock of `zone`."""

    opens: time
    closes: time
    zone: ZoneInfo
    is_working: Callable[[date], bool]

    def day(self) -> timedelta:
        """The length of a working day."""
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)

    def at_work(self, at: datetime) -> bool:
        """Whether people work at that moment."""
        there = at.astimezone(self.zone)
        return self.is_working(there.date()) and self.opens <= there.time() < self.closes

    def within(self, start: datetime, length: timedelta) -> timedelta:
        """How much of the time from `start` on, at most a day, is working time."""
        found, end = timedelta(0), start + length
        for day in {start.astimezone(self.zone).date(), end.astimezone(self.zone).date()}:
            if self.is_working(day):
                opens, closes = (datetime.combine(day, at, self.zone) for at in (self.opens, self.closes))
                found += max(timedelta(0), min(end, closes) - max(start, opens))
        return found

    def after(self, start: datetime, work: timedelta) -> datetime:
        """The moment at which so much working time has passed since `start`."""
        day = start.astimezone(self.zone).date()
        while True:
            opens, closes = (datetime.combine(day, at, self.zone) for at in (self.opens, self.closes))
            begins = max(start, opens)
            if self.is_working(day) and begins < closes:
                if work <= closes - begins:
                    return (begins + work).astimezone(start.tzinfo)
                work -= closes - begins
            day += timedelta(days=1)


def hours(session: Session) -> Hours:
    """Those of the tenant in scope: nine to six where nobody set them, no weekends, no public holidays."""
    tenant = tenancy.tenant(session)
    opens, closes = tenant.settings.get(SETTING) or (OPENS.isoformat(), CLOSES.isoformat())
    return Hours(
        time.fromisoformat(opens), time.fromisoformat(closes), ZoneInfo(tenant.timezone),
        working_days(tenant.country),
    )  # fmt: skip


def set_hours(session: Session, opens: str, closes: str, *, actor: str) -> None:
    """Keep the hours (HH:MM) of the tenant in scope. Raises UserError where they are none."""
    read, faults = dict[str, time](), Faults()
    for field, text in (("opens", opens), ("closes", closes)):
        try:
            read[field] = time.fromisoformat(text)
        except ValueError:
            faults.note(UserError("Write the time as 09:00.", field=field))
    faults.tell()
    if read["opens"] >= read["closes"]:
        raise UserError("They must close after they open.", field="closes")
    tenancy_service.configure_tenant(
        session, scope_of(session).tenant(), actor=actor,
        people_hours=[read["opens"].isoformat("minutes"), read["closes"].isoformat("minutes")],
    )  # fmt: skip
