"""The words of actions: written, and checked against what the law wants said and what it forbids."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jinja2 import TemplateError
from sqlalchemy.orm import Session

from recupero.contacts import queries as contact_queries
from recupero.contacts.queries import Dossiers
from recupero.law.service import Packs
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.actions.states import Claimed, Move
from recupero.outreach.conversations import conversations
from recupero.outreach.conversations.replies import FreeText
from recupero.outreach.conversations.replies import texts as reply_texts
from recupero.outreach.scripts import spoken
from recupero.outreach.sending import page_codes
from recupero.outreach.sending.cases import Case, knowing
from recupero.outreach.texts import beyond, disclosures, owed, words
from recupero.outreach.texts.beyond import Told
from recupero.outreach.texts.naming import Owed
from recupero.outreach.texts.wording import Own, Wording, drafted, wording
from recupero.outreach.texts.words import Sender, Words
from recupero.payments import service as payments
from recupero_sdk.channels import Message, Rewords
from recupero_sdk.law import RuleOutcome


@dataclass(frozen=True, slots=True)
class Composed:
    """The words of actions that may be said, by action; what becomes of those whose words may not; what the
    words say beyond their account; and the rule for which an offer was left out."""

    messages: dict[int, Words]
    refused: list[Move]
    told: dict[int, Told]
    left_out: dict[int, str]


def compose(session: Session, cases: Sequence[Case], known: Dossiers, sender: Sender, law: Packs) -> Composed:
    """Write what these say, and keep what the law lets through. Where the offer, or what stands beside it, is
    against the law, the message goes without it."""
    told = _told(session, cases, known)
    refused, messages = _checked(session, cases, _write_all(session, cases, sender, told), known, law)
    left_out = _breaking(refused, told)
    if left_out:
        told |= {action_id: told[action_id].without_offer() for action_id in left_out}
        again = [case for case in cases if case.action.id in left_out]
        still, good = _checked(session, again, _write_all(session, again, sender, told), known, law)
        refused = [one for one in refused if one.action_id not in left_out] + still
        messages |= good
    return Composed(messages, refused, told, left_out)


def _told(session: Session, cases: Sequence[Case], known: Dossiers) -> dict[int, Told]:
    """What messages say beyond their account, by action. What a person wrote for one is left as it is."""
    asked = [
        (case.action.id, case.action.template, case.account)
        for case in cases
        if case.action.channel != CALL and case.action.draft_id is None
    ]
    about = beyond.scopes(session, asked, lambda account: bool(known.holds_on(account)))
    return beyond.told(session, about) if about else {}


def _write_all(
    session: Session, cases: Sequence[Case], sender: Sender, told: Mapping[int, Told]
) -> dict[int, Words | str]:
    """The words of each action; a text instead of them is why they could not be written."""
    links, own = _links(session, cases, told), wording(session)
    answers = replies(session, cases)
    left = owed.parts(session, [case.account for case in cases])
    drafts = drafted(session, [case.action.draft_id for case in cases if case.action.draft_id is not None])
    return {
        case.action.id: _write(
            case, sender, links[case.account.account_id], answers.get(case.action.id),
            _finder(drafts.get(case.action.draft_id or 0), own), left[case.account.account_id],
            told.get(case.action.id),
        )
        for case in cases
    }  # fmt: skip


def _finder(draft: Own | None, own: Wording) -> Callable[[str, str, str, str], Own | None]:
    """Where a message's words come from: what a person wrote for it, else what the creditor has."""
    return own.of if draft is None else lambda *_key: draft


def replies(session: Session, cases: Sequence[Case]) -> dict[int, FreeText]:
    """What people wrote, and the codes that debtors asked for, for those of the actions that answer."""
    written = [case.action.id for case in cases if case.action.template == "reply"]
    asked = [case.action.id for case in cases if case.action.template == "page_code"]
    codes = page_codes.sent_with(session, asked) if asked else {}
    found = reply_texts(session, written) if written else {}
    return found | {action_id: FreeText("", code) for action_id, code in codes.items()}


def _write(
    case: Case,
    sender: Sender,
    link: str,
    reply: FreeText | None,
    own: Callable[[str, str, str, str], Own | None],
    left: Owed,
    told: Told | None,
) -> Words | str:
    action = case.action
    if action.channel == CALL:
        return words.of_a_call(case.account)
    if told is not None:
        link += told.leads_to
    said = ("", "") if reply is None else (reply.subject, reply.body)
    try:
        text = words.write(
            action.template, action.channel, action.tone, case.account, _signed(sender, action), link,
            words.new_code(), said, own, left, told.beyond if told else None,
        )  # fmt: skip
    except TemplateError as error:
        return f"template:{action.template}: {error}"
    return text if told is None else words.extended(text, beyond.left_out(text))


