"""The first transaction of carrying actions out: claim, look again, write the words, reserve.

Whatever speaks against an action is found here, after the action's row is locked: a payment, a hold or an
opt-out that is recorded meanwhile either came before (and is seen) or waits for this transaction.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from recupero.contacts import queries as contact_queries
from recupero.contacts import service as contacts
from recupero.contacts.facts import NO_TIMEZONE
from recupero.contacts.policies import ask_versions, lawbook
from recupero.contacts.queries import Dossiers
from recupero.contacts.service import Caller, Reservation, SentMessage, Wish
from recupero.kernel import clock, jobs
from recupero.kernel.bulk import any_of
from recupero.kernel.database import Scope, scope_of
from recupero.kernel.statements import Parameters, Statement, asked_together
from recupero.law.service import Packs
from recupero.ledger import queries as ledger
from recupero.outreach import beyond, disclosures, owed, page_codes, preferences, turns, words
from recupero.outreach.beyond import Told
from recupero.outreach.connectors import Connector, connectors
from recupero.outreach.inbound import conversations, unsubscribing
from recupero.outreach.inbound.opened import callback_url
from recupero.outreach.inbound.replies import FreeText
from recupero.outreach.inbound.replies import texts as reply_texts
from recupero.outreach.naming import Owed
from recupero.outreach.pacing import Gate
from recupero.outreach.points import fits
from recupero.outreach.rests import Rest
from recupero.outreach.scripts import spoken
from recupero.outreach.service import ABOUT_AGREEMENTS, AGREEMENTS
from recupero.outreach.states import Claimed, Move, move
from recupero.outreach.tables import Action
from recupero.outreach.wording import Own, Wording, ask_wording, drafted, wording
from recupero.outreach.words import ANSWERS, CALL, OF_THE_HOUSE, THANKS, Sender, Words
from recupero.outreach.writer import sender_of
from recupero.payments import service as payments
from recupero.placements.lifecycle import HOLDS
from recupero.placements.reach import Point, Reachable
from recupero.tenancy import queries as tenancy
from recupero_sdk.channels import Message, Rewords
from recupero_sdk.inbound import Collects, Converses, Listens
from recupero_sdk.law import RuleOutcome


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message whose contact is reserved, with the connector that is to carry it."""

    action_id: int
    contact_id: int
    debtor_id: int
    contact_point_id: int
    attempts: int
    expires_at: datetime
    connector: Connector
    message: Message


@dataclass(frozen=True, slots=True)
class _Case:
    """One action with everything that carrying it out takes."""

    action: Claimed
    account: Reachable
    point: Point
    connector: Connector


def prepare(session: Session, action_ids: Collection[int], gate: Gate) -> list[Envelope]:
    """Reserve what may be sent of these claimed actions; what may not is moved on with its reason, and what
    the provider's account does not take now is put off.

    Needs one tenant and its agency in scope. Nothing may be sent before the transaction has committed.
    """
    actions = _claimed(session, action_ids)
    if not actions:
        return []
    with asked_together(session, _asks(session, actions)):
        return _prepared(session, actions, gate)


def _asks(session: Session, actions: Sequence[Claimed]) -> list[tuple[Statement, Parameters]]:
    """What carrying these out asks that does not depend on what it finds: in one round trip, where one by one
    they take a lone action most of its time. An answer that is not wanted after all costs next to nothing."""
    accounts, debtors = {one.account_id for one in actions}, {one.debtor_id for one in actions}
    return [
        *contact_queries.asks(session, accounts, debtors),
        ask_versions(session),
        tenancy.ask_enabled(session, "channel"),
        contact_queries.ask_preferences(session, debtors),
        contact_queries.ask_approached(session, accounts),
        ask_wording(session),
        ledger.ask_balances(session, accounts),
        payments.ask_links(session, debtors),
    ]


