"""Readings of messages: kept with what follows from them, shown, corrected, and learned from."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import messages as contact_messages
from recupero.contacts import service as permissions
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.conversations import conversations, replies, stopping
from recupero.outreach.conversations.stopping import asked, is_stop
from recupero.outreach.texts.words import locale_of
from recupero.outreach.understanding import hand_overs, policy
from recupero.outreach.understanding.amounts import amounts
from recupero.outreach.understanding.dates import dates
from recupero.outreach.understanding.tables import MessageReading
from recupero.payments.papers import documents
from recupero.placements import reach
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service
from recupero_sdk.texts import Example, Guess

#: What is answered with more than the link to their page.
_LEADS_TO = {policy.RECEIPT: "receipt", policy.WILL_PAY: "promise_day"}
#: How many guesses of a message are kept.
KEPT = 6
SETTING = "answers_from"
#: Below this a guess is mostly a guess; above 1 nothing is ever sure enough.
LEAST, NEVER = 0.7, 1.01
#: A payment is booked by another clock than that of who says when they paid.
_A_DAY_APART = timedelta(days=1)


def text_of(session: Session, contact_id: int) -> contact_messages.Heard | None:
    """The message to read; None where it was read, or is an order to stop, which was obeyed at once."""
    known = session.execute(
        select(MessageReading.id).where(
            MessageReading.tenant_id == scope_of(session).tenant(), MessageReading.contact_id == contact_id
        )
    ).scalar_one_or_none()
    said = None if known is not None else contact_messages.heard(session, [contact_id]).get(contact_id)
    return None if said is None or is_stop(said.body) else said


def keep(session: Session, said: contact_messages.Heard, guesses: Sequence[Guess], model: str) -> str:
    """Keep how the message was read and do what follows from it; the name of the course taken.

    While a person has the debtor, nothing is answered: it is theirs, too. So is the last message that the
    law allows for now.
    """
    account = reach.reachable(session, [said.account_id])[said.account_id]
    tenant = tenancy.tenant(session, account.tenant_id)
    taken = policy.course(guesses, answers_from(tenant.settings), off=asked(said.body))
    if hand_overs.open_for(session, account.debtor_id) is not None and taken.name in ("answer", "nothing"):
        taken = policy.Course("person", taken.why)
    days = _days(said, account, guesses, tenant.timezone)
    if taken.why == policy.RECEIPT and not _receipt_at_hand(session, account.debtor_id, days):
        taken = policy.Course("person", policy.NO_RECEIPT)
    if taken.name == "answer" and not replies.leaves_a_reply(session, account.account_id, said.channel):
        taken = policy.Course("person", policy.LAST_REPLY)
    _follow(session, said, account, taken)
    session.add(_reading(said, account, guesses, model, taken.name, days))
    session.flush()
    return taken.name


def _receipt_at_hand(session: Session, debtor_id: int, days: Sequence[date]) -> bool:
    """Whether they paid us, and not before the days that they name: the receipt of an older payment would be
    no answer to who asks for that of a newer one."""
    last = documents.last_paid(session, debtor_id)
    return last is not None and all(day <= last.received_at.date() + _A_DAY_APART for day in days)


def answers_from(settings: Mapping[str, Any]) -> float:
    """How probable what a message means must be for the machine to answer it."""
    return float(settings.get(SETTING, policy.THRESHOLD))


def set_answers_from(session: Session, sure: float, *, actor: str) -> None:
    """Keep that for the tenant in scope; above 1 the machine never answers. Raises UserError."""
    if not LEAST <= sure <= NEVER:
        raise UserError(
            "Choose between %(least)s and %(most)s percent.", field="sure", least=f"{100 * LEAST:g}",
            most=f"{100 * NEVER:g}",
        )  # fmt: skip
    tenancy_service.configure_tenant(session, scope_of(session).tenant(), actor=actor, answers_from=sure)


def _follow(session: Session, said: contact_messages.Heard, account: Reachable, taken: policy.Course) -> None:
    closed = stopping.meant(said.body, said.channel)
    if taken.closes:
        permissions.record_permission(
            session, debtor_id=account.debtor_id, channel=closed, kind="opt_out", source="reading"
        )
        if taken.name == "stop" or replies.leaves_a_reply(session, account.account_id, said.channel):
            replies.confirm_stop(
                session, account.account_id, said.channel, said.address, closed=closed, answers=said.reference
            )
    if taken.name == "person":
        hand_overs.open_one(
            session, debtor_id=account.debtor_id, account_id=account.account_id, contact_id=said.contact_id,
            why=taken.why,
        )  # fmt: skip
        return
    if taken.name == "answer":
        template = _LEADS_TO.get(taken.why, "own_page")
        replies.answer(
            session, account.account_id, said.channel, template, said.address, answers=said.reference
        )
    conversations.settled(session, account.debtor_id, until=said.at)


def _days(
    said: contact_messages.Heard, account: Reachable, guesses: Sequence[Guess], timezone: str
) -> list[date]:
    """The days that the message names, looked for in the past where it speaks of a payment made."""
    today = said.at.astimezone(ZoneInfo(account.timezone or timezone)).date()
    past = bool(guesses) and guesses[0].label in ("paid_already", "sends_proof", policy.RECEIPT)
    return dates(
        said.body, language=_language(account), today=today, past=past, country=account.country or ""
    )


def _language(account: Reachable) -> str:
    return account.language if account.language in ("es", "en", "pt") else "en"


def _reading(
    said: contact_messages.Heard,
    account: Reachable,
    guesses: Sequence[Guess],
    model: str,
    course: str,
    days: Sequence[date],
) -> MessageReading:
    language = _language(account)
    locale = str(locale_of(language, account.country))
    return MessageReading(
        tenant_id=account.tenant_id, contact_id=said.contact_id, debtor_id=account.debtor_id,
        language=language, model=model, read_at=clock.now(), course=course,
        guesses=[[one.label, round(one.probability, 4)] for one in guesses[:KEPT]],
        amounts=amounts(said.body, locale=locale, currency=account.currency),
        days=[day.isoformat() for day in days],
    )  # fmt: skip


def of_contacts(session: Session, contact_ids: Collection[int]) -> dict[int, MessageReading]:
    """How these messages of the tenants in scope were read."""
    rows = session.execute(
        select(MessageReading).where(
            MessageReading.tenant_id.in_(scope_of(session).tenant_ids),
            MessageReading.contact_id.in_(contact_ids),
        )
    ).scalars()
    return {row.contact_id: row for row in rows}


def correct(session: Session, contact_id: int, intents: Sequence[str], *, actor: str) -> None:
    """A person says what the message means; the next training learns it. Raises NotFound, UserError."""
    found = of_contacts(session, [contact_id]).get(contact_id)
    if found is None:
        raise NotFound("this message was not read")
    if not intents or not set(intents) <= set(policy.INTENTS):
        raise UserError("Please choose one.", field="intents")
    found.corrected, found.corrected_by, found.corrected_at = sorted(set(intents)), actor, clock.now()
    audit.record(
        session, "outreach.reading_corrected", f"contact:{contact_id}", actor=actor,
        tenant_id=found.tenant_id, intents=found.corrected,
    )  # fmt: skip


def examples(session: Session) -> list[Example]:
    """The corrected messages of the tenants in scope, each with its debtor as the writer, in the order
    in which they were corrected."""
    rows = session.execute(
        select(MessageReading)
        .where(
            MessageReading.tenant_id.in_(scope_of(session).tenant_ids), MessageReading.corrected.is_not(None)
        )
        .order_by(MessageReading.corrected_at, MessageReading.id)
    ).scalars().all()  # fmt: skip
    said = contact_messages.heard(session, [row.contact_id for row in rows])
    return [
        Example(
            said[row.contact_id].body, tuple(row.corrected or ()), row.language,
            f"debtor:{row.tenant_id}:{row.debtor_id}", "corrected",
        )
        for row in rows
        if row.contact_id in said
    ]  # fmt: skip
