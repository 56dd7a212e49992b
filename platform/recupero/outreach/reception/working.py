"""Working stored events: news of messages go to their contacts, messages to whom they are from.

Each event is worked in one transaction with its own state, so working it twice is the same as once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from recupero.contacts import answers, news
from recupero.contacts import service as contacts
from recupero.contacts.events import MessageReceived
from recupero.contacts.news import News, Price, Told
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound
from recupero.kernel.events import publish
from recupero.outreach.actions.states import Move, move
from recupero.outreach.conversations import conversations, events, replies, senders, stopping
from recupero.outreach.conversations.stopping import is_stop
from recupero.outreach.conversations.tables import ChannelEvent, MessageFile
from recupero.outreach.reception import elsewhere
from recupero.outreach.understanding import hand_overs, policy
from recupero.placements import reach
from recupero.placements import service as placements
from recupero_sdk.inbound import Fate, MessageEvent, StatusEvent

#: News may come before our own books know the provider's id of the message: they are looked at again.
LOOK_AGAIN = timedelta(minutes=1)
GIVE_UP_AFTER = timedelta(minutes=30)

_NEWS: dict[Fate, tuple[str, str | None]] = {
    Fate.SENT: ("sent", None),
    Fate.DELIVERED: ("delivered", "DLVD"),
    Fate.READ: ("delivered", "OPEN"),
    Fate.FAILED: ("failed", None),
    Fate.PERMANENT: ("failed", "BNCE"),
    Fate.COMPLAINT: ("delivered", "OPTO"),
    Fate.OPTED_OUT: ("failed", "OPTO"),
    Fate.DECEASED: ("failed", None),
}


@dataclass(frozen=True, slots=True)
class _End:
    """Where an event ends: its state, why, and the contact it became or was about."""

    state: str
    reason: str | None = None
    contact_id: int | None = None


def work_event(session: Session, event_id: int) -> None:
    """Work a stored event of the tenant in scope, once."""
    stored = _locked(session, event_id)
    if stored is None or stored.state != "new":
        return
    if stored.kind == "status":
        end = _work_status(session, stored, events.status_from(stored.payload))
    else:
        end = _work_message(session, stored, events.message_from(stored.payload))
    _end(stored, end)


def _locked(session: Session, event_id: int) -> ChannelEvent | None:
    return session.execute(
        select(ChannelEvent)
        .where(ChannelEvent.tenant_id == scope_of(session).tenant(), ChannelEvent.id == event_id)
        .with_for_update()
    ).scalar_one_or_none()


def _end(stored: ChannelEvent, end: _End) -> None:
    stored.state, stored.reason, stored.contact_id = end.state, end.reason, end.contact_id
    stored.worked_at = clock.now()
    if end.state == "new":
        stored.due_at = clock.now() + LOOK_AGAIN


def _work_status(session: Session, stored: ChannelEvent, told: StatusEvent) -> _End:
    keys = senders.contact_ids(session, [told.reference, told.key, stored.named or ""])
    contact_id = news.contact_named(session, stored.connector, [told.reference], keys=keys)
    if contact_id is None:
        waited = clock.now() - stored.received_at
        return _End("new" if waited < GIVE_UP_AFTER else "quarantined", "unknown_message")
    state, note = _NEWS[told.fate]
    cost = told.cost
    price = Price(cost.amount_micro, cost.currency, cost.units) if cost is not None else None
    found = news.hear(session, contact_id, News(state, note, told.reason, told.reference, price))
    if told.fate is Fate.PERMANENT and found.contact_point_id is not None:
        reach.mark_points(session, [found.contact_point_id], "invalid")
    if told.fate in (Fate.COMPLAINT, Fate.OPTED_OUT):
        close_channel(session, [found.debtor_id], found.channel, source=f"{told.fate}:{stored.connector}")
    if told.fate is Fate.DECEASED:
        _died(session, stored.connector, found)
    _move_action(session, found, found.state, told.reason)
    if told.fate is Fate.PERMANENT and found.state == "failed" and found.action_id is not None:
        elsewhere.send(session, found.action_id, told.reason)
    return _End("done", told.fate.value, contact_id)


def _died(session: Session, connector: str, found: Told) -> None:
    """Somebody says that the person has died: everything rests, and a person looks into it."""
    placements.open_hold(
        session, debtor_id=found.debtor_id, account_id=None, kind="deceased",
        source=f"{Fate.DECEASED}:{connector}",
    )  # fmt: skip
    if found.account_id is not None:
        conversations.note(
            session, debtor_id=found.debtor_id, account_id=found.account_id, channel=found.channel,
            at=clock.now(), waits=False,
        )  # fmt: skip
        hand_overs.open_one(
            session, debtor_id=found.debtor_id, account_id=found.account_id, contact_id=found.contact_id,
            why=policy.DECEASED,
        )  # fmt: skip


def _move_action(session: Session, found: Told, state: str, reason: str | None) -> None:
    if found.action_id is not None and state in ("sent", "delivered", "answered", "failed"):
        move(session, [Move(found.action_id, state, reason)])


def _work_message(session: Session, stored: ChannelEvent, said: MessageEvent) -> _End:
    stop = not said.automatic and (is_stop(said.text) or is_stop(said.payload or ""))
    at_address = senders.at_address(session, said)
    if stop:
        close_channel(session, at_address, _meant(said), source=f"inbound:{stored.connector}")
    found = senders.find(session, stored.connector, said, at_address)
    if isinstance(found, str):
        return _End("quarantined", found)
    return _End("done", None, _join(session, stored, said, found, stop=stop))


def close_channel(session: Session, debtor_ids: list[int], channel: str, *, source: str) -> None:
    """No more on this channel, at once: what is queued on it is cancelled in this transaction."""
    for debtor_id in debtor_ids:
        contacts.record_permission(
            session, debtor_id=debtor_id, channel=channel, kind="opt_out", source=source
        )


def _join(session: Session, stored: ChannelEvent, said: MessageEvent, account_id: int, *, stop: bool) -> int:
    """The message becomes a contact of the account and a part of its debtor's conversation."""
    debtor_id = reach.reachable(session, [account_id])[account_id].debtor_id
    at = _moment(said.at, stored.received_at)
    channel: Any = said.channel  # a channel of law: connectors speak of no others
    contact_id = answers.record_inbound(
        session, account_id=account_id, channel=channel, connector=stored.connector, address=said.sender,
        subject=said.subject, body=_body(said), at=at, reference=stored.event_id, automatic=said.automatic,
    )  # fmt: skip
    session.execute(
        update(MessageFile)
        .where(MessageFile.tenant_id == stored.tenant_id, MessageFile.event == stored.id)
        .values(contact_id=contact_id)
    )
    if not said.automatic:
        _note_answer(session, stored.connector, said)
    conversations.note(
        session, debtor_id=debtor_id, account_id=account_id, channel=said.channel, at=at,
        connector=None if said.automatic else stored.connector, waits=not said.automatic and not stop,
    )  # fmt: skip
    if stop:
        _stop(session, stored, said, account_id, debtor_id)
    if not said.automatic:
        publish(session, MessageReceived(contact_id, debtor_id, account_id, said.channel))
    return contact_id


