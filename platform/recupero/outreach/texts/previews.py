"""A message as a debtor would read it: with what the law adds, in segments, with its price."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from recupero.contacts import judging
from recupero.contacts import queries as contacts
from recupero.contacts.policies import law_for
from recupero.outreach.actions import kinds
from recupero.outreach.channels.connectors import CARRIED, connectors
from recupero.outreach.tables import Action
from recupero.outreach.texts import beyond, disclosures, owed, words
from recupero.outreach.texts.beyond import Told
from recupero.outreach.texts.wording import drafted, wording
from recupero.outreach.texts.words import OwnWords, Words
from recupero.outreach.texts.writer import sender_of
from recupero.placements import reach
from recupero.placements.reach import Reachable
from recupero_sdk.channels import Cost, DryRuns, Message
from recupero_sdk.sms import segments

CODE = "ABCD2345"
#: Stands for the payment address in a preview: no link is made for it.
LINK = "https://example.com/p/" + "0" * 43


@dataclass(frozen=True, slots=True)
class Preview:
    """`added` are the items that the law wants and the words lacked, `missing` those that nobody can say yet:
    such a message is not sent. `segments` of a text message; `cost` where the connector has a price."""

    words: Words
    added: tuple[str, ...]
    missing: tuple[str, ...]
    segments: int | None
    cost: Cost | None


def of_action(session: Session, action: Action) -> Preview | None:
    """The message that an action of the tenant in scope would send as things stand; None for a call or a
    visit, which have no words. Raises jinja2.TemplateError, KeyError where the account is gone."""
    if action.channel not in CARRIED:
        return None
    account = reach.reachable(session, [action.account_id])[action.account_id]
    draft = drafted(session, [action.draft_id]).get(action.draft_id) if action.draft_id else None
    own = wording(session).of if draft is None else lambda *_key: draft
    return preview(
        session, account, action.template, action.channel, action.tone, LINK, own, alone=draft is not None
    )


def preview(
    session: Session,
    account: Reachable,
    template: str,
    channel: str,
    tone: str,
    link: str,
    own: Callable[[str, str, str, str], OwnWords | None],
    *,
    alone: bool = False,
) -> Preview:
    """The message to the debtor of an account of the tenant in scope, as its first one; `alone`: about
    nothing beyond the account. Raises jinja2.TemplateError where the words want what is not known."""
    now = owed.parts(session, [account])[account.account_id]
    told = None if alone else _told(session, account, template)
    text = words.write(
        template, channel, tone, account, sender_of(session), link + (told.leads_to if told else ""), CODE,
        own=own, owed=now, beyond=told.beyond if told else None,
    )  # fmt: skip
    text = words.extended(text, beyond.left_out(text))
    law, facts = law_for(session), judging.law_facts(session, [(account.account_id, None)])
    known, purpose = facts[account.account_id, None], kinds.PURPOSES[template]
    broken_by = disclosures.reader(law, known, channel, purpose, text.language, later=False)
    wanted = disclosures.missing(broken_by(text))
    text = disclosures.completed(text, wanted, disclosures.stated(session))
    left = disclosures.missing(broken_by(text))
    sms = channel == "sms"
    return Preview(
        text, tuple(item for item in wanted if item not in left), tuple(left),
        segments(text.text) if sms else None,
        _cost(session, account, channel, text) if sms else None,
    )  # fmt: skip


def _told(session: Session, account: Reachable, template: str) -> Told | None:
    """What the message would say beyond the account as things stand; nothing begins to stand by it."""
    holds = reach.open_holds(session, [account.debtor_id]).get(account.debtor_id, ())
    held = {hold.account_id for hold in holds}
    about = beyond.scopes(session, [(0, template, account)], lambda one: one.account_id in held)
    return beyond.told(session, about, lock=False).get(0)


def to_json(shown: Preview) -> dict[str, object]:
    """What the API says of it."""
    return {
        "language": shown.words.language, "subject": shown.words.subject, "text": shown.words.text,
        "segments": shown.segments, "added": list(shown.added), "missing": list(shown.missing),
    }  # fmt: skip


def _cost(session: Session, account: Reachable, channel: str, text: Words) -> Cost | None:
    """What the tenant's connector would ask for it, to the debtor's own number."""
    connector = connectors(session).get(channel)
    points = contacts.dossiers(session, [account.account_id]).points.get(account.debtor_id, ())
    number = next((point.value for point in points if point.kind == "phone"), None)
    carrier: object = connector.channel if connector and connector.problem is None else None
    if connector is None or number is None or not isinstance(carrier, DryRuns):
        return None
    asked = Message("preview", channel, number, text.subject, text.text, language=text.language)
    return carrier.dry_run([asked], connector.config)[0].cost