def _prepared(session: Session, actions: Sequence[Claimed], gate: Gate) -> list[Envelope]:
    sender, book = sender_of(session), lawbook(session)
    known = contact_queries.dossiers(session, {action.account_id for action in actions})
    cases, moves = _sort_out(session, actions, known)
    let, waiting = turns.take(session, [(case.action, case.connector) for case in cases], gate)
    cases, moves = [case for case in cases if case.action.id in let], moves + waiting
    told = _told(session, cases, known)
    written = _write_all(session, cases, sender, told)
    law = book.of(scope_of(session).tenant(), clock.now())
    refused, messages = _checked(session, cases, written, known, law)
    left_out = _breaking(refused, told)
    if left_out:  # the offer, or whatever stands beside it, is against the law: the message goes without it
        told |= {action_id: told[action_id].without_offer() for action_id in left_out}
        again = [case for case in cases if case.action.id in left_out]
        still, good = _checked(session, again, _write_all(session, again, sender, told), known, law)
        refused = [one for one in refused if one.action_id not in left_out] + still
        messages |= good
    ready = [case for case in cases if case.action.id in messages]
    reservations = contacts.reserve(session, [_wish(case) for case in ready], known, book)
    moves += refused + [
        _after(case, one, left_out.get(case.action.id)) for case, one in zip(ready, reservations, strict=True)
    ]
    reserved = [
        (case, one) for case, one in zip(ready, reservations, strict=True) if one.contact_id is not None
    ]
    named = [(case.action.id, told[case.action.id], messages[case.action.id])
             for case, _one in reserved if case.action.id in told]  # fmt: skip
    moves = preferences.to_hours(session, actions, moves)
    if named:  # an offer that begins to stand may cancel what waits: what goes out now does not wait any more
        move(session, moves)
        beyond.record(session, named)
        moves = []
    envelopes, kept = _envelopes(session, reserved, messages, sender)
    move(session, moves, beside=contacts.ask_keep(session, kept))
    return envelopes


def _breaking(refused: Sequence[Move], told: Mapping[int, Told]) -> dict[int, str]:
    """The actions whose words break a rule on content while they name an offer, with the rule."""
    return {
        one.action_id: one.reason.removeprefix("content:")
        for one in refused
        if one.reason is not None and one.reason.startswith("content:")
        and one.action_id in told and told[one.action_id].beyond.offer is not None
    }  # fmt: skip


_CLAIMED = Statement(
    select(*(Action.__table__.c[field.name] for field in fields(Claimed)))
    .where(Action.tenant_id == bindparam("tenant"), any_of(Action.id, "actions"), Action.state == "claimed")
    .order_by(Action.priority.desc(), Action.due_at, Action.id)
    .with_for_update(skip_locked=True)
)


def _claimed(session: Session, action_ids: Collection[int]) -> list[Claimed]:
    statement, asked = ask_claimed(scope_of(session), action_ids)
    return [Claimed(*row) for row in statement.rows(session, asked)]


