"""Whose money is it? What is written on a payment, against the debts of a creditor.

Sure is only what cannot be anybody else's: the number of an account (or the payer's own bank account, known
from before) that leads to one debtor, or a full name that leads to one debtor together with an amount that is
exactly owed or promised. All else is a suggestion for a person."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import clock, crypto
from recupero.kernel.database import scope_of
from recupero.payments.incoming_tables import BankLine
from recupero.payments.tables import Charge, Payment, PaymentLink, PromiseToPay
from recupero.placements.debts import NamedDebt, named_debts
from recupero.placements.lifecycle import ENDED
from recupero.placements.normalise import name_key, national_id_key, plain

SHORTEST = 4  # a number of an account that is shorter proves nothing
ASKED = timedelta(days=90)  # how long ago an amount may have been asked for
_WORD = re.compile(r"[^\s,;:|]+")
_WEIGHT = {"number": 60, "payer": 50, "person": 40, "name": 25, "promised": 20, "amount": 20}


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of money that came in. `texts` is everything written on it."""

    amount_minor: int
    currency: str
    texts: tuple[str, ...] = ()
    name: str = ""
    payer_account: str = ""
    country: str = ""

    def words(self) -> set[str]:
        """What could be the number of an account or a person."""
        found = {word.strip(".()[]#\"'") for text in self.texts for word in _WORD.findall(text)}
        return {word for word in found if len(word) >= SHORTEST and any(sign.isdigit() for sign in word)}

    def person_indexes(self) -> set[bytes]:
        """Blind indexes of the name, and of words that could be a national id."""
        ring = crypto.keyring()
        found = {ring.blind_index(name_key(self.name))} if plain(self.name) else set()
        if self.country:
            found |= {ring.blind_index(national_id_key(self.country, word)) for word in self.words()}
        return found


@dataclass(slots=True)
class Suggestion:
    """An account that the money may be for, and why: `number`, `payer`, `person`, `name`, `amount`,
    `promised`."""

    debt: NamedDebt
    why: set[str] = field(default_factory=set)

    @property
    def score(self) -> int:
        return sum(_WEIGHT[reason] for reason in self.why)


def suggest(session: Session, many: Mapping[int, Clues]) -> dict[int, list[Suggestion]]:
    """Suggestions for each of the payments or lines of the tenant in scope, best first; one set of
    queries."""
    found: dict[int, list[Suggestion]] = {key: [] for key in many}
    for currency in {clues.currency for clues in many.values()}:
        some = {key: clues for key, clues in many.items() if clues.currency == currency}
        known = _Known.load(session, currency, some.values())
        for key, clues in some.items():
            found[key] = known.suggestions(clues)
    return found


def sure(suggestions: Sequence[Suggestion]) -> list[int]:
    """The accounts that the money is for beyond doubt; none where there is any."""
    for proof in ({"number"}, {"payer"}, {"name", "amount"}, {"name", "promised"}, {"person", "amount"}):
        fits = [one for one in suggestions if proof <= one.why]
        if fits and len({one.debt.debtor_id for one in fits}) == 1:
            return [one.debt.account_id for one in fits]
        if fits:
            return []
    return []


@dataclass
class _Known:
    """What the creditor's books know that any of the clues could mean."""

    debts: list[NamedDebt]
    payers: dict[bytes, set[int]]
    asked: dict[int, set[int]]  # by debtor: amounts that were promised or asked for

    @classmethod
    def load(cls, session: Session, currency: str, clues: Collection[Clues]) -> "_Known":
        payers = _payers(session, [index_of(one.payer_account) for one in clues if one.payer_account])
        debts = named_debts(
            session,
            currency=currency,
            client_accounts=set().union(*(one.words() for one in clues)),
            person_indexes=set().union(*(one.person_indexes() for one in clues)),
            debtor_ids=set().union(*payers.values()) if payers else (),
            balances={one.amount_minor for one in clues},
        )
        debtors = {debt.debtor_id for debt in debts}
        return cls([one for one in debts if one.status not in ENDED], payers, _asked(session, debtors))

    def suggestions(self, clues: Clues) -> list[Suggestion]:
        words = {word.upper() for word in clues.words()}
        people, name = clues.person_indexes(), name_key(clues.name) if clues.name else ""
        name_index = crypto.keyring().blind_index(name) if name else None
        payers = self.payers.get(index_of(clues.payer_account), set()) if clues.payer_account else set()
        found = []
        for debt in self.debts:
            why = {
                "number": debt.client_account.upper() in words and len(debt.client_account) >= SHORTEST,
                "payer": debt.debtor_id in payers,
                "person": debt.national_id_index is not None and debt.national_id_index in people,
                "name": name_index is not None and debt.name_index == name_index,
                "amount": debt.balance_minor == clues.amount_minor,
                "promised": clues.amount_minor in self.asked.get(debt.debtor_id, ()),
            }
            suggestion = Suggestion(debt, {reason for reason, holds in why.items() if holds})
            if suggestion.why - {"promised"}:
                found.append(suggestion)
        return sorted(found, key=lambda one: (-one.score, one.debt.account_id))


def index_of(payer_account: str) -> bytes:
    """The blind index of a bank account, blanks and dashes left out."""
    kept = "".join(sign for sign in plain(payer_account) if sign.isalnum())
    return crypto.keyring().blind_index(f"bank|{kept}")


def _payers(session: Session, indexes: Collection[bytes]) -> dict[bytes, set[int]]:
    """Who was paid for from these bank accounts before."""
    rows = session.execute(
        select(BankLine.counter_index, Payment.debtor_id)
        .join(Payment, (Payment.tenant_id == BankLine.tenant_id) & (Payment.id == BankLine.subject_id))
        .where(
            BankLine.tenant_id == scope_of(session).tenant(),
            BankLine.counter_index.in_(list(indexes)),
            BankLine.state == "matched",
            BankLine.subject == "payment",
            Payment.debtor_id.is_not(None),
        )
        .distinct()
    )
    found: dict[bytes, set[int]] = {}
    for index, debtor_id in rows:
        if index is not None and debtor_id is not None:
            found.setdefault(bytes(index), set()).add(debtor_id)
    return found


def _asked(session: Session, debtor_ids: Collection[int]) -> dict[int, set[int]]:
    tenant, since = scope_of(session).tenant(), clock.now() - ASKED
    promised = select(PromiseToPay.debtor_id, PromiseToPay.amount_minor).where(
        PromiseToPay.tenant_id == tenant, PromiseToPay.debtor_id.in_(list(debtor_ids)),
        PromiseToPay.state == "open",
    )  # fmt: skip
    charged = (
        select(PaymentLink.debtor_id, Charge.amount_minor)
        .join(Charge, (Charge.tenant_id == PaymentLink.tenant_id) & (Charge.link_id == PaymentLink.id))
        .where(PaymentLink.tenant_id == tenant, PaymentLink.debtor_id.in_(list(debtor_ids)),
               Charge.created_at >= since)
    )  # fmt: skip
    found: dict[int, set[int]] = {}
    for debtor_id, amount in session.execute(promised.union(charged)):
        found.setdefault(debtor_id, set()).add(amount)
    return found
