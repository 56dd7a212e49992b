"""The link to the debtor's own page, sent while the agent talks with them, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.grounds import Grounds, grounds, judge_planned
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict
from recupero.outreach.actions.points import fits
from recupero.outreach.conversations import replies
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.tables import Action
from recupero.payments import queries as payments
from recupero.placements.reach import Point
from recupero_sdk.law import RuleOutcome

TEMPLATE = "call_link"
CHANNELS = ("sms", "whatsapp", "email")


@dataclass(frozen=True, slots=True)
class Way:
    """One channel that a link could go by now, with the address; `refusals` are the rules against it."""

    channel: str
    point: Point
    refusals: tuple[RuleOutcome, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """The link that was sent in this sitting. `state` and `reason` as the action has them; when the page was
    opened, and money came, since."""

    channel: str
    at: datetime
    state: str
    reason: str | None
    opened_at: datetime | None
    paid_at: datetime | None

    @property
    def is_under_way(self) -> bool:
        """Whether something may still become of it."""
        return self.paid_at is None and self.state not in ("blocked", "failed", "expired", "cancelled")


def ways(session: Session, account_id: int, on: Grounds | None = None) -> list[Way]:
    """By what the link could go, with what the law says of this moment. Needs one tenant and the agency in
    scope."""
    on = on or grounds(session, [account_id])
    account = on.known.accounts[account_id]
    points = on.known.points.get(account.debtor_id, ())
    said = on.known.permissions.get(account.debtor_id)
    closed = said.opted_out if said else frozenset()
    found = [
        (channel, next((point for point in points if fits(point, channel)), None))
        for channel in CHANNELS
        if channel not in closed
    ]
    usable = [(channel, point) for channel, point in found if point is not None]
    asked = judge_planned(
        session, [(account_id, channel, "reply", clock.now()) for channel, _point in usable], on
    )
    return [
        Way(channel, point, verdict.refusals) for (channel, point), verdict in zip(usable, asked, strict=True)
    ]


def send(session: Session, sitting: Sitting, channel: str, *, actor: str) -> None:
    """Send the link at once. Raises Conflict where it cannot go by this channel now."""
    way = next((one for one in ways(session, sitting.account_id) if one.channel == channel), None)
    if way is None or way.refusals:
        raise Conflict("the link cannot be sent by this channel now")
    replies.answer(session, sitting.account_id, channel, TEMPLATE, way.point.value)
    audit.record(
        session, "outreach.link_sent", f"account:{sitting.account_id}", actor=actor,
        tenant_id=sitting.tenant_id, channel=channel,
    )  # fmt: skip


def sent(session: Session, sitting: Sitting) -> Sent | None:
    """The newest link that was sent in this sitting, and what became of it; None: none was."""
    row = session.execute(
        select(Action)
        .where(
            Action.tenant_id.in_(scope_of(session).tenant_ids),
            Action.account_id == sitting.account_id,
            Action.template == TEMPLATE,
            Action.created_at >= sitting.taken_at,
        )
        .order_by(Action.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if row is None:
        return None
    seen = [at for at in contacts.visits(session, sitting.debtor_id) if at >= row.created_at]
    paid = [
        one.received_at
        for one in payments.payments_of(session, sitting.account_id)
        if one.received_at >= row.created_at and one.state == "booked" and one.amount_minor > 0
    ]
    return Sent(
        row.channel, row.created_at, row.state, row.reason, min(seen, default=None), min(paid, default=None)
    )
