"""Money into the books, once: each payment or reversal replays what happened to the debtor's debts and books
the difference between where money lies and where it belongs.

So the books are the same whatever the order and the number of times in which providers tell us things.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.kernel.money import is_currency
from recupero.ledger import queries as ledger_queries
from recupero.ledger import service as ledger
from recupero.ledger import trust
from recupero.ledger.allocation import Allocations, Happening, Replayed, Step, replay_until
from recupero.ledger.queries import ACCRUAL
from recupero.ledger.service import Booking
from recupero.payments.books import postings, promises, settlement_windows
from recupero.payments.books.contracts import Contracts
from recupero.payments.books.postings import Change, Lies
from recupero.payments.books.refunds import refunds_of
from recupero.payments.events import PaymentBooked, PaymentReversed
from recupero.payments.tables import PAID_TO_CREDITOR, Allocation, Payment, Reversal
from recupero.placements.debts import OpenDebt, debts
from recupero.tenancy import queries as tenancy

BROUGHT = timedelta(days=30)  # a payment is counted to the newest contact of these days before it
_DISPUTES = {"dispute": Step.DISPUTED, "dispute_won": Step.DISPUTE_WON}
_PAYMENT_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, :tenant))")


@dataclass(frozen=True, slots=True)
class Received:
    """Money that came in. `external_key` is the same whenever it is told again; `account_ids` are the debts
    that it may pay (none: it waits in suspense). `kind` as in `Payment`; `fee_taken_minor` of a connect one
    is what the agency has got of its fee (and the tax on it) already."""

    external_key: str
    kind: str
    amount_minor: int
    currency: str
    received_at: datetime
    debtor_id: int | None
    account_ids: Sequence[int]
    gateway: str | None = None
    link_id: int | None = None
    charge_id: int | None = None
    note: str | None = None
    fee_taken_minor: int = 0


def book_payment(session: Session, received: Received) -> int | None:
    """Book a payment of the tenant in scope, allocate it, and let balance, status and promises follow.

    Returns its id, or None where it is booked already. Reversals that were told before it are booked with it.
    Publishes `PaymentBooked`. Raises UserError on an amount that is not positive or an unknown currency.
    """
    if received.amount_minor <= 0:
        raise UserError("a payment needs an amount above zero", field="amount_minor")
    if not is_currency(received.currency):
        raise UserError(
            "unknown currency '%(currency)s': use an ISO 4217 code such as CLP or EUR",
            field="currency",
            currency=received.currency,
        )
    tenant = scope_of(session).tenant()
    lock_payment(session, received.external_key)
    known = select(Payment.id).where(
        Payment.tenant_id == tenant, Payment.external_key == received.external_key
    )
    if session.execute(known).first():
        return None
    group = Group.load(session, received.debtor_id, received.currency)
    payment, touched = _receive(session, group, received)
    if received.fee_taken_minor:
        trust.fee_came(session, received.currency, received.fee_taken_minor,
                       trigger=received.external_key, at=received.received_at)  # fmt: skip
    _announce(session, payment, touched)
    for fact in _waiting_facts(session, received.external_key):
        _apply_fact(session, payment, fact)
    return payment.id


def reverse_payment(
    session: Session, *, payment_key: str, event_key: str, kind: str, total_minor: int, occurred_at: datetime
) -> bool:
    """Note that a payment went back, and book it once the payment is known. False where noted already.

    `kind`: refund (`total_minor` is the sum of its refunds so far), paid_back (the same for what the agency
    paid back itself), refund_failed (the amount of a refund that did not arrive), dispute (the disputed
    amount) or dispute_won (the money is back). The debts are owed again, promises are reviewed, the fee is
    given back; where a refund failed, all is as if it had never been made."""
    tenant = scope_of(session).tenant()
    lock_payment(session, payment_key)
    fact = session.execute(
        insert(Reversal)
        .values(tenant_id=tenant, payment_key=payment_key, event_key=event_key, kind=kind,
                total_minor=total_minor, occurred_at=occurred_at)
        .on_conflict_do_nothing(index_elements=["tenant_id", "event_key"])
        .returning(Reversal)
    ).scalar_one_or_none()  # fmt: skip
    if fact is None:
        return False
    payment = session.execute(
        select(Payment).where(Payment.tenant_id == tenant, Payment.external_key == payment_key)
    ).scalar_one_or_none()
    if payment is not None:
        _apply_fact(session, payment, fact)
    return True


def settle_suspense(session: Session, *, debtor_id: int, currency: str, trigger: str, at: datetime) -> None:
    """What is owed has changed (an adjustment, an accrual): use or free the debtor's suspense."""
    group = Group.load(session, debtor_id, currency)
    group.move(session, trigger=trigger, at=at, about=None)


