"""Stating a fact that stops work: it does so at once, by the hold that it stands for."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.contacts import told
from recupero.contacts.facts import EVENT_OF_HOLD
from recupero.contacts.told import NewFact
from recupero.kernel import clock
from recupero.placements import service as placements
from recupero.tenancy import queries as tenancy

#: A suit is a matter of the court's from its day on; the court's hold tells the law of no new suit.
_HOLD_OF_EVENT = {event: hold for hold, event in EVENT_OF_HOLD.items()} | {"suit": "court"}
#: Holds of everything that the person owes, whatever account they were told of.
_WHOLE = ("cease", "attorney")


def state(session: Session, fact: NewFact, *, debtor_id: int, account_id: int | None, actor: str) -> int:
    """State a fact as `told.state` does, with its errors. A request to stop, a dispute, a complaint, a
    lawyer, a suit or a breathing space that lasts opens the hold of its kind, too: what is queued is
    cancelled in this transaction."""
    fact_id = told.state(session, fact, debtor_id=debtor_id, account_id=account_id, actor=actor)
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    until = None if fact.until is None else _begins(fact.until + timedelta(days=1), zone)
    if fact.kind != "event" or (until is not None and until <= clock.now()):
        return fact_id
    hold = _HOLD_OF_EVENT.get(fact.name)  # type: ignore[call-overload]  # a word of the law, checked above
    if hold is not None:
        placements.open_hold(
            session, debtor_id=debtor_id, account_id=None if hold in _WHOLE else account_id, kind=hold,
            source=f"fact:{fact_id}", until=until, since=min(_begins(fact.began_on, zone), clock.now()),
        )  # fmt: skip
    return fact_id


def end(session: Session, fact_id: int, *, actor: str) -> None:
    """What was stated does not stand any more, nor does the hold that it opened. Raises NotFound where it
    does not."""
    told.end(session, fact_id, actor=actor)
    placements.end_of_source(session, f"fact:{fact_id}", by=actor)


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
