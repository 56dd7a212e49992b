"""What every judgement of an account rests on, read once for all who ask: the account, its person's contacts,
the law with the house's own rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts.facts import NO_TIMEZONE, Dossiers, dossiers
from recupero.contacts.gate import proposed
from recupero.contacts.policies import Lawbook, lawbook
from recupero.contacts.reservation import HISTORY, Made, person_history
from recupero.kernel import clock
from recupero.law.service import judge_contact
from recupero.placements.reach import Reachable
from recupero_sdk.law import PastContact, RuleOutcome


@dataclass(frozen=True, slots=True)
class Grounds:
    """`made` are the contacts of each person, by all creditors of the agency."""

    known: Dossiers
    made: Mapping[int, Sequence[Made]]
    book: Lawbook

    def history(self, account: Reachable) -> list[PastContact]:
        """The contacts of the account's person as the law sees them from this account."""
        made = self.made.get(account.person_id, ())
        return [one.seen_from(account.tenant_id, account.account_id) for one in made]


def grounds(session: Session, account_ids: Collection[int], at: datetime | None = None) -> Grounds:
    """The grounds for judgements from `at` (now) on; an account out of scope is left out. Needs the agency in
    scope."""
    known = dossiers(session, account_ids)
    people = {account.person_id for account in known.accounts.values()}
    made = person_history(session, people, (at or clock.now()) - HISTORY)
    return Grounds(known, made, lawbook(session))


@dataclass(frozen=True, slots=True)
class Planned:
    """The first lawful moment at or after the one asked for; `at` None: none is in sight. `reason` is what
    stands against the moment asked for, `refusals` all rules that do."""

    at: datetime | None
    reason: str | None
    refusals: tuple[RuleOutcome, ...] = ()


def judge_planned(
    session: Session,
    asks: Sequence[tuple[int, str, str, datetime]],
    known: Grounds | None = None,
) -> list[Planned]:
    """When contacts may be made that are planned: for each account, channel of law, purpose and moment, one
    answer, in a few queries for all, or none where the grounds are known. Needs the agency in scope. Raises
    KeyError where an account is not in it."""
    on = known or grounds(session, {account_id for account_id, *_ in asks})
    answers = list[Planned]()
    for account_id, channel, purpose, at in asks:
        account = on.known.accounts[account_id]
        if on.known.nowhere(account):
            answers.append(Planned(None, NO_TIMEZONE))
            continue
        told: Any = channel
        verdict = judge_contact(
            on.book.of(account.tenant_id, at), on.known.facts(account_id, None), on.history(account),
            proposed(purpose, at, told),
        )  # fmt: skip
        answers.append(
            Planned(at, None) if verdict.allowed
            else Planned(verdict.next_lawful_at, f"law:{verdict.first_refusal}", tuple(verdict.refusals))
        )  # fmt: skip
    return answers