def _signed(sender: Sender, action: Claimed) -> Sender:
    """The sender with whoever speaks for it in this action."""
    told = action.assistant or {}
    if not told.get("name"):
        return sender
    return replace(sender, assistant=told["name"], virtual=told["kind"] == "virtual")


def _links(session: Session, cases: Sequence[Case], told: Mapping[int, Told]) -> dict[int, str]:
    """A payment link for each account: one for all that a debtor owes in one currency."""
    wanted: dict[str, dict[int, list[int]]] = {}
    for case in cases:
        account = case.account
        by_debtor = wanted.setdefault(account.currency, {})
        of_debtor = by_debtor.setdefault(account.debtor_id, [])
        of_debtor.append(account.account_id)
        if case.action.id in told:
            of_debtor += [one.account_id for one, _parts in told[case.action.id].beyond.others]
    links: dict[int, str] = {}
    for currency, by_debtor in wanted.items():
        urls = payments.ensure_links(session, by_debtor, currency)
        links |= {
            account_id: urls[debtor_id]
            for debtor_id, accounts in by_debtor.items()
            for account_id in accounts
        }
    return links


def _checked(
    session: Session,
    cases: Sequence[Case],
    written: Mapping[int, Words | str],
    known: Dossiers,
    law: Packs,
) -> tuple[list[Move], dict[int, Words]]:
    """Keep the messages that say what the law wants said and nothing that it forbids."""
    seen = contact_queries.approached(session, {case.account.account_id for case in cases})
    refused, good = list[Move](), dict[int, Words]()
    stated, rewording = disclosures.stated(session), knowing(cases, Rewords)
    heard = heard_at(session, [case for case in cases if case.connector.key in rewording])
    for case in cases:
        action, text = case.action, written[case.action.id]
        if isinstance(text, str):
            refused.append(Move(action.id, "blocked", "template", {"problem": text}))
            continue
        if action.channel == CALL:
            unsaid = spoken.unsaid(session, case.account.account_id, text.language)
            if unsaid:
                items = [item for _rule, item in unsaid]
                refused.append(Move(action.id, "blocked", f"content:{unsaid[0][0]}", {"items": items}))
            else:
                good[action.id] = text
            continue
        shown, broken_by = text.shown, _reader(case, text, known, law, seen)
        broken = broken_by(text)
        if missing := disclosures.missing(broken):
            text = disclosures.completed(text, missing, stated)
            broken = broken_by(text)
        reworded = not broken and case.connector.key in rewording
        if reworded and (read := _worded(case, text, heard)) is not None:
            if _replaces(case, text, read):
                refused.append(Move(action.id, "blocked", "approved_words"))
                continue
            text = replace(text, text=read, subject="", shown=shown)
            broken = broken_by(text)
        if broken:
            details = {"rules": [outcome.to_json() for outcome in broken]}
            refused.append(Move(action.id, "blocked", f"content:{broken[0].rule_id}", details))
        else:
            good[action.id] = text
    return refused, good


def _replaces(case: Case, text: Words, read: str) -> bool:
    """Whether the person would read approved words that lack some of what a person wrote to them."""
    by_hand = case.action.draft_id is not None or case.action.template == "reply"
    return by_hand and " ".join(text.text.split()) not in " ".join(read.split())


def heard_at(session: Session, cases: Sequence[Case]) -> dict[tuple[int, str], datetime]:
    """When the debtors of these last wrote, by debtor and connector."""
    people = {case.account.debtor_id for case in cases}
    return conversations.heard_at(session, people) if people else {}


def _worded(case: Case, text: Words, heard: Mapping[tuple[int, str], datetime]) -> str | None:
    """What the person would read where the connector sends approved words in place of ours."""
    connector: object = case.connector.channel
    if not isinstance(connector, Rewords):
        return None
    message = Message(
        "preview", case.action.channel, case.point.value, text.subject, text.text, language=text.language,
        template=case.action.template, values=text.values, code=text.code,
        heard_at=heard.get((case.account.debtor_id, case.connector.key)),
    )  # fmt: skip
    return connector.worded(message, case.connector.config)


def _reader(
    case: Case, text: Words, known: Dossiers, law: Packs, seen: Collection[int]
) -> Callable[[Words], list[RuleOutcome]]:
    """What tells the rules on content that the case's message breaks."""
    action = case.action
    facts, later = known.facts(case.account.account_id, case.point.id), case.account.account_id in seen
    return disclosures.reader(law, facts, action.channel, action.purpose, text.language, later=later)


def _breaking(refused: Sequence[Move], told: Mapping[int, Told]) -> dict[int, str]:
    """The actions whose words break a rule on content while they name an offer, with the rule."""
    return {
        one.action_id: one.reason.removeprefix("content:")
        for one in refused
        if one.reason is not None and one.reason.startswith("content:")
        and one.action_id in told and told[one.action_id].beyond.offer is not None
    }  # fmt: skip