def fee_of(
    session: Session, debtor_id: int, account_ids: Sequence[int], currency: str, amount_minor: int
) -> int:
    """The agency's fee (with its tax) if the debtor paid this amount for these accounts now. Books
    nothing."""
    group = Group.load(session, debtor_id, currency)
    allowed = [debt for debt in group.debts if debt.account_id in set(account_ids)]
    supposed = Payment(
        tenant_id=scope_of(session).tenant(), id=0, external_key="supposed", kind="connect",
        amount_minor=amount_minor, currency=currency, received_at=clock.now(),
        account_ids=[debt.account_id for debt in allowed],
        rates=rates_of(session, allowed, clock.now()),
        refunded_minor=0, charged_back_minor=0,
    )  # fmt: skip
    group.payments.append(supposed)
    contracts = Contracts(session, group.debts)
    replayed, _booked = group.replayed(contracts, group._owed(session))
    change = postings.change(supposed, replayed.receipts["supposed"], {})
    return sum(move.fee + move.tax for move in change.moves.values())


def rates_of(session: Session, debts: Sequence[OpenDebt], received_at: datetime) -> dict[str, list[Any]]:
    """What the agency earns on each of the debts by a payment of that moment (`Payment.rates`)."""
    settled = settlement_windows.settled_accounts(session, [debt.account_id for debt in debts], received_at)
    return postings.rates(debts, received_at, tenancy.tenant(session).timezone, settled)


def lock_payment(session: Session, payment_key: str) -> None:
    """One at a time for each payment: a refund and its payment must not miss each other."""
    session.execute(_PAYMENT_LOCK, {"key": payment_key, "tenant": scope_of(session).tenant()})


def _receive(session: Session, group: "Group", received: Received) -> tuple[Payment, set[int]]:
    allowed = [debt for debt in group.debts if debt.account_id in set(received.account_ids)]
    brought_by = contacts.last_reached(
        session, received.account_ids, since=received.received_at - BROUGHT, until=received.received_at
    )
    payment = Payment(
        tenant_id=scope_of(session).tenant(), debtor_id=received.debtor_id, link_id=received.link_id,
        charge_id=received.charge_id, external_key=received.external_key, kind=received.kind,
        gateway=received.gateway, amount_minor=received.amount_minor, currency=received.currency,
        account_ids=[debt.account_id for debt in allowed],
        rates=rates_of(session, allowed, received.received_at),
        state="booked", received_at=received.received_at, booked_at=clock.now(), transaction_id=0,
        contact_id=brought_by and brought_by[0], channel=brought_by and brought_by[1], note=received.note,
    )  # fmt: skip
    session.add(payment)
    session.flush()
    group.payments.append(payment)
    touched = group.move(
        session, trigger=f"payment:{payment.external_key}", at=payment.received_at, about=payment, first=True
    )
    return payment, touched


def _waiting_facts(session: Session, payment_key: str) -> Sequence[Reversal]:
    return (
        session.execute(
            select(Reversal)
            .where(
                Reversal.tenant_id == scope_of(session).tenant(),
                Reversal.payment_key == payment_key,
                Reversal.booked_at.is_(None),
            )
            .order_by(Reversal.occurred_at, Reversal.id)
        )
        .scalars()
        .all()
    )


def _apply_fact(session: Session, payment: Payment, fact: Reversal) -> None:
    group = Group.load(session, payment.debtor_id, payment.currency, also=payment)
    fact.booked_at = clock.now()
    session.flush()
    group.facts.append(fact)
    touched = group.move(session, trigger=f"reversal:{fact.event_key}", at=fact.occurred_at, about=payment)
    if payment.kind not in PAID_TO_CREDITOR:
        trust.advance(session, payment.currency, trigger=fact.event_key, at=fact.occurred_at)
    promises.review(session, touched)
    events.publish(session, PaymentReversed(payment.id, tuple(sorted(touched))))
    _record(session, fact.kind, payment, fact.total_minor)


def _announce(session: Session, payment: Payment, touched: set[int]) -> None:
    promises.review(session, touched)
    events.publish(session, PaymentBooked(payment.id, tuple(sorted(touched))))
    _record(session, "book", payment, payment.amount_minor)


def _record(session: Session, what: str, payment: Payment, amount_minor: int) -> None:
    """Into the audit trail, last. The rows of a creditor's file stand in the file's own audit event: one for
    each would hold the agency's chain for as long as the file takes."""
    if payment.kind != "direct":
        audit.record(
            session, f"payments.{what}", f"payment:{payment.id}", actor="system", tenant_id=payment.tenant_id,
            amount_minor=amount_minor, currency=payment.currency, kind=payment.kind,
        )  # fmt: skip


