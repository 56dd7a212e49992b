"""Codes that open a debtor's page: sent as the answer to their own request, to a contact point on file.

A code has six digits, is good once and for ten minutes, and its link takes few wrong ones. It says nothing of
a debt. The law is asked before it goes out, like for any answer.
"""

import hmac
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from recupero.contacts import judging
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.actions.points import fits
from recupero.outreach.actions.states import move_all
from recupero.outreach.channels.connectors import connectors
from recupero.outreach.conversations import replies
from recupero.outreach.page_tables import PageCode
from recupero.payments.gateways.charges import accounts_of
from recupero.payments.gateways.links import debtor_of
from recupero.placements import reach
from recupero.placements.reach import Point
from recupero_sdk.law import Channel

LIFE = timedelta(minutes=10)
AGAIN = timedelta(minutes=1)
#: How many a link may be sent in how long.
MOST = ((3, timedelta(hours=1)), (6, timedelta(days=1)))
TRIES = 5
_CHANNELS: tuple[Channel, ...] = ("sms", "email")


def ways(session: Session, link_id: int) -> list[tuple[Point, Channel]]:
    """Contact points of the link's debtor that a code can be sent to now, at most four; none at work."""
    available = connectors(session)
    open_now = {channel for channel in _CHANNELS if _works(available.get(channel))}
    debtor_id = debtor_of(session, link_id)
    found = [
        (point, channel)
        for point in reach.points_of(session, [debtor_id]).get(debtor_id, ())
        for channel in _CHANNELS
        if channel in open_now and fits(point, channel) and not point.at_work
    ]
    return found[:4]


def _works(connector: object) -> bool:
    return connector is not None and getattr(connector, "problem", None) is None


def ask(session: Session, link_id: int, point_id: int) -> Channel:
    """Send a code to a contact point of the link's debtor; by which channel.

    Raises NotFound where it is not one of `ways`, Conflict where too many were asked for, and UserError where
    the law allows no message now: some countries count this one like any other.
    """
    chosen = next(((point, by) for point, by in ways(session, link_id) if point.id == point_id), None)
    if chosen is None:
        raise NotFound("no such contact point")
    (point, channel), now, tenant = chosen, clock.now(), scope_of(session).tenant()
    _check_pace(session, link_id, now)
    account_id = accounts_of(session, link_id)[0]
    verdict = judging.judge_now(session, account_id, channel, now, "reply")
    if not verdict.allowed:
        raise UserError(
            "No message may be sent to you at this moment. Please answer the questions, or try again later."
        )
    action_id = replies.answer(session, account_id, channel, "page_code", point.value, within=LIFE)
    if action_id is None:
        raise ValueError(f"nothing carries {channel}")  # `ways` would not have named it
    _forget_older(session, link_id)
    session.add(PageCode(
        tenant_id=tenant, link_id=link_id, contact_point_id=point.id, action_id=action_id,
        code=f"{secrets.randbelow(1_000_000):06}", asked_at=now, tries=0,
    ))  # fmt: skip
    session.flush()
    audit.record(session, "outreach.page_code_asked", f"link:{link_id}", actor="debtor", tenant_id=tenant,
                 channel=channel)  # fmt: skip
    return channel


def _forget_older(session: Session, link_id: int) -> None:
    """Only the newest code is good: one that has not gone out stays here."""
    older = session.execute(
        update(PageCode)
        .where(PageCode.tenant_id == scope_of(session).tenant(), PageCode.link_id == link_id,
               PageCode.code.is_not(None))
        .values(code=None)
        .returning(PageCode.action_id)
    ).scalars().all()  # fmt: skip
    move_all(session, older, "cancelled", "asked_again")


def _check_pace(session: Session, link_id: int, now: datetime) -> None:
    """Raises Conflict where the link was sent enough codes."""
    asked = session.execute(
        select(PageCode.asked_at)
        .where(PageCode.tenant_id == scope_of(session).tenant(), PageCode.link_id == link_id)
        .order_by(PageCode.asked_at.desc())
        .limit(max(most for most, _ in MOST))
    ).scalars().all()  # fmt: skip
    if asked and asked[0] > now - AGAIN:
        raise Conflict("A code is on its way. If it has not come after a minute, ask for another one.")
    if any(sum(at > now - within for at in asked) >= most for most, within in MOST):
        raise Conflict("Several codes were sent already. Please answer the questions, or come back later.")


def is_right(session: Session, link_id: int, typed: str) -> bool:
    """Whether it is the newest code of the link, not yet used, in time and not tried too often. Trying uses
    it up where it is right or was tried `TRIES` times."""
    found = session.execute(
        select(PageCode)
        .where(
            PageCode.tenant_id == scope_of(session).tenant(), PageCode.link_id == link_id,
            PageCode.code.is_not(None), PageCode.asked_at > clock.now() - LIFE,
        )
        .order_by(PageCode.id.desc())
        .limit(1)
        .with_for_update()
    ).scalar_one_or_none()  # fmt: skip
    if found is None or found.code is None:
        return False
    digits = "".join(letter for letter in typed if letter.isdecimal() and letter.isascii())
    right = hmac.compare_digest(digits.encode(), found.code.encode())
    found.tries += 1
    if right:
        found.used_at = clock.now()
    if right or found.tries >= TRIES:
        found.code = None
    return right


def sent_with(session: Session, action_ids: Collection[int]) -> dict[int, str]:
    """The codes that these actions carry; one that is no good any more is left out."""
    rows = session.execute(
        select(PageCode.action_id, PageCode.code).where(
            PageCode.tenant_id == scope_of(session).tenant(), PageCode.action_id.in_(action_ids),
            PageCode.code.is_not(None),
        )
    )  # fmt: skip
    return {row.action_id: row.code for row in rows if row.code is not None}


def hidden(text: str, code: str) -> str:
    """The text with dots in the place of the code's digits."""
    return text.replace(code, "•" * len(code))
