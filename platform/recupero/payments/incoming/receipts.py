"""Money that a person says has come in: entered by one, approved by another, then booked."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.kernel.listing import Part, arranged_of
from recupero.kernel.money import is_currency
from recupero.payments.books.booking import Received, book_payment
from recupero.payments.incoming_tables import Receipt
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.tenancy import queries as tenancy

MEANS = ("transfer", "cash", "cheque")


def enter_receipt(
    session: Session,
    *,
    means: str,
    amount_minor: int,
    currency: str,
    received_on: date,
    account_ids: Collection[int] = (),
    reference: str = "",
    payer: str = "",
    actor: str,
) -> int:
    """Note a receipt of the tenant in scope for somebody else to approve; its id. Without accounts its money
    will wait in suspense.

    Raises UserError on unknown means or currency, an amount that is not positive, a day to come, or accounts
    of several debtors or another currency.
    """
    check(session, means=means, amount_minor=amount_minor, currency=currency, received_on=received_on)
    paid = of_one_debtor(session, account_ids, currency)
    receipt = Receipt(
        tenant_id=scope_of(session).tenant(), means=means, amount_minor=amount_minor, currency=currency,
        received_on=received_on, debtor_id=paid[0].debtor_id if paid else None,
        account_ids=[debt.account_id for debt in paid], reference=reference.strip() or None,
        payer=payer.strip() or None, state="entered", entered_by=actor, entered_at=clock.now(),
    )  # fmt: skip
    session.add(receipt)
    session.flush()
    _record(session, "enter_receipt", receipt, actor, amount_minor=amount_minor, currency=currency)
    return receipt.id


def check(session: Session, *, means: str, amount_minor: int, currency: str, received_on: date) -> None:
    """Whether the tenant in scope can have received this. Raises UserError at each field that is wrong."""
    faults = Faults()
    if means not in MEANS:
        faults.note(UserError("choose how the money came: %(known)s", field="means", known=", ".join(MEANS)))
    if amount_minor <= 0:
        faults.note(UserError("a payment needs an amount above zero", field="amount"))
    if not is_currency(currency):
        faults.note(
            UserError(
                "unknown currency '%(currency)s': use an ISO 4217 code such as CLP or EUR", field="currency",
                currency=currency,
            )
        )  # fmt: skip
    if received_on > clock.today(tenancy.tenant(session).timezone):
        faults.note(UserError("money cannot have come in on a day to come", field="received_on"))
    faults.tell()


def approve_receipt(session: Session, receipt_id: int, *, actor: str) -> int:
    """Book an entered receipt; the payment's id.

    Raises NotFound, Conflict where it was decided already or `actor` has entered it.
    """
    receipt = _locked(session, receipt_id)
    if actor == receipt.entered_by:
        raise Conflict("somebody else approves a receipt: you entered this one")
    payment_id = book_payment(
        session,
        Received(
            external_key=f"receipt:{receipt.id}", kind="manual", amount_minor=receipt.amount_minor,
            currency=receipt.currency, received_at=end_of(session, receipt.received_on),
            debtor_id=receipt.debtor_id, account_ids=receipt.account_ids,
            note=None if receipt.debtor_id else "nobody knows yet whose money it is",
        ),
    )  # fmt: skip
    if payment_id is None:
        raise Conflict("this receipt is booked already")
    receipt.payment_id = payment_id
    _decide(session, receipt, "approved", actor)
    return payment_id


def reject_receipt(session: Session, receipt_id: int, *, reason: str, actor: str) -> None:
    """Refuse an entered receipt. Raises NotFound, Conflict where it was decided, UserError without reason."""
    if not reason.strip():
        raise UserError("say why, for whoever entered it", field="reason")
    receipt = _locked(session, receipt_id)
    receipt.reason = reason.strip()
    _decide(session, receipt, "rejected", actor)


def receipts(
    session: Session, *, state: str | None = None, tenant_id: int | None = None, before: int | None = None,
    limit: int = 100, part: Part | None = None,
) -> Sequence[Receipt]:  # fmt: skip
    """Receipts of the tenants in scope, or of one of them, newest first or as the `part` says."""
    query = select(Receipt).where(Receipt.tenant_id.in_(scope_of(session).tenant_ids))
    for column, value in ((Receipt.state, state), (Receipt.tenant_id, tenant_id)):
        if value:
            query = query.where(column == value)
    if before:
        query = query.where(Receipt.id < before)
    by = {"day": Receipt.received_on, "means": Receipt.means, "amount": Receipt.amount_minor,
          "state": Receipt.state}  # fmt: skip
    key, tenants = (Receipt.tenant_id, Receipt.id), scope_of(session).tenant_ids
    found = arranged_of(query, key, tenants, by, part or Part(limit=limit), Receipt.id.desc())
    return session.execute(found).scalars().all()


def of_ids(session: Session, ids: Collection[int]) -> Sequence[Receipt]:
    """The receipts of these ids of the tenants in scope, in the order of their days."""
    query = select(Receipt).where(
        Receipt.tenant_id.in_(scope_of(session).tenant_ids), Receipt.id.in_(sorted(ids))
    )
    return session.execute(query.order_by(Receipt.received_on, Receipt.id)).scalars().all()


def of_one_debtor(session: Session, account_ids: Collection[int], currency: str) -> list[OpenDebt]:
    """The debts, where they are one debtor's and kept in `currency`. Raises UserError otherwise."""
    wanted = sorted(set(account_ids))
    found = debts_by_id(session, wanted)
    if len(found) != len(wanted):
        raise UserError("there is no such account of this creditor", field="accounts")
    if len({debt.debtor_id for debt in found}) > 1:
        raise UserError("choose accounts of one debtor", field="accounts")
    other = next((debt for debt in found if debt.currency != currency), None)
    if other is not None:
        raise UserError(
            "the account is kept in %(currency)s: send the amount in that currency",
            field="currency",
            currency=other.currency,
        )
    return found


def end_of(session: Session, day: date) -> datetime:
    """A day told without its hour counts at its end, or now where it is not over."""
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    return min(datetime.combine(day, time.max, zone), clock.now())


def _locked(session: Session, receipt_id: int) -> Receipt:
    receipt = session.execute(
        select(Receipt)
        .where(Receipt.tenant_id == scope_of(session).tenant(), Receipt.id == receipt_id)
        .with_for_update()
    ).scalar_one_or_none()
    if receipt is None:
        raise NotFound("no such receipt")
    if receipt.state != "entered":
        raise Conflict("somebody has decided about this receipt already")
    return receipt


def _decide(session: Session, receipt: Receipt, state: str, actor: str) -> None:
    receipt.state, receipt.decided_by, receipt.decided_at = state, actor, clock.now()
    session.flush()
    _record(session, f"receipt_{state}", receipt, actor)


def _record(session: Session, what: str, receipt: Receipt, actor: str, **details: Any) -> None:
    audit.record(
        session, f"payments.{what}", f"receipt:{receipt.id}", actor=actor, tenant_id=receipt.tenant_id,
        **details,
    )  # fmt: skip
