"""What the law would say of a contact now: nothing is reserved here."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts.facts import dossiers
from recupero.contacts.gate import proposed, purpose_counted
from recupero.contacts.policies import lawbook
from recupero.contacts.queries import account_of, dialled
from recupero.contacts.reservation import HISTORY, Made, person_history
from recupero.contacts.tables import Contact
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.law.service import judge_contact
from recupero_sdk.law import Channel, Facts, Proposal, RuleOutcome, Verdict
from recupero_sdk.law.caller import check_caller


def law_facts(
    session: Session, asks: Collection[tuple[int, int | None]]
) -> dict[tuple[int, int | None], Facts]:
    """Facts for each (account id, contact point id or None), at once. An account out of scope is left
    out."""
    known = dossiers(session, {account_id for account_id, _ in asks})
    return {ask: known.facts(*ask) for ask in asks if ask[0] in known.accounts}


def judge_now(
    session: Session,
    account_id: int,
    channel: Channel,
    at: datetime,
    purpose: str = "collection",
    *,
    made: int = 0,
) -> Verdict:
    """What the law would say of one contact: for a page that tells why nothing is sent and when next. With
    `made`, as if so many more of the same kind had just been made.

    Reserves nothing. Needs the agency in scope. Raises KeyError where the account is not in scope.
    """
    known = dossiers(session, [account_id])
    account = known.accounts[account_id]
    past = person_history(session, [account.person_id], at - HISTORY).get(account.person_id, [])
    facts = known.facts(account_id, None)
    counted = purpose_counted(purpose, facts.due_date, at)
    past += [Made(at, channel, "outbound", "unknown", account.tenant_id, account_id, purpose=counted)] * made
    history = [one.seen_from(account.tenant_id, account_id) for one in past]
    proposal = proposed(purpose, at, channel)
    return judge_contact(lawbook(session).of(account.tenant_id, at), facts, history, proposal)


def judge_going_on(session: Session, contact_id: int, at: datetime) -> Verdict:
    """What the law would say of a call that goes on with a person, as if it were made at that moment; it is
    not counted as an earlier one. A call of the debtor's own is answered. Needs the agency in scope."""
    row = session.execute(
        select(Contact.account_id, Contact.at, Contact.direction, Contact.contact_point_id, Contact.purpose)
        .where(Contact.tenant_id == scope_of(session).tenant(), Contact.id == contact_id)
    ).one()  # fmt: skip
    known = dossiers(session, [row.account_id])
    account = known.accounts[row.account_id]
    made = person_history(session, [account.person_id], at - HISTORY).get(account.person_id, [])
    history = [
        past.seen_from(account.tenant_id, row.account_id)
        for past in made
        if (past.at, past.channel, past.account_id) != (row.at, "call", row.account_id)
    ]
    purpose = "reply" if row.direction == "inbound" else row.purpose
    proposal = proposed(purpose, at, "call", automated=False)
    law = lawbook(session).of(account.tenant_id, at)
    return judge_contact(law, known.facts(row.account_id, row.contact_point_id), history, proposal)


def judge_number(session: Session, contact_id: int, number: str | None) -> list[RuleOutcome]:
    """The rules that refuse a person's call from this number (None: withheld). Needs the agency in scope."""
    account_id = account_of(session, contact_id)
    if account_id is None:
        return []
    known = dossiers(session, [account_id])
    facts = known.facts(account_id, dialled(session, contact_id))
    law = lawbook(session).of(known.accounts[account_id].tenant_id, clock.now())
    pack, made = law.by_country[facts.country], Proposal(clock.now(), "call", automated=False)
    return [said for said in check_caller(pack, facts, made, number) if said.outcome == "refused"]
