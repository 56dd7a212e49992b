"""Creditors' addresses for events: set up, tried, and looked after."""

import secrets as random
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.reports.webhooks import line, telling
from recupero.reports.webhooks.tables import Webhook, WebhookEvent

OLD_HOLDS = timedelta(hours=24)  # how long a secret signs beside its successor
MOST = 10  # addresses of one creditor


def add(session: Session, *, name: str, url: str, kinds: Collection[str], actor: str) -> Webhook:
    """A new address of the tenant in scope, with a secret of its own.

    Raises UserError naming the field that is wrong, Conflict where the creditor has too many.
    """
    tenant = scope_of(session).tenant()
    if session.execute(select(func.count()).where(Webhook.tenant_id == tenant)).scalar_one() >= MOST:
        raise Conflict("a creditor has at most %(most)s addresses: remove one first", most=MOST)
    made = Webhook(
        tenant_id=tenant, secret=_secret(), old_secret=None, old_until=None, active=True,
        created_at=clock.now(), created_by=actor, **_checked(name, url, kinds),
    )  # fmt: skip
    session.add(made)
    session.flush()
    _record(session, "add", made, actor, kinds=list(made.kinds))
    return made


def change(
    session: Session,
    webhook_id: int,
    *,
    name: str,
    url: str,
    kinds: Collection[str],
    active: bool,
    actor: str,
) -> Webhook:
    """Give an address other settings. Raises UserError naming the field, NotFound."""
    webhook = one(session, webhook_id)
    for key, value in _checked(name, url, kinds).items():
        setattr(webhook, key, value)
    webhook.active = active
    _record(session, "change", webhook, actor, kinds=list(webhook.kinds), active=active)
    if active:
        telling.ask(session, scope_of(session))
    return webhook


def remove(session: Session, webhook_id: int, *, actor: str) -> None:
    """Forget an address and what was told to it. Raises NotFound."""
    webhook = one(session, webhook_id)
    for event in session.execute(select(WebhookEvent).where(_of(webhook))).scalars():
        session.delete(event)
    session.delete(webhook)
    _record(session, "remove", webhook, actor)


def rotate(session: Session, webhook_id: int, *, actor: str) -> str:
    """A new secret; the one before signs too for a day. Raises NotFound."""
    webhook = one(session, webhook_id)
    webhook.old_secret, webhook.old_until = webhook.secret, clock.now() + OLD_HOLDS
    webhook.secret = _secret()
    _record(session, "rotate", webhook, actor)
    return webhook.secret


def send_test(session: Session, webhook_id: int, *, actor: str) -> None:
    """Have a test event sent. Raises NotFound, Conflict where the address is switched off."""
    webhook = one(session, webhook_id)
    if not webhook.active:
        raise Conflict("this address is switched off: switch it on first")
    telling.tell_nothing(session, webhook.id)
    _record(session, "test", webhook, actor)


def again(session: Session, webhook_id: int, event_id: int, *, actor: str) -> None:
    """Send a given-up or delivered event once more, as from the beginning. Raises NotFound."""
    webhook = one(session, webhook_id)
    found = session.execute(
        update(WebhookEvent)
        .where(_of(webhook), WebhookEvent.id == event_id, WebhookEvent.state.in_(["dead", "delivered"]))
        .values(state="waiting", attempts=0, next_at=clock.now(), finished_at=None)
        .returning(WebhookEvent.id)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such event that could be sent again")
    telling.ask(session, scope_of(session))
    _record(session, "again", webhook, actor, event=event_id)


def webhooks(session: Session) -> Sequence[Webhook]:
    """All addresses of the tenants in scope, oldest first."""
    mine = Webhook.tenant_id.in_(scope_of(session).tenant_ids)
    return session.execute(select(Webhook).where(mine).order_by(Webhook.id)).scalars().all()


def one(session: Session, webhook_id: int) -> Webhook:
    """One of them. Raises NotFound."""
    mine = Webhook.tenant_id.in_(scope_of(session).tenant_ids)
    found = session.execute(select(Webhook).where(mine, Webhook.id == webhook_id)).scalar_one_or_none()
    if found is None:
        raise NotFound("no such webhook")
    return found


def dead(session: Session) -> dict[int, int]:
    """How many events were given up, by address, of the tenants in scope."""
    rows = session.execute(
        select(WebhookEvent.webhook_id, func.count())
        .where(WebhookEvent.tenant_id.in_(scope_of(session).tenant_ids), WebhookEvent.state == "dead")
        .group_by(WebhookEvent.webhook_id)
    ).all()
    return {row[0]: row[1] for row in rows}


def events_of(session: Session, webhook: Webhook, *, limit: int = 50) -> Sequence[WebhookEvent]:
    """What was told to an address last, newest first; what was given up before everything else."""
    query = select(WebhookEvent).where(_of(webhook))
    newest = query.order_by((WebhookEvent.state == "dead").desc(), WebhookEvent.id.desc()).limit(limit)
    return session.execute(newest).scalars().all()


def _of(webhook: Webhook) -> ColumnElement[bool]:
    return (WebhookEvent.tenant_id == webhook.tenant_id) & (WebhookEvent.webhook_id == webhook.id)


def _checked(name: str, url: str, kinds: Collection[str]) -> dict[str, object]:
    faults = Faults()
    if not name.strip() or len(name) > 100:
        faults.note(UserError("give it a name of at most 100 characters", field="name"))
    with faults.caught():
        line.check_url(url.strip())
    unknown = sorted(set(kinds) - set(telling.KINDS))
    if unknown:
        faults.note(UserError("there is no event %(kind)s", field="kinds", kind=unknown[0]))
    if not kinds:
        faults.note(UserError("choose at least one event", field="kinds"))
    faults.tell()
    return {
        "name": name.strip(), "url": url.strip(), "kinds": [one for one in telling.KINDS if one in kinds]
    }  # fmt: skip


def _secret() -> str:
    return f"whsec_{random.token_urlsafe(32)}"


def _record(session: Session, what: str, webhook: Webhook, actor: str, **details: object) -> None:
    audit.record(
        session, f"webhooks.{what}", f"webhook:{webhook.id}", actor=actor, tenant_id=webhook.tenant_id,
        **details,
    )  # fmt: skip
