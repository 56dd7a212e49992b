"""Each turn of a call is kept, encrypted, with the event it answers: a provider that asks the same again
hears the same again, and nothing happens twice."""

import json
from dataclasses import asdict

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.outreach.conversations.events import LONGEST_ID
from recupero.outreach.conversations.tables import ChannelEvent
from recupero.outreach.script_tables import CallLeg
from recupero_sdk.inbound import CallEvent, CallTurn

KIND = "call"


def answered_before(session: Session, connector: str, event: CallEvent) -> CallTurn | None:
    """The turn that the event was answered with; None where it is new, which it is for one caller alone: a
    second one at the same time waits for the first."""
    now, tenant = clock.now(), scope_of(session).tenant()
    new = session.execute(
        upsert(ChannelEvent)
        .values(
            tenant_id=tenant, connector=connector, event_id=event.id[:LONGEST_ID], kind=KIND, named=None,
            received_at=now, payload="", state="done", reason=event.stage.value, due_at=now, attempts=0,
            worked_at=now,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "connector", "event_id"])
        .returning(ChannelEvent.id)
    ).scalar_one_or_none()  # fmt: skip
    if new is not None:
        return None
    said = session.execute(select(ChannelEvent.payload).where(*_this(session, connector, event))).scalar_one()
    told = json.loads(said)
    return CallTurn(**{**told, "hints": tuple(told["hints"])})


def keep(
    session: Session, connector: str, event: CallEvent, turn: CallTurn, contact_id: int | None
) -> CallTurn:
    """Keep what the event is answered with."""
    session.execute(
        update(ChannelEvent)
        .where(*_this(session, connector, event))
        .values(payload=json.dumps(asdict(turn), ensure_ascii=False), contact_id=contact_id)
    )
    return turn


def note_leg(
    session: Session,
    contact_id: int,
    leg: str,
    status: str,
    *,
    seconds: int | None = None,
    user_id: int | None = None,
) -> None:
    """Something became of one side of the call."""
    session.execute(
        insert(CallLeg).values(
            tenant_id=scope_of(session).tenant(), contact_id=contact_id, at=clock.now(), leg=leg,
            status=status, seconds=seconds, user_id=user_id,
        )
    )  # fmt: skip


def legs(session: Session, contact_id: int) -> list[CallLeg]:
    """What became of the sides of a call, in order."""
    rows = session.execute(
        select(CallLeg)
        .where(CallLeg.tenant_id.in_(scope_of(session).tenant_ids), CallLeg.contact_id == contact_id)
        .order_by(CallLeg.id)
    )
    return list(rows.scalars())


def _this(session: Session, connector: str, event: CallEvent) -> tuple[ColumnElement[bool], ...]:
    return (
        ChannelEvent.tenant_id == scope_of(session).tenant(),
        ChannelEvent.connector == connector,
        ChannelEvent.event_id == event.id[:LONGEST_ID],
    )