def _moment(at: datetime | None, received_at: datetime) -> datetime:
    """When it was said: never later than we heard of it."""
    return received_at if at is None else min(at, received_at)


def _body(said: MessageEvent) -> str:
    """The text, with a mark where it was cut; a pressed button that has no text by what it carries."""
    text = said.text or said.payload or ""
    return text if len(text) <= events.LONGEST_TEXT else text[: events.LONGEST_TEXT] + " […]"


def _note_answer(session: Session, connector: str, said: MessageEvent) -> None:
    """The message of ours that this one answers was read."""
    answered = senders.answered(session, connector, said)
    if answered is not None:
        found = news.hear(session, answered, News("delivered", "RPLY"))
        _move_action(session, found, "answered", None)


def _stop(
    session: Session, stored: ChannelEvent, said: MessageEvent, account_id: int, debtor_id: int
) -> None:
    """Close the channel also to a debtor who was found by the message answered, and say once that it is."""
    if debtor_id not in senders.at_address(session, said):
        close_channel(session, [debtor_id], _meant(said), source=f"inbound:{stored.connector}")
    replies.confirm_stop(
        session, account_id, said.channel, said.sender, closed=_meant(said), answers=stored.event_id
    )


def _meant(said: MessageEvent) -> str:
    return stopping.meant(said.text or said.payload or "", said.channel)


def assign(session: Session, event_id: int, account_id: int, *, actor: str) -> int:
    """A person says whose a quarantined message is; the contact it becomes. Raises NotFound, and Conflict
    where it is settled already."""
    stored = _quarantined(session, event_id)
    if stored.kind != "message":
        raise Conflict("only a message can be given to an account")
    if account_id not in reach.reachable(session, [account_id]):
        raise NotFound("no such account", field="account")
    said = events.message_from(stored.payload)
    stop = not said.automatic and (is_stop(said.text) or is_stop(said.payload or ""))
    contact_id = _join(session, stored, said, account_id, stop=stop)
    _end(stored, _End("done", f"assigned:{actor}", contact_id))
    audit.record(
        session, "outreach.assign_message", f"channel_event:{event_id}", actor=actor,
        tenant_id=stored.tenant_id, account=account_id,
    )  # fmt: skip
    return contact_id


def dismiss(session: Session, event_id: int, *, actor: str) -> None:
    """A person says that a quarantined event is about nobody here; it stays in the record. Raises NotFound,
    and Conflict where it is settled already."""
    stored = _quarantined(session, event_id)
    _end(stored, _End("done", f"dismissed:{actor}"))
    audit.record(
        session, "outreach.dismiss_message", f"channel_event:{event_id}", actor=actor,
        tenant_id=stored.tenant_id,
    )  # fmt: skip


def try_again(session: Session, event_id: int, *, actor: str) -> None:
    """A person asks for a failed event to be worked again. Raises NotFound, and Conflict where it did not
    fail."""
    stored = _locked(session, event_id)
    if stored is None:
        raise NotFound("no such event")
    if stored.state != "failed":
        raise Conflict("this is settled already")
    stored.state, stored.attempts, stored.due_at = "new", 0, clock.now()
    audit.record(
        session, "outreach.try_event_again", f"channel_event:{event_id}", actor=actor,
        tenant_id=stored.tenant_id,
    )  # fmt: skip


def _quarantined(session: Session, event_id: int) -> ChannelEvent:
    stored = _locked(session, event_id)
    if stored is None:
        raise NotFound("no such event")
    if stored.state not in ("quarantined", "failed"):
        raise Conflict("this is settled already")
    return stored
