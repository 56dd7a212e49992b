"""What the law says of contacting one account now, channel by channel, and when it will be lawful."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts.policies import lawbook
from recupero.contacts.queries import HISTORY, dossiers, person_history
from recupero.law.service import judge_contact
from recupero.placements.reach import Point
from recupero_sdk.law import CHANNELS, Channel, Proposal

#: Which kind of contact point a channel needs.
POINT_FOR: dict[Channel, str] = {
    "call": "phone", "sms": "phone", "whatsapp": "phone", "email": "email", "letter": "address",
    "visit": "address",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel now. `reasons` say in the reader's language why not, each with its citation."""

    channel: Channel
    has_point: bool
    allowed: bool
    next_at: datetime | None
    reasons: Sequence[tuple[str, str]]
    pack: str

    @property
    def open_later(self) -> bool:
        return self.has_point and (self.allowed or self.next_at is not None)


def channel_states(session: Session, account_id: int, at: datetime, language: str) -> list[ChannelState]:
    """Every channel of law for the account, in five queries. Needs the agency in scope."""
    known = dossiers(session, [account_id])
    account = known.accounts[account_id]
    law = lawbook(session).of(account.tenant_id, at)
    made = person_history(session, [account.person_id], at - HISTORY).get(account.person_id, [])
    history = [past.seen_from(account.tenant_id, account_id) for past in made]
    points = known.points.get(account.debtor_id, ())
    if known.nowhere(account):
        why = _("Nothing tells in which time zone this person is. Add their region or time zone first.")
        return [_closed(channel, points, why) for channel in CHANNELS]
    states: list[ChannelState] = []
    for channel in CHANNELS:
        point = next((point for point in points if point.kind == POINT_FOR[channel]), None)
        facts = known.facts(account_id, point.id if point else None)
        verdict = judge_contact(law, facts, history, Proposal(at, channel))
        reasons = [
            (refusal.explain(language), refusal.citation) for refusal in verdict.refusals if refusal.decides
        ]
        pack = f"{verdict.pack_id} {verdict.pack_version}"
        states.append(
            ChannelState(channel, point is not None, verdict.allowed, verdict.next_lawful_at, reasons, pack)
        )
    return states


def _closed(channel: Channel, points: Sequence[Point], why: str) -> ChannelState:
    has_point = any(point.kind == POINT_FOR[channel] for point in points)
    return ChannelState(channel, has_point, allowed=False, next_at=None, reasons=[(why, "-")], pack="")


def closed_because(states: Sequence[ChannelState]) -> list[tuple[str, str]]:
    """Why no channel at all can be used, now or later; empty where one can."""
    if any(state.open_later for state in states):
        return []
    return list(dict.fromkeys(reason for state in states for reason in state.reasons))
