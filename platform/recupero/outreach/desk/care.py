"""How to speak with a person: what they told or went through, and the tone that the plan chose."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.grounds import Grounds
from recupero.kernel.database import scope_of
from recupero.outreach import queries
from recupero.outreach.actions.approval import VULNERABLE
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.understanding.brief import MESSAGES, said_in
from recupero.outreach.understanding.tables import MessageReading

#: What a message or a call of the past warns of.
_SAID = {"angry": "angry", "complaint": "complained", "hardship": "hardship", "cannot_pay": "hardship"}
_CODED = {"HARD": "hardship", "CMPL": "complained", "RTPY": "refused", "LANG": "language"}


@dataclass(frozen=True, slots=True)
class Care:
    """`warnings` are codes: situations of the law (minor, hospital, lacks_capacity, vulnerable), and angry,
    complained, hardship, refused, language. None of them tells of a debt."""

    warnings: tuple[str, ...]
    tone: str | None


def care(session: Session, sitting: Sitting, on: Grounds) -> Care:
    """What to heed with the person at the desk. Needs the tenant in scope."""
    flags = sorted(VULNERABLE & set(on.known.facts(sitting.account_id, None).flags))
    read = session.execute(
        select(MessageReading)
        .where(
            MessageReading.tenant_id.in_(scope_of(session).tenant_ids),
            MessageReading.debtor_id == sitting.debtor_id,
        )
        .order_by(MessageReading.contact_id.desc())
        .limit(MESSAGES)
    ).scalars()
    said = [_SAID.get(label) for one in read for label in said_in(one)]
    coded = [_CODED.get(line.disposition or "") for line in contacts.timeline(session, sitting.account_id)]
    found = [one for one in (*flags, *said, *coded) if one]
    tones = queries.tones(session, [sitting.action_id]) if sitting.action_id else {}
    return Care(tuple(dict.fromkeys(found)), next(iter(tones.values()), None))
