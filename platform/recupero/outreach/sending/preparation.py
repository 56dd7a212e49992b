"""The first transaction of carrying actions out: look at them again, write their words, reserve, and put the
messages into envelopes. What speaks against one is found on the way (`cases`, `composing`, the law)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts import queries as contact_queries
from recupero.contacts import service as contacts
from recupero.contacts.policies import ask_versions, lawbook
from recupero.contacts.service import Caller, Reservation, SentMessage, Wish
from recupero.kernel import clock, jobs
from recupero.kernel.database import scope_of
from recupero.kernel.statements import Parameters, Statement, asked_together
from recupero.ledger import queries as ledger
from recupero.outreach.actions.kinds import ANSWERS, CALL
from recupero.outreach.actions.states import Claimed, Move, move
from recupero.outreach.channels import preferences
from recupero.outreach.channels.connectors import OUTBOX, Connector
from recupero.outreach.channels.pacing import Gate
from recupero.outreach.conversations import unsubscribing
from recupero.outreach.conversations.opened import callback_url
from recupero.outreach.sending import page_codes, turns
from recupero.outreach.sending.cases import Case, claimed, knowing, sort_out, tell_given_back
from recupero.outreach.sending.composing import compose, heard_at
from recupero.outreach.texts import beyond
from recupero.outreach.texts.wording import ask_wording
from recupero.outreach.texts.words import Sender, Words
from recupero.outreach.texts.writer import sender_of
from recupero.payments import service as payments
from recupero.tenancy import queries as tenancy
from recupero_sdk.channels import Message
from recupero_sdk.inbound import Collects, Converses, Listens
from recupero_sdk.law.zones import load_zone


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


def prepare(session: Session, action_ids: Collection[int], gate: Gate) -> list[Envelope]:
    """Reserve what may be sent of these claimed actions; what may not is moved on with its reason, and what
    the provider's account does not take now is put off.

    Needs one tenant and its agency in scope. Nothing may be sent before the transaction has committed.
    """
    actions = claimed(session, action_ids)
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
    cases, moves = sort_out(session, actions, known)
    tell_given_back(session, {action.id: action.debtor_id for action in actions}, moves)
    let, waiting = turns.take(session, [(case.action, case.connector) for case in cases], gate)
    cases, moves = [case for case in cases if case.action.id in let], moves + waiting
    law = book.of(scope_of(session).tenant(), clock.now())
    text = compose(session, cases, known, sender, law)
    ready = [case for case in cases if case.action.id in text.messages]
    reservations = contacts.reserve(session, [_wish(case) for case in ready], known, book)
    moves += text.refused + [
        _after(case, one, text.left_out.get(case.action.id))
        for case, one in zip(ready, reservations, strict=True)
    ]
    reserved = [
        (case, one) for case, one in zip(ready, reservations, strict=True) if one.contact_id is not None
    ]
    named = [(case.action.id, text.told[case.action.id], text.messages[case.action.id])
             for case, _one in reserved if case.action.id in text.told]  # fmt: skip
    moves = preferences.to_hours(session, actions, moves)
    if named:  # an offer that begins to stand may cancel what waits: what goes out now does not wait any more
        move(session, moves)
        beyond.record(session, named)
        moves = []
    envelopes, kept = _envelopes(session, reserved, text.messages, sender)
    move(session, moves, beside=contacts.ask_keep(session, kept))
    return envelopes


def _wish(case: Case) -> Wish:
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


def _after(case: Case, one: Reservation, offer_broke: str | None) -> Move:
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
    reserved: Sequence[tuple[Case, Reservation]],
    messages: Mapping[int, Words],
    sender: Sender,
) -> tuple[list[Envelope], list[SentMessage]]:
    """Messages ready to go, and their words, which are to be kept."""
    tenant_id = scope_of(session).tenant()
    listening = knowing([case for case, _one in reserved], Listens, Collects, Converses)
    heard = heard_at(session, [case for case, _one in reserved if case.connector.key in listening])
    asked = [case.action.id for case, _one in reserved if case.action.template == "page_code"]
    codes = page_codes.sent_with(session, asked) if asked else {}
    house, now = tenancy.house(session), clock.now()
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
            code=text.code, answers=action.answers,
            dated=now.astimezone(load_zone(case.account.timezone or house.timezone)).date(),
        )  # fmt: skip
        if action.channel != CALL:  # what is said in a call its steps tell
            kept.append(_copy(case, one.contact_id, text, codes.get(action.id)))
        envelopes.append(
            Envelope(
                action.id, one.contact_id, action.debtor_id, case.point.id, action.attempts,
                action.expires_at, case.connector, message,
            )
        )  # fmt: skip
    return envelopes, kept


def _copy(case: Case, contact_id: int, text: Words, code: str | None) -> SentMessage:
    """What is kept of a message for staff to read. The code that opens a debtor's page is for its receiver
    alone: it is kept as dots, save in the demonstration's outbox, which is where such a message arrives."""
    action, subject, body = case.action, text.subject, text.text
    if code is not None and case.connector.key != OUTBOX:
        subject, body = (page_codes.hidden(part, code) for part in (subject, body))
    return SentMessage(contact_id, action.template, text.language, text.code, case.point.value, subject, body)
