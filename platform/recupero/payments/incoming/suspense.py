"""Money that no debt takes: how long it waits, whose it may be, giving it to debts."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.payments.books import booking, promises
from recupero.payments.events import PaymentBooked
from recupero.payments.incoming import clues
from recupero.payments.incoming.receipts import of_one_debtor
from recupero.payments.incoming_tables import BankLine, Receipt, RefundTask
from recupero.payments.tables import PAID_TO_CREDITOR, Allocation, Payment
from recupero.tenancy import queries as tenancy

AGES = ((7, "0-7"), (30, "8-30"), (90, "31-90"), (None, "90+"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment with money that waits. `age` is its bucket of days, `task_id` the open task to pay it
    back."""

    tenant_id: int
    payment_id: int
    kind: str
    amount_minor: int
    currency: str
    received_at: datetime
    age: str
    debtor_id: int | None
    note: str | None
    payer: str
    texts: tuple[str, ...]
    payer_account: str
    task_id: int | None


def waiting(session: Session) -> list[Waiting]:
    """Everything that waits for the tenants in scope, oldest first."""
    tenants = scope_of(session).tenant_ids
    amount = func.sum(Allocation.amount_minor)
    rows = session.execute(
        select(Payment, amount, Receipt.payer, Receipt.reference, BankLine.name, BankLine.reference,
               BankLine.counter_account, RefundTask.id)
        .join(Allocation, (Allocation.tenant_id == Payment.tenant_id) & (Allocation.payment_id == Payment.id))
        .outerjoin(Receipt, (Receipt.tenant_id == Payment.tenant_id) & (Receipt.payment_id == Payment.id))
        .outerjoin(BankLine, (BankLine.tenant_id == Payment.tenant_id) & (BankLine.subject_id == Payment.id)
                   & (BankLine.subject == "payment") & (BankLine.state == "matched"))
        .outerjoin(RefundTask, (RefundTask.tenant_id == Payment.tenant_id)
                   & (RefundTask.payment_id == Payment.id) & (RefundTask.state == "open"))
        .where(Payment.tenant_id.in_(tenants), Payment.kind.not_in(PAID_TO_CREDITOR),
               Allocation.account_id.is_(None))
        .group_by(Payment.tenant_id, Payment.id, Receipt.payer, Receipt.reference, BankLine.name,
                  BankLine.reference, BankLine.counter_account, RefundTask.id)
        .having(amount > 0)
        .order_by(Payment.received_at, Payment.id)
    )  # fmt: skip
    now = clock.now()
    return [
        Waiting(
            payment.tenant_id, payment.id, payment.kind, int(left), payment.currency, payment.received_at,
            _age((now - payment.received_at).days), payment.debtor_id, payment.note, payer or name or "",
            tuple(filter(None, (reference, said))), account or "", task,
        )
        for payment, left, payer, reference, name, said, account, task in rows
    ]  # fmt: skip


def _age(days: int) -> str:
    return next(name for most, name in AGES if most is None or days <= most)


def by_age(found: Sequence[Waiting]) -> dict[str, dict[str, tuple[int, int]]]:
    """{currency: {bucket: (how many, amount)}}, every bucket named."""
    numbers: Counter[tuple[str, str]] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    for one in found:
        numbers[one.currency, one.age] += 1
        sums[one.currency, one.age] += one.amount_minor
    return {
        currency: {name: (numbers[currency, name], sums[currency, name]) for _, name in AGES}
        for currency in sorted({currency for currency, _ in numbers})
    }


def suggestions(session: Session, found: Sequence[Waiting]) -> dict[int, list[clues.Suggestion]]:
    """Whose it may be, by payment, best first; the payments are all of the tenant in scope."""
    country = tenancy.tenant(session).country
    return clues.suggest(
        session,
        {
            one.payment_id: clues.Clues(
                one.amount_minor, one.currency, one.texts, one.payer, one.payer_account, country
            )
            for one in found
        },
    )


def assign(session: Session, payment_id: int, account_ids: Collection[int], *, actor: str) -> None:
    """A person says which debts waiting money is for: it pays them as if it had been known from the start.

    Raises NotFound, UserError on accounts that do not belong together, Conflict where nothing of the payment
    waits or a part of it has paid another debtor's debts.
    """
    tenant = scope_of(session).tenant()
    debts = of_one_debtor(session, account_ids, _currency_of(session, payment_id))
    if not debts:
        raise UserError("choose an account", field="accounts")
    payment = payment_that_waits(session, payment_id)
    debtor = debts[0].debtor_id
    if payment.debtor_id not in (None, debtor) and payment.state != "suspense":
        raise Conflict("a part of this payment has paid another debtor's debts: it cannot be moved")
    kept = set(payment.account_ids) if payment.debtor_id == debtor else set()
    payment.debtor_id = debtor
    payment.account_ids = sorted({*kept, *(debt.account_id for debt in debts)})
    earned = booking.rates_of(session, debts, payment.received_at)
    payment.rates = {**(payment.rates if kept else {}), **earned}
    session.flush()
    group = booking.Group.load(session, debtor, payment.currency)
    at = clock.now()
    touched = group.move(session, trigger=f"assign:{payment.id}:{at.isoformat()}", at=at, about=None)
    promises.review(session, touched)
    events.publish(session, PaymentBooked(payment.id, tuple(sorted(touched))))
    audit.record(
        session, "payments.assign", f"payment:{payment.id}", actor=actor, tenant_id=tenant,
        accounts=payment.account_ids,
    )  # fmt: skip


def _currency_of(session: Session, payment_id: int) -> str:
    query = select(Payment.currency).where(
        Payment.tenant_id == scope_of(session).tenant(), Payment.id == payment_id
    )
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such payment")
    return found


def payment_that_waits(session: Session, payment_id: int) -> Payment:
    """The payment, its row held. Raises NotFound, Conflict where nothing of it waits."""
    payment = held_payment(session, payment_id)
    if payment.kind in PAID_TO_CREDITOR or not left_over(session, [payment.id]).get(payment.id):
        raise Conflict("nothing of this payment waits any more")
    return payment


def held_payment(session: Session, payment_id: int) -> Payment:
    """The payment of the tenant in scope, its row held. Raises NotFound."""
    payment = session.execute(
        select(Payment)
        .where(Payment.tenant_id == scope_of(session).tenant(), Payment.id == payment_id)
        .with_for_update()
    ).scalar_one_or_none()
    if payment is None:
        raise NotFound("no such payment")
    return payment


def left_over(session: Session, payment_ids: Collection[int]) -> dict[int, int]:
    """What of these payments of the tenant in scope lies in suspense."""
    amount = func.sum(Allocation.amount_minor)
    rows = session.execute(
        select(Allocation.payment_id, amount)
        .where(
            Allocation.tenant_id == scope_of(session).tenant(),
            Allocation.payment_id.in_(list(payment_ids)),
            Allocation.account_id.is_(None),
        )
        .group_by(Allocation.payment_id)
        .having(amount > 0)
    )
    return {payment: int(left) for payment, left in rows}
