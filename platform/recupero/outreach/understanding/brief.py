"""What a person who takes a debtor over should know before they answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import judging
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.outreach.understanding.policy import DOUBT
from recupero.outreach.understanding.tables import HandOver, MessageReading
from recupero.payments import queries
from recupero.payments.agreements import plans
from recupero.payments.offers.offer_tables import Plan
from recupero.payments.tables import PromiseToPay
from recupero.placements import reach
from recupero_sdk.law import Channel

Value = TypeVar("Value")
#: How many of their last messages the brief goes through.
MESSAGES = 5


@dataclass(frozen=True, slots=True)
class Lawful:
    """When the debtor may be written to, or called: `now`, or from a moment on, or (None) not at all."""

    channel: str
    now: bool
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Brief:
    """`intents`, `amounts` (minor units) and `days` as their last messages were read, the newest first;
    promises that are open and plans that run; how the last hand-over ended."""

    intents: tuple[str, ...]
    amounts: tuple[int, ...]
    days: tuple[date, ...]
    promises: tuple[PromiseToPay, ...]
    plans: tuple[Plan, ...]
    last: HandOver | None
    lawful: tuple[Lawful, ...]


def brief(
    session: Session, debtor_id: int, account_id: int, readings: Iterable[MessageReading], channel: Channel
) -> Brief:
    """The brief on a debtor of the tenants in scope, who last wrote by `channel` about the account."""
    newest = sorted(readings, key=lambda one: one.contact_id, reverse=True)[:MESSAGES]
    accounts = reach.accounts_of(session, [debtor_id]).get(debtor_id, [])
    return Brief(
        intents=_once(label for one in newest for label in said_in(one)),
        amounts=_once(amount for one in newest for amount in one.amounts),
        days=_once(date.fromisoformat(day) for one in newest for day in one.days),
        promises=tuple(one for one in queries.promises_of(session, accounts) if one.state == "open"),
        plans=tuple(one for one in plans.plans_of(session, accounts) if one.state == "running"),
        last=_last(session, debtor_id),
        lawful=tuple(_lawful(session, account_id, each) for each in dict.fromkeys((channel, "call"))),
    )  # fmt: skip


def said_in(reading: MessageReading) -> Sequence[str]:
    """What a message means: as a person corrected it, else as far as the model suspects it."""
    return reading.corrected or [str(label) for label, chance in reading.guesses if chance >= DOUBT]


def _once(found: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(found))


def _last(session: Session, debtor_id: int) -> HandOver | None:
    return session.execute(
        select(HandOver)
        .where(
            HandOver.tenant_id.in_(scope_of(session).tenant_ids),
            HandOver.debtor_id == debtor_id,
            HandOver.closed_at.is_not(None),
        )
        .order_by(HandOver.closed_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def _lawful(session: Session, account_id: int, channel: Channel) -> Lawful:
    purpose = "collection" if channel == "call" else "reply"
    verdict = judging.judge_now(session, account_id, channel, clock.now(), purpose)
    return Lawful(channel, verdict.allowed, None if verdict.allowed else verdict.next_lawful_at)