def ask_claimed(scope: Scope, action_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `prepare` asks first, for `statements.asked_together`: it locks those that are still claimed."""
    return _CLAIMED, {"tenant": scope.tenant(), "actions": list(action_ids)}


def _sort_out(
    session: Session, actions: Sequence[Claimed], known: Dossiers
) -> tuple[list[_Case], list[Move]]:
    """The actions that nothing of the house speaks against, and what becomes of the others."""
    available = connectors(session)
    wanted = preferences.of_debtors(session, {action.debtor_id for action in actions})
    cases, moves = list[_Case](), list[Move]()
    for action in actions:
        account = known.accounts.get(action.account_id)
        if account is None:
            moves.append(Move(action.id, "blocked", "account_missing"))
            continue
        stop = _objection(action, account, known)
        if stop is None and action.template not in ANSWERS:
            stop = wanted.objection(action, account)
        point, connector = _point(action, account, known), available.get(action.channel)
        if stop is not None:
            moves.append(stop)
        elif point is None:
            moves.append(Move(action.id, "blocked", f"no_contact_point:{action.channel}"))
        elif connector is None:
            moves.append(Move(action.id, "blocked", f"no_connector:{action.channel}"))
        elif connector.problem is not None:
            details = {"problem": connector.problem}
            moves.append(Move(action.id, "blocked", f"connector_problem:{connector.key}", details))
        elif connector.rest is not None:
            moves.append(_later(action, connector.rest))
        else:
            cases.append(_Case(action, account, point, connector))
    return cases, moves


def _later(action: Claimed, rest: Rest) -> Move:
    """Where an action goes whose provider is down: it waits for the end of the rest; where it would be too
    late then, or the provider is down for long, it is given back for another channel."""
    details = {"problem": rest.reason, "until": rest.until.isoformat()}
    if rest.given_up or rest.until >= action.expires_at:
        return Move(action.id, "blocked", f"provider_down:{rest.connector}", details)
    return Move(action.id, "scheduled", f"provider_down:{rest.connector}", details, due_at=rest.until)


def _objection(action: Claimed, account: Reachable, known: Dossiers) -> Move | None:
    """What speaks against the action now; None where nothing does."""
    if clock.now() >= action.expires_at:
        return Move(action.id, "expired", "too_late")
    if action.template in OF_THE_HOUSE and any(hold.kind == "person" for hold in known.holds_on(account)):
        return Move(action.id, "blocked", "hold:person")  # a person has them: the house is silent
    if action.template in ANSWERS:
        return None  # they wrote first: only the law may speak against answering
    if account.ended and action.template not in THANKS:
        return Move(action.id, "cancelled", f"account:{account.status}")
    kinds = {hold.kind for hold in known.holds_on(account)}
    if action.template in ABOUT_AGREEMENTS:
        kinds -= set(AGREEMENTS)
    if action.draft_id is not None:
        kinds -= {"person"}  # a person has them, and a person wrote this
    if kinds:
        return Move(action.id, "blocked", f"hold:{min(kinds, key=HOLDS.index)}")
    if known.nowhere(account):
        return Move(action.id, "blocked", NO_TIMEZONE)
    if action.template == "reminder" and account.due_date < clock.now().date():
        return Move(action.id, "cancelled", "no_longer_before_due_date")
    permissions = known.permissions.get(account.debtor_id)
    if permissions is not None and action.channel in permissions.opted_out:
        return Move(action.id, "blocked", "opted_out")
    return None


def _point(action: Claimed, account: Reachable, known: Dossiers) -> Point | None:
    """The action's contact point; where it has none or it has gone bad, the debtor's best of that kind."""
    chosen = known.point(account, action.contact_point_id)
    if chosen is not None:
        return chosen
    return next(
        (point for point in known.points.get(account.debtor_id, ()) if fits(point, action.channel)), None
    )


def _told(session: Session, cases: Sequence[_Case], known: Dossiers) -> dict[int, Told]:
    """What messages say beyond their account, by action. What a person wrote for one is left as it is."""
    asked = [
        (case.action.id, case.action.template, case.account)
        for case in cases
        if case.action.channel != CALL and case.action.draft_id is None
    ]
    about = beyond.scopes(session, asked, lambda account: bool(known.holds_on(account)))
    return beyond.told(session, about) if about else {}


def _write_all(
    session: Session, cases: Sequence[_Case], sender: Sender, told: Mapping[int, Told]
) -> dict[int, Words | str]:
    """The words of each action; a text instead of them is why they could not be written."""
    links, own = _links(session, cases, told), wording(session)
    replies = _replies(session, cases)
    left = owed.parts(session, [case.account for case in cases])
    drafts = drafted(session, [case.action.draft_id for case in cases if case.action.draft_id is not None])
    return {
        case.action.id: _write(
            case, sender, links[case.account.account_id], replies.get(case.action.id),
            _finder(drafts.get(case.action.draft_id or 0), own), left[case.account.account_id],
            told.get(case.action.id),
        )
        for case in cases
    }  # fmt: skip


def _finder(draft: Own | None, own: Wording) -> Callable[[str, str, str, str], Own | None]:
    """Where a message's words come from: what a person wrote for it, else what the creditor has."""
    return own.of if draft is None else lambda *_key: draft


def _replies(session: Session, cases: Sequence[_Case]) -> dict[int, FreeText]:
    """What people wrote, and the codes that debtors asked for, for those of the actions that answer."""
    written = [case.action.id for case in cases if case.action.template == "reply"]
    asked = [case.action.id for case in cases if case.action.template == "page_code"]
    codes = page_codes.sent_with(session, asked) if asked else {}
    found = reply_texts(session, written) if written else {}
    return found | {action_id: FreeText("", code, None) for action_id, code in codes.items()}


def _write(
    case: _Case,
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


def _links(session: Session, cases: Sequence[_Case], told: Mapping[int, Told]) -> dict[int, str]:
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
    cases: Sequence[_Case],
    written: Mapping[int, Words | str],
    known: Dossiers,
    law: Packs,
) -> tuple[list[Move], dict[int, Words]]:
    """Keep the messages that say what the law wants said and nothing that it forbids."""
    seen = contact_queries.approached(session, {case.account.account_id for case in cases})
    refused, good = list[Move](), dict[int, Words]()
    stated, rewording = disclosures.stated(session), _that_are(cases, Rewords)
    heard = _heard(session, [case for case in cases if case.connector.key in rewording])
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
            text = replace(text, text=read, subject="", shown=shown)
            broken = broken_by(text)
        if broken:
            details = {"rules": [outcome.to_json() for outcome in broken]}
            refused.append(Move(action.id, "blocked", f"content:{broken[0].rule_id}", details))
        else:
            good[action.id] = text
    return refused, good


def _heard(session: Session, cases: Sequence[_Case]) -> dict[tuple[int, str], datetime]:
    """When the debtors of these last wrote, by debtor and connector."""
    people = {case.account.debtor_id for case in cases}
    return conversations.heard_at(session, people) if people else {}


def _that_are(cases: Sequence[_Case], *protocols: type) -> set[str]:
    """The connectors of these that know one of the protocols."""
    used: dict[str, object] = {case.connector.key: case.connector.channel for case in cases}
    return {key for key, channel in used.items() if _knows(channel, protocols)}


@lru_cache(maxsize=256)
def _knows(channel: object, protocols: tuple[type, ...]) -> bool:
    """Asked once of each connector of the process: the question takes as long as writing a message does."""
    return isinstance(channel, protocols)


def _worded(case: _Case, text: Words, heard: Mapping[tuple[int, str], datetime]) -> str | None:
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
    case: _Case, text: Words, known: Dossiers, law: Packs, seen: Collection[int]
) -> Callable[[Words], list[RuleOutcome]]:
    """What tells the rules on content that the case's message breaks."""
    action = case.action
    # An answer is judged by its words as one, also where it confirms a stop and says nothing of a debt.
    purpose = "reply" if action.template in ANSWERS else action.purpose
    facts, later = known.facts(case.account.account_id, case.point.id), case.account.account_id in seen
    return disclosures.reader(law, facts, action.channel, purpose, text.language, later=later)


