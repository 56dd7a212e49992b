"""Tasks to pay back what no debt takes: opened as money moves or by a person; done, or dismissed."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.payments.books import booking
from recupero.payments.books.refunds import FAILED, refunds_of
from recupero.payments.events import PaymentBooked, PaymentReversed, PaymentsBooked
from recupero.payments.incoming.suspense import held_payment, left_over, payment_that_waits
from recupero.payments.incoming_tables import RefundTask
from recupero.payments.tables import PAID_TO_CREDITOR, Allocation, Payment, Reversal

REFUND_MEANS = ("transfer", "cash", "cheque", "gateway")


def review_tasks(session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked) -> None:
    """Money moved: what a known debtor has over is to be paid back, what a debt took is not any more."""
    payments = _concerned(session, event)
    if not payments:
        return
    tasks = session.execute(
        select(RefundTask).where(
            RefundTask.tenant_id == scope_of(session).tenant(), RefundTask.payment_id.in_(list(payments)),
            RefundTask.state == "open",
        )
    ).scalars()  # fmt: skip
    known = {task.payment_id: task for task in tasks}
    due = _due_back(session, payments.values())
    for payment_id, task in known.items():
        if payment_id in due:
            task.amount_minor, task.failed_minor = due[payment_id]
        else:
            task.state, task.closed_at, task.closed_by = "void", clock.now(), "system"
    new = sorted(due.keys() - known.keys())
    dismissed = _dismissed(session, new) if new else {}
    for payment_id in new:
        if due[payment_id].amount_minor <= dismissed.get(payment_id, 0):
            continue
        # it was meant for debts and is more than they are, or a refund of it did not arrive
        if payments[payment_id].account_ids or due[payment_id].failed_minor:
            _open_task(session, payments[payment_id], due[payment_id], "system")


def _concerned(
    session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked
) -> dict[int, Payment]:
    """Payments of the debtors concerned with money that waits, or waited when a task was opened, or of which
    a refund failed. Found by debtor, and each looked at alone: a booking must not cost more the more payments
    a creditor has."""
    tenant = scope_of(session).tenant()
    waits = (
        select(func.sum(Allocation.amount_minor))
        .where(
            Allocation.tenant_id == tenant, Allocation.payment_id == Payment.id,
            Allocation.account_id.is_(None),
        )
        .correlate(Payment)
        .scalar_subquery()
    )  # fmt: skip
    asked = exists().where(
        RefundTask.tenant_id == tenant, RefundTask.payment_id == Payment.id, RefundTask.state == "open"
    )
    failed = exists().where(
        Reversal.tenant_id == tenant, Reversal.payment_key == Payment.external_key, Reversal.kind == FAILED
    )
    if isinstance(event, PaymentsBooked):
        concerned: ColumnElement[bool] = Payment.debtor_id.in_(event.debtor_ids)
    else:
        moved = aliased(Payment)
        debtor = select(moved.debtor_id).where(moved.tenant_id == tenant, moved.id == event.payment_id)
        concerned = (Payment.debtor_id == debtor.scalar_subquery()) | (Payment.id == event.payment_id)
    rows = session.execute(
        select(Payment).where(
            Payment.tenant_id == tenant,
            concerned,
            (Payment.kind.not_in(PAID_TO_CREDITOR) & (waits > 0)) | asked | failed,
        )
    )
    return {one.id: one for one in rows.scalars()}


def ask_refund(session: Session, payment_id: int, *, actor: str = "system") -> int:
    """Open a task to pay back what of a payment waits; its id. One that is open already stays.

    Raises NotFound, Conflict where nothing waits.
    """
    payment = payment_that_waits(session, payment_id)
    return _open_task(session, payment, _due_back(session, [payment])[payment_id], actor)


class _Due(NamedTuple):
    """What of a payment is to be paid back, and what of that was refunded and did not arrive."""

    amount_minor: int
    failed_minor: int


def _due_back(session: Session, payments: Collection[Payment]) -> dict[int, _Due]:
    """What of each payment of the tenant in scope is to be paid back; those of which nothing is, left out."""
    ours = [one.id for one in payments if one.kind not in PAID_TO_CREDITOR]
    left, facts = left_over(session, ours), _facts_of(session, payments)
    found = {}
    for one in payments:
        held = one.amount_minor - one.refunded_minor - one.charged_back_minor
        failed = min(refunds_of(facts[one.external_key]).to_retry_minor, held)
        if amount := max(left.get(one.id, 0), failed):
            found[one.id] = _Due(amount, failed)
    return found


def _facts_of(session: Session, payments: Collection[Payment]) -> dict[str, list[Reversal]]:
    found: dict[str, list[Reversal]] = {one.external_key: [] for one in payments}
    rows = session.execute(
        select(Reversal).where(
            Reversal.tenant_id == scope_of(session).tenant(), Reversal.payment_key.in_(list(found)),
            Reversal.booked_at.is_not(None),
        )
    )  # fmt: skip
    for fact in rows.scalars():
        found[fact.payment_key].append(fact)
    return found


def _open_task(session: Session, payment: Payment, due: _Due, actor: str) -> int:
    session.execute(
        insert(RefundTask)
        .values(tenant_id=payment.tenant_id, payment_id=payment.id, amount_minor=due.amount_minor,
                failed_minor=due.failed_minor, currency=payment.currency, state="open",
                opened_at=clock.now())
        .on_conflict_do_nothing()
    )  # fmt: skip
    task = session.execute(
        select(RefundTask.id).where(
            RefundTask.tenant_id == payment.tenant_id, RefundTask.payment_id == payment.id,
            RefundTask.state == "open",
        )
    ).scalar_one()  # fmt: skip
    audit.record(
        session, "payments.ask_refund", f"payment:{payment.id}", actor=actor, tenant_id=payment.tenant_id,
        amount_minor=due.amount_minor, currency=payment.currency, failed_minor=due.failed_minor,
    )  # fmt: skip
    return task


def paid_back(session: Session, task_id: int, *, means: str, reference: str, actor: str) -> None:
    """Book that the money of a task was paid back, by the bank's or gateway's reference.

    Of a refund through the gateway the gateway tells, too; it counts once. Raises NotFound, Conflict
    where the task is closed, UserError without means or reference.
    """
    if means not in REFUND_MEANS:
        raise UserError(
            "choose how it was paid back: %(known)s", field="means", known=", ".join(REFUND_MEANS)
        )
    if not reference.strip():
        raise UserError("the bank's reference of the payment is needed", field="reference")
    task = _open(session, task_id)
    payment = held_payment(session, task.payment_id)
    due = _due_back(session, [payment]).get(payment.id)
    if due is None:
        raise Conflict("nothing of this payment waits any more")
    if means == "gateway" and payment.kind not in ("gateway", "connect"):
        raise UserError(
            "this money did not come through a gateway: it cannot go back through one", field="means"
        )
    task.amount_minor, task.failed_minor = due
    task.means, task.reference = means, reference.strip()
    task.state, task.closed_at, task.closed_by = "done", clock.now(), actor
    session.flush()
    kind = "refund" if means == "gateway" else "paid_back"
    booking.reverse_payment(
        session, payment_key=payment.external_key, event_key=f"refund_task:{task.id}",
        kind=kind, total_minor=due.amount_minor + _so_far(session, payment, kind), occurred_at=clock.now(),
    )  # fmt: skip
    audit.record(
        session, "payments.paid_back", f"payment:{payment.id}", actor=actor, tenant_id=payment.tenant_id,
        amount_minor=due.amount_minor, currency=payment.currency, means=means,
    )  # fmt: skip


def dismiss(session: Session, task_id: int, *, reason: str, actor: str) -> None:
    """Say why the money of a task is not paid back: it stays where it is, and no other task comes by itself
    unless there is more. Raises NotFound, Conflict where the task is closed, UserError without reason."""
    if not reason.strip():
        raise UserError("say why this is not paid back", field="reason")
    task = _open(session, task_id)
    task.state, task.reason = "dismissed", reason.strip()
    task.closed_at, task.closed_by = clock.now(), actor
    session.flush()
    audit.record(
        session, "payments.refund_dismissed", f"payment:{task.payment_id}", actor=actor,
        tenant_id=task.tenant_id, amount_minor=task.amount_minor, currency=task.currency, why=task.reason,
    )  # fmt: skip


def _open(session: Session, task_id: int) -> RefundTask:
    """The task, its row held."""
    task = session.execute(
        select(RefundTask)
        .where(RefundTask.tenant_id == scope_of(session).tenant(), RefundTask.id == task_id)
        .with_for_update()
    ).scalar_one_or_none()
    if task is None:
        raise NotFound("no such task")
    if task.state != "open":
        raise Conflict("this money is not to be paid back any more")
    return task


def _dismissed(session: Session, payment_ids: Collection[int]) -> dict[int, int]:
    """The most of each payment that somebody said is not paid back."""
    rows = session.execute(
        select(RefundTask.payment_id, func.max(RefundTask.amount_minor))
        .where(
            RefundTask.tenant_id == scope_of(session).tenant(), RefundTask.state == "dismissed",
            RefundTask.payment_id.in_(list(payment_ids)),
        )
        .group_by(RefundTask.payment_id)
    )  # fmt: skip
    return {payment: int(most) for payment, most in rows}


def _so_far(session: Session, payment: Payment, kind: str) -> int:
    """The sum that counts already, of refunds by the gateway less those that failed, or by the agency."""
    facts = _facts_of(session, [payment])[payment.external_key]
    kinds = {kind, FAILED} if kind == "refund" else {kind}
    return refunds_of(fact for fact in facts if fact.kind in kinds).total_minor


def tasks(session: Session, *, state: str = "open", limit: int = 200) -> Sequence[RefundTask]:
    """Tasks of the tenants in scope, oldest first."""
    query = select(RefundTask).where(
        RefundTask.tenant_id.in_(scope_of(session).tenant_ids), RefundTask.state == state
    )
    return session.execute(query.order_by(RefundTask.id).limit(limit)).scalars().all()