@dataclass
class Group:
    """A debtor's debts in one currency with every payment for them, their rows locked."""

    debts: list[OpenDebt]
    payments: list[Payment]
    facts: list[Reversal]
    placed: defaultdict[int, dict[postings.Place, Lies]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def load(
        cls, session: Session, debtor_id: int | None, currency: str, also: Payment | None = None
    ) -> "Group":
        tenant = scope_of(session).tenant()
        owed = [] if debtor_id is None else debts(session, debtor_id=debtor_id, currency=currency, lock=True)
        query = select(Payment).where(
            Payment.tenant_id == tenant, Payment.debtor_id == debtor_id, Payment.currency == currency
        )
        payments = [also] if debtor_id is None and also else []
        payments += [] if debtor_id is None else list(session.execute(query).scalars())
        facts = session.execute(
            select(Reversal).where(
                Reversal.tenant_id == tenant,
                Reversal.payment_key.in_([payment.external_key for payment in payments]),
                Reversal.booked_at.is_not(None),
            )
        ).scalars()
        group = cls(owed, payments, list(facts))
        group._load_placed(session)
        return group

    def _load_placed(self, session: Session) -> None:
        """Where each payment's money and fee lie now."""
        rows = session.execute(
            select(Allocation.payment_id, Allocation.account_id, Allocation.part,
                   func.sum(Allocation.amount_minor), func.sum(Allocation.fee_minor),
                   func.sum(Allocation.tax_minor))
            .where(Allocation.tenant_id == scope_of(session).tenant(),
                   Allocation.payment_id.in_([payment.id for payment in self.payments]))
            .group_by(Allocation.payment_id, Allocation.account_id, Allocation.part)
        )  # fmt: skip
        for payment_id, account_id, part, amount, fee, tax in rows:
            self.placed[payment_id][account_id, part] = Lies(int(amount), int(fee), int(tax))

    def move(
        self, session: Session, *, trigger: str, at: datetime, about: Payment | None, first: bool = False
    ) -> set[int]:
        """Book for each payment the way from where its money lies to where it belongs; accounts touched."""
        contracts = Contracts(session, self.debts)
        replayed, booked = self.replayed(contracts, self._owed(session))
        self._accrue(session, replayed.accrued, booked)
        touched: set[int] = set()
        for payment in self.payments:
            receipt = replayed.receipts[payment.external_key]
            change = postings.change(payment, receipt, self.placed[payment.id])
            if change:
                touched |= self._book(
                    session, payment, change, trigger=trigger, at=at, about=about, first=first
                )
            payment.state = postings.state(receipt)
            session.flush()
        return touched

    def replayed(self, contracts: Contracts, owed: Sequence[Happening]) -> tuple[Replayed, Allocations]:
        """What the facts come to today, and what is booked already of that which has accrued.

        An accrual is no fact where the replay lets interest grow itself; where a contract says no more of
        interest, what has accrued before stays owed.
        """
        debts = [contracts.debt(debt) for debt in self.debts]
        growing = {debt.account_id for debt in debts if debt.accrual is not None}
        facts, booked = [], Allocations()
        for one in owed:
            if one.key.startswith(ACCRUAL) and one.line is not None and one.line[0] in growing:
                booked[one.line] = booked.get(one.line, 0) + one.amount
            else:
                facts.append(one)
        return replay_until(debts, [*facts, *self.happenings()], clock.now()), booked

    def _accrue(self, session: Session, grown: Allocations, booked: Allocations) -> None:
        entries = postings.accruals(grown, booked, self.debts)
        if entries:
            identity = ledger.new_ids(session, 1)[0]
            ledger.book_many(
                session, [Booking(identity, ACCRUAL, f"{ACCRUAL}:{identity}", clock.now(), entries)]
            )

    def _owed(self, session: Session) -> list[Happening]:
        return ledger_queries.what_was_owed(session, [debt.account_id for debt in self.debts])

    def happenings(self) -> list[Happening]:
        received = [
            Happening(one.received_at, Step.RECEIVED, one.external_key, one.amount_minor,
                      account_ids=frozenset(one.account_ids))
            for one in self.payments
        ]  # fmt: skip
        disputed = [
            Happening(one.occurred_at, _DISPUTES[one.kind], one.payment_key, one.total_minor)
            for one in self.facts
            if one.kind in _DISPUTES
        ]
        return received + disputed + self._refunds()

    def _refunds(self) -> list[Happening]:
        """What went back of each payment, as its total after each time."""
        by_payment: defaultdict[str, list[Reversal]] = defaultdict(list)
        for one in self.facts:
            by_payment[one.payment_key].append(one)
        found = []
        for key, facts in by_payment.items():
            total = 0
            for back in refunds_of(facts).backs:
                total += back.amount_minor
                found.append(Happening(back.at, Step.REFUNDED, key, total))
        return found

    def _book(
        self,
        session: Session,
        payment: Payment,
        change: Change,
        *,
        trigger: str,
        at: datetime,
        about: Payment | None,
        first: bool,
    ) -> set[int]:
        own = payment is about
        kind = ("payment" if first else "reversal") if own else "reallocation"
        transaction_id = ledger.book(
            session, kind=kind, external_key=trigger if own else f"{trigger}:{payment.id}", occurred_at=at,
            entries=postings.entries(
                payment, change, {debt.account_id: debt.portfolio_id for debt in self.debts}
            ),
            reverses_id=payment.transaction_id if kind == "reversal" else None,
        )  # fmt: skip
        if transaction_id is None:
            raise RuntimeError(f"{trigger} is in the ledger without its payment")
        if own and first:
            payment.transaction_id = transaction_id
        payment.refunded_minor += change.refunded
        payment.charged_back_minor += change.charged_back
        if change.moves:
            session.execute(insert(Allocation), postings.allocations(payment, change, transaction_id, at))
        return change.accounts