def _wish(case: _Case) -> Wish:
    action, connector = case.action, case.connector
    channel: Any = action.channel  # a channel of law: scheduling checked it
    capabilities = connector.loaded().capabilities
    return Wish(
        action.account_id, channel, case.point.id, action.purpose, action.id, connector.key,
        cost_minor=capabilities.unit_cost_minor, cost_currency=capabilities.cost_currency,
        caller=_shown(connector) if channel == CALL else None,
    )  # fmt: skip


def _shown(connector: Connector) -> Caller:
    """The number that the connector's calls show: its setting `caller`."""
    return Caller(connector.config.get("caller") or None, automated=True)


def _after(case: _Case, one: Reservation, offer_broke: str | None) -> Move:
    """Where an action goes when the law has spoken; `offer_broke` is the rule that its offer was against."""
    action = case.action
    if one.contact_id is not None:
        reason = None if offer_broke is None else f"offer_left_out:{offer_broke}"
        return Move(action.id, "reserved", reason, leased_until=clock.now() + jobs.LEASE, tries=1)
    rule, again = one.verdict.first_refusal, one.verdict.next_lawful_at
    details = {
        "rules": [refusal.to_json() for refusal in one.verdict.refusals if refusal.decides],
        "why": one.verdict.refusals[0].reason,
    }
    if again is not None and again < action.expires_at:
        return Move(action.id, "scheduled", f"law:{rule}", details, due_at=again)
    if again is not None:
        details["next_lawful_at"] = again.isoformat()
    return Move(action.id, "blocked", f"law:{rule}", details)


def _unsubscribe(action: Claimed, tenant_id: int, contact_id: int) -> str | None:
    """Where the reader of a mail closes the channel; an answer to a person needs none."""
    if action.channel != "email" or action.template in ANSWERS:
        return None
    return unsubscribing.address(tenant_id, contact_id)


def _envelopes(
    session: Session,
    reserved: Sequence[tuple[_Case, Reservation]],
    messages: Mapping[int, Words],
    sender: Sender,
) -> tuple[list[Envelope], list[SentMessage]]:
    """Messages ready to go, and their words, which are to be kept."""
    tenant_id = scope_of(session).tenant()
    listening = _that_are([case for case, _one in reserved], Listens, Collects, Converses)
    heard = _heard(session, [case for case, _one in reserved if case.connector.key in listening])
    replies = _replies(session, [case for case, _one in reserved])
    envelopes, kept = list[Envelope](), list[SentMessage]()
    for case, one in reserved:
        if one.contact_id is None:
            raise ValueError("only reserved contacts become messages")
        action, text = case.action, messages[case.action.id]
        message = Message(
            key=f"{tenant_id}-{one.contact_id}", channel=action.channel, recipient=case.point.value,
            subject=text.subject, text=text.text, html=text.html or None, language=text.language,
            sender_name=sender.agency, reply_to=sender.email,
            unsubscribe_url=_unsubscribe(action, tenant_id, one.contact_id),
            template=action.template, values=text.values,
            heard_at=heard.get((case.account.debtor_id, case.connector.key)),
            callback_url=callback_url(case.connector.loaded(), tenant_id, one.contact_id)
            if case.connector.key in listening else "",
            code=text.code, answers=replies[action.id].answers if action.id in replies else None,
        )  # fmt: skip
        if action.channel != CALL:  # what is said in a call its steps tell
            kept.append(
                SentMessage(
                    one.contact_id, action.template, text.language, text.code, case.point.value,
                    text.subject, text.text,
                )
            )  # fmt: skip
        envelopes.append(
            Envelope(
                action.id, one.contact_id, action.debtor_id, case.point.id, action.attempts,
                action.expires_at, case.connector, message,
            )
        )  # fmt: skip
    return envelopes, kept
