"""The hours at which a debtor wants to be written to, inside those that the law leaves open."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.kernel import clock
from recupero.outreach.states import Move
from recupero.outreach.tables import Action
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy
from recupero_sdk.law.zones import load_zone


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hours by debtor, as minutes after local midnight; `zone` is where a debtor is who stated none."""

    hours: dict[int, tuple[int, int]]
    zone: str

    def objection(self, action: Action, account: Reachable) -> Move | None:
        """Put the action off to the debtor's hours, or None where it is inside them."""
        hours = self.hours.get(account.debtor_id)
        if hours is None:
            return None
        local = clock.now().astimezone(load_zone(account.timezone or self.zone))
        if hours[0] <= local.hour * 60 + local.minute < hours[1]:
            return None
        again = _next_opening(local, hours[0])
        if again >= action.expires_at:
            return Move(action.id, "expired", "preferred_hours")
        return Move(action.id, "scheduled", "preferred_hours", due_at=again)


def _next_opening(local: datetime, minute: int) -> datetime:
    opening = datetime.combine(local.date(), time(minute // 60, minute % 60), tzinfo=local.tzinfo)
    return opening if opening > local else opening + timedelta(days=1)


def of_debtors(session: Session, debtor_ids: Collection[int]) -> Wanted:
    """The hours that these debtors of the tenant in scope asked for."""
    asked = contacts.preferences(session, debtor_ids)
    hours = {
        debtor_id: (row.from_minute, row.to_minute)
        for debtor_id, row in asked.items()
        if row.from_minute is not None and row.to_minute is not None
    }
    return Wanted(hours, tenancy.tenant(session).timezone)
