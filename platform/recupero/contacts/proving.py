"""What the law said and says: the proof of one stored contact, and the coming week of one debtor."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts.grounds import Grounds, grounds
from recupero.contacts.stored import Kept, kept_contact
from recupero.contacts.tables import Contact
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.law import proof
from recupero.law import week as weeks
from recupero.law.proof import Change, Step
from recupero.law.queries import judge_stored
from recupero.law.week import ChannelWeek
from recupero.placements.reach import Point
from recupero_sdk.law import CHANNELS, Channel, Proposal, Verdict

#: Which kind of contact point a channel needs.
POINT_FOR: dict[Channel, str] = {
    "call": "phone", "sms": "phone", "whatsapp": "phone", "email": "email", "letter": "address",
    "visit": "address",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proof:
    """One contact with the verdict it was made under, and the same judged again.

    `verdict` None: nothing was asked, as of an inbound contact. `again` is under law and house rules of its
    day, `today` under the pack as it stands now; `changed` are the rules that say something else in `again`,
    `changed_today` in `today`. `zones` are those in all of which the moment had to be lawful.
    """

    contact: Kept
    verdict: Verdict | None
    steps: tuple[Step, ...] = ()
    again: Verdict | None = None
    changed: tuple[Change, ...] = ()
    today: Verdict | None = None
    changed_today: tuple[Change, ...] = ()
    zones: tuple[str, ...] = ()

    @property
    def law(self) -> list[Step]:
        """What the law said."""
        return [step for step in self.steps if not step.house]

    @property
    def house(self) -> list[Step]:
        """What the house asked above the law."""
        return [step for step in self.steps if step.house]


def prove(session: Session, contact_id: int) -> Proof:
    """The proof of a contact of the tenants in scope. Raises NotFound. Needs the agency in scope."""
    contact = kept_contact(session, contact_id)
    verdict, stored = contact.verdict, contact.stored
    if verdict is None or stored.law is None:
        return Proof(contact, None)
    again = judge_stored(stored, contact.history, stored.law)
    today = judge_stored(stored, contact.history, stored.law, as_made=False)
    pack = stored.law.by_country.get(stored.facts.country)
    return Proof(
        contact, verdict, tuple(proof.steps(verdict, pack, contact.at.date())), again,
        tuple(proof.changes(verdict, again)), today, tuple(proof.changes(verdict, today)),
        weeks.zones(stored.law, stored.facts),
    )  # fmt: skip


def has_contact(session: Session, contact_id: int) -> bool:
    """Whether the contact is one of the tenants in scope."""
    found = session.execute(
        select(Contact.id).where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.id == contact_id
        )
    )
    return found.first() is not None


@dataclass(frozen=True, slots=True)
class AccountWeek:
    """The coming days of an account by channel. `zone` is the one that days and hours are told in; `unknown`
    says that nothing tells where the person is, so that nobody is contacted. `zones` are those in all of
    which a moment must be lawful. `closed`: why nobody in the country is contacted, whatever the facts."""

    account_id: int
    zone: str
    unknown: bool
    pack: str
    channels: tuple[tuple[ChannelWeek, Point | None], ...]
    zones: tuple[str, ...] = ()
    closed: str | None = None


def account_week(
    session: Session, account_id: int, at: datetime, days: int = weeks.DAYS, on: Grounds | None = None
) -> AccountWeek:
    """What is open, used up, and opens when, for every channel of law; `on` are the account's grounds, where
    they are known. Needs the agency in scope.

    Raises NotFound where the account is not in scope.
    """
    on = on or grounds(session, [account_id], at)
    known, account = on.known, on.known.accounts.get(account_id)
    if account is None:
        raise NotFound("no such account")
    law, history = on.book.of(account.tenant_id, at), on.history(account)
    points = known.points.get(account.debtor_id, ())
    found = []
    for channel in CHANNELS:
        point = next((point for point in points if point.kind == POINT_FOR[channel]), None)
        facts = known.facts(account_id, point.id if point else None)
        found.append((weeks.week(law, facts, history, Proposal(at, channel), days), point))
    placeless = known.facts(account_id, None)
    zone = weeks.zone_shown(law, placeless)
    verdict = found[0][0].now
    pack = f"{verdict.pack_id} {verdict.pack_version}"
    return AccountWeek(
        account_id, zone, known.nowhere(account), pack, tuple(found), weeks.zones(law, placeless),
        law.closed_because(account.country),
    )  # fmt: skip
