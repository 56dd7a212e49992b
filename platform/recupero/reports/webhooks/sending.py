"""Sends what waits for creditors' addresses: claimed and committed, sent, and its answer noted.

An event is told at least once: where a worker dies between sending and noting, it is told again under the
same id, by which the other side knows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import Database, Scope
from recupero.reports.webhooks import line, telling
from recupero.reports.webhooks.tables import Webhook, WebhookEvent

BATCH = 20
LEASE = timedelta(minutes=10)  # longer than a batch in which nobody answers
#: After each failure, until it is given up.
PAUSES = tuple(timedelta(minutes=one) for one in (1, 5, 30, 120, 480, 1440))
KEPT, KEPT_DEAD = timedelta(days=30), timedelta(days=90)


@dataclass(frozen=True, slots=True)
class _Due:
    """An event that this worker has claimed, and where it goes."""

    id: int
    webhook_id: int
    attempts: int
    url: str
    secrets: tuple[str, ...]
    body: bytes


def send_due(database: Database, scope: Scope) -> int:
    """Send what is due for the tenant in scope; how many were delivered. What is left over or failed is asked
    for again."""
    delivered = 0
    while due := _claim(database, scope):
        failed: dict[int, datetime] = {}
        for one in due:
            if one.webhook_id in failed:  # its address is not asked again until then
                _note(
                    database,
                    scope,
                    one,
                    state="waiting",
                    next_at=failed[one.webhook_id],
                    attempts=one.attempts,
                )
                continue
            outcome = _send(one)
            _note(database, scope, one, **outcome)
            if outcome["state"] == "delivered":
                delivered += 1
            else:
                failed[one.webhook_id] = outcome.get("next_at") or clock.now() + PAUSES[0]
        _ask_again(database, scope, failed.values())
    return delivered


def _claim(database: Database, scope: Scope) -> list[_Due]:
    """The oldest that are due, as being sent from now on; also what a dead worker was sending."""
    now, tenant = clock.now(), scope.tenant()
    waits = (WebhookEvent.state == "waiting") & (WebhookEvent.next_at <= now)
    left = (WebhookEvent.state == "sending") & (WebhookEvent.leased_until < now)
    active = select(Webhook.id).where(Webhook.tenant_id == tenant, Webhook.active)
    chosen = (
        select(WebhookEvent.id)
        .where(WebhookEvent.tenant_id == tenant, or_(waits, left), WebhookEvent.webhook_id.in_(active))
        .order_by(WebhookEvent.id).limit(BATCH).with_for_update(skip_locked=True)
    )  # fmt: skip
    with database.transaction(scope) as session:
        ids = list(session.execute(chosen).scalars())
        if not ids:
            return []
        session.execute(
            update(WebhookEvent)
            .where(WebhookEvent.tenant_id == tenant, WebhookEvent.id.in_(ids))
            .values(state="sending", leased_until=now + LEASE)
        )
        return _due(session, tenant, ids, now)


def _due(session: Session, tenant: int, ids: Sequence[int], now: datetime) -> list[_Due]:
    rows = session.execute(
        select(WebhookEvent, Webhook)
        .join(
            Webhook, (Webhook.tenant_id == WebhookEvent.tenant_id) & (Webhook.id == WebhookEvent.webhook_id)
        )
        .where(WebhookEvent.tenant_id == tenant, Webhook.tenant_id == tenant, WebhookEvent.id.in_(ids))
        .order_by(WebhookEvent.id)
    ).all()
    return [
        _Due(event.id, webhook.id, event.attempts, webhook.url, secrets_of(webhook, now), body_of(event))
        for event, webhook in rows
    ]


def secrets_of(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    """What signs: the secret, and the one before as long as it holds."""
    if webhook.old_secret and webhook.old_until and webhook.old_until > now:
        return webhook.secret, webhook.old_secret
    return (webhook.secret,)


def body_of(event: WebhookEvent) -> bytes:
    """What is sent: the event as JSON."""
    return orjson.dumps(
        {
            "id": f"evt_{event.id}", "type": event.kind, "at": event.created_at,
            "creditor_id": event.tenant_id, "data": event.data,
        }
    )  # fmt: skip


def _send(one: _Due) -> dict[str, Any]:
    """What to note of the event once it was sent, or could not be."""
    now, attempts = clock.now(), one.attempts + 1
    headers = {
        "Content-Type": "application/json", "User-Agent": "Recupero",
        "Recupero-Event": f"evt_{one.id}", line.SIGNATURE: line.signature(one.secrets, one.body, now),
    }  # fmt: skip
    status, problem = None, None
    try:
        status = line.post(one.url, one.body, headers)
    except line.Refused as refused:
        problem = str(refused)
    told = {"attempts": attempts, "status": status, "problem": problem}
    if status is not None and 200 <= status < 300:
        return {**told, "state": "delivered", "finished_at": now}
    if attempts > len(PAUSES):
        return {**told, "state": "dead", "finished_at": now}
    return {**told, "state": "waiting", "next_at": now + PAUSES[attempts - 1]}


def _note(database: Database, scope: Scope, one: _Due, **values: Any) -> None:
    """Only while it is still ours: one that took too long is another worker's by now."""
    with database.transaction(scope) as session:
        session.execute(
            update(WebhookEvent)
            .where(
                WebhookEvent.tenant_id == scope.tenant(), WebhookEvent.id == one.id,
                WebhookEvent.state == "sending",
            )
            .values(leased_until=None, **values)
        )  # fmt: skip


def _ask_again(database: Database, scope: Scope, moments: Any) -> None:
    with database.transaction(scope) as session:
        for moment in set(moments):
            telling.ask(session, scope, moment)


def revive(database: Database, scope: Scope) -> bool:
    """Ask for what is due and asked for by nobody, because a worker or Redis died; whether there was any."""
    now = clock.now()
    left = (WebhookEvent.state == "sending") & (WebhookEvent.leased_until < now)
    waits = (WebhookEvent.state == "waiting") & (WebhookEvent.next_at <= now)
    with database.transaction(scope) as session:
        found = (
            select(WebhookEvent.id).where(WebhookEvent.tenant_id == scope.tenant(), or_(waits, left)).limit(1)
        )
        if session.execute(found).first() is None:
            return False
        telling.ask(session, scope)
        return True


def forget_old(session: Session) -> None:
    """Remove what was told long ago, and what was given up longer ago."""
    now, mine = clock.now(), WebhookEvent.tenant_id.in_(session.info["scope"].tenant_ids)
    for state, kept in (("delivered", KEPT), ("dead", KEPT_DEAD)):
        session.execute(
            delete(WebhookEvent).where(
                mine, WebhookEvent.state == state, WebhookEvent.finished_at < now - kept
            )
        )
