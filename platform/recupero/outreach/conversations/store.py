"""Storing what connectors tell, once, and handing it to workers."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs
from recupero.kernel.database import Scope, scope_of
from recupero.outreach.conversations import events, files
from recupero.outreach.conversations.tables import ChannelEvent, MessageFile
from recupero_sdk.inbound import Event, MessageEvent, Unread


def receive(session: Session, connector: str, told: Sequence[Event], *, named: str | None = None) -> int:
    """Store events of a connector for the tenant in scope and ask a worker for them; how many are new.

    One that was told before is left as it is. `named` is the key of our message that the address named.
    """
    if not told:
        return 0
    new = _insert(session, connector, told, named)
    kept = [
        {"tenant_id": scope_of(session).tenant(), "event": new[_id_of(event)], **row}
        for event in told
        if isinstance(event, MessageEvent) and _id_of(event) in new
        for row in files.rows(event.attachments)
    ]
    if kept:
        session.execute(insert(MessageFile), kept)
    if new:
        ask_worker(session)
    return len(new)


def set_aside(session: Session, connector: str, unread: Sequence[Unread]) -> None:
    """Keep the entries that a connector could not read where people see them, each once and no longer than a
    message may be: a person reads what no program does."""
    unread = [one for one in unread if one.content.strip()]
    if not unread:
        return
    now, tenant = clock.now(), scope_of(session).tenant()
    rows = {
        hashlib.sha256(one.content.encode("utf-8", "replace")).hexdigest(): events.unread_to_json(one)
        for one in unread
    }
    session.execute(
        upsert(ChannelEvent)
        .values([
            {
                "tenant_id": tenant, "connector": connector, "event_id": f"unread:{digest}",
                "kind": events.UNREAD, "received_at": now, "payload": payload, "state": "quarantined",
                "reason": "unreadable", "due_at": now, "attempts": 0,
            }
            for digest, payload in rows.items()
        ])
        .on_conflict_do_nothing(index_elements=["tenant_id", "connector", "event_id"])
    )  # fmt: skip


def _insert(session: Session, connector: str, told: Sequence[Event], named: str | None) -> dict[str, int]:
    """Row ids of the events that are new, by their ids."""
    now, tenant = clock.now(), scope_of(session).tenant()
    rows: dict[str, dict[str, Any]] = {
        _id_of(event): {
            "tenant_id": tenant, "connector": connector, "event_id": _id_of(event),
            "kind": events.kind_of(event), "named": named and named[: events.LONGEST_ID],
            "received_at": now, "payload": events.to_json(event), "state": "new", "due_at": now,
            "attempts": 0,
        }
        for event in told
    }  # fmt: skip
    stored = session.execute(
        upsert(ChannelEvent)
        .values(list(rows.values()))
        .on_conflict_do_nothing(index_elements=["tenant_id", "connector", "event_id"])
        .returning(ChannelEvent.event_id, ChannelEvent.id)
    )
    return {row.event_id: row.id for row in stored}


def _id_of(event: Event) -> str:
    """The event's id; a long one by its hash, since it is a key."""
    if len(event.id) <= events.LONGEST_ID and "\x00" not in event.id:
        return event.id
    return "sha256:" + hashlib.sha256(event.id.encode("utf-8", "replace")).hexdigest()


def ask_worker(session: Session) -> None:
    """One job works all events that wait for the tenant in scope; while it is queued none is added."""
    tenant = scope_of(session).tenant()
    jobs.enqueue(session, "outreach.work_events", queue="urgent", unique_key=f"channel_events:{tenant}")


def waiting(session: Session, *, after: int, limit: int) -> Sequence[int]:
    """Events of the tenant in scope that are due to be worked, in the order in which they came."""
    query = select(ChannelEvent.id).where(
        ChannelEvent.tenant_id == scope_of(session).tenant(),
        ChannelEvent.state == "new",
        ChannelEvent.due_at <= clock.now(),
        ChannelEvent.id > after,
    )
    return session.execute(query.order_by(ChannelEvent.id).limit(limit)).scalars().all()


def overdue(session: Session, before: datetime) -> list[int]:
    """Tenants in scope whose events were due before a moment and still wait."""
    rows = session.execute(
        select(ChannelEvent.tenant_id)
        .where(
            ChannelEvent.tenant_id.in_(scope_of(session).tenant_ids),
            ChannelEvent.state == "new",
            ChannelEvent.due_at < before,
        )
        .distinct()
    )
    return list(rows.scalars())


def scope_of_tenant(session: Session, tenant_id: int) -> Scope:
    return Scope(scope_of(session).agency(), (tenant_id,))
