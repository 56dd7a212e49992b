"""Events of payment providers as `door` stored them: worked later, in any order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs
from recupero.kernel.database import Scope, scope_of
from recupero.kernel.money import is_currency
from recupero.payments.books import refunds
from recupero.payments.books.booking import Received, book_payment, reverse_payment
from recupero.payments.charging import mandates
from recupero.payments.gateways import charges, gateways
from recupero.payments.incoming_tables import GatewayPayout
from recupero.payments.tables import Charge, PaymentLink, ProviderEvent
from recupero_sdk.gateways import PaymentEvent, PaymentEventKind

_REVERSALS = {
    PaymentEventKind.REFUNDED: "refund",
    PaymentEventKind.DISPUTED: "dispute",
    PaymentEventKind.DISPUTE_LOST: "dispute",
    PaymentEventKind.DISPUTE_WON: "dispute_won",
    PaymentEventKind.REFUND_FAILED: refunds.FAILED,
}
_PAYOUTS = {PaymentEventKind.PAYOUT_PAID: "paid", PaymentEventKind.PAYOUT_FAILED: "failed"}


def waiting_events(session: Session, *, after: int, limit: int) -> Sequence[int]:
    """Events of the tenant in scope that nobody has worked, in the order in which they came."""
    query = select(ProviderEvent.id).where(
        ProviderEvent.tenant_id == scope_of(session).tenant(),
        ProviderEvent.state == "received",
        ProviderEvent.id > after,
    )
    return session.execute(query.order_by(ProviderEvent.id).limit(limit)).scalars().all()


def put_apart(session: Session, event_id: int) -> None:
    """An event whose booking failed has a job of its own from now on: later ones do not wait for it."""
    session.execute(
        update(ProviderEvent)
        .where(ProviderEvent.id == event_id, ProviderEvent.state == "received")
        .values(state="failing")
    )
    jobs.enqueue(session, "payments.process_event", queue="urgent", event_id=event_id)


def forgotten(session: Session, before: datetime) -> list[Scope]:
    """The scopes of events that were stored before a moment and still wait."""
    rows = session.execute(
        select(ProviderEvent.agency_id, ProviderEvent.tenant_id)
        .where(ProviderEvent.state == "received", ProviderEvent.received_at < before)
        .distinct()
    )
    return [Scope(agency, (tenant,)) for agency, tenant in rows]


def process_event(session: Session, event_id: int) -> None:
    """Book a stored event of the tenant in scope; its state and what came of it are in the same transaction.

    An event that cannot be booked as it stands ends `refused` with a note for a person; nothing is lost.
    """
    stored = session.execute(
        select(ProviderEvent)
        .where(ProviderEvent.id == event_id, ProviderEvent.tenant_id == scope_of(session).tenant())
        .with_for_update()
    ).scalar_one()
    if stored.state not in {"received", "failing"}:
        return
    gateway, config = gateways.open_gateway(session, stored.gateway)
    event = gateway.read_event(stored.body.encode(), stored.headers, config, now=stored.received_at)
    state, note = work(session, stored.gateway, event)
    session.execute(
        update(ProviderEvent)
        .where(ProviderEvent.id == event_id)
        .values(state=state, note=note, processed_at=clock.now())
    )


def work(session: Session, gateway_key: str, event: PaymentEvent) -> tuple[str, str | None]:
    """Do what an event of the tenant in scope says, once: `done` or `refused`, and what to note."""
    if event.kind is PaymentEventKind.IGNORED:
        return "done", "says nothing about our charges"
    if event.kind in mandates.EVENTS:
        return mandates.take_event(session, gateway_key, event)
    if not is_currency(event.currency):
        return "refused", f"unknown currency {event.currency!r}"
    if event.kind in _REVERSALS:
        return _go_back(session, gateway_key, event)
    if event.kind in _PAYOUTS:
        return _pay_out(session, gateway_key, event)
    found = _charge_of(session, gateway_key, event)
    if found is None:
        return "refused", "names no charge of this creditor"
    if event.kind is PaymentEventKind.SUCCEEDED:
        return _pay(session, gateway_key, event, found)
    if found.state in charges.OPEN:
        found.state = "pending" if event.kind is PaymentEventKind.PENDING else "failed"
    return "done", None


def _charge_of(session: Session, gateway_key: str, event: PaymentEvent) -> Charge | None:
    """The charge by the provider's reference, else by our own number in the metadata; of this tenant only."""
    tenant, number = scope_of(session).tenant(), event.metadata.get("recupero_charge", "")
    ours = event.metadata.get("recupero_tenant") == str(tenant) and number.isdecimal()
    by = (
        Charge.reference == event.charge_reference
        if event.charge_reference
        else Charge.id == int(number or 0)
    )
    if not event.charge_reference and not ours:
        return None
    return session.execute(
        select(Charge).where(Charge.tenant_id == tenant, Charge.gateway == gateway_key, by).with_for_update()
    ).scalar_one_or_none()


def _pay(session: Session, gateway_key: str, event: PaymentEvent, found: Charge) -> tuple[str, str | None]:
    """Book what came in. An amount or currency that nobody asked for goes to suspense: a person looks."""
    if event.payment_reference is None or event.amount_minor <= 0:
        return "refused", "a payment without reference or amount"
    link = session.get_one(PaymentLink, (found.tenant_id, found.link_id))
    asked, came = (found.amount_minor, found.currency), (event.amount_minor, event.currency)
    note = None if asked == came else f"asked {asked[0]} {asked[1]}, received {came[0]} {came[1]}"
    received = Received(
        external_key=f"{gateway_key}:{event.payment_reference}",
        kind="connect" if found.mode == "connect" else "gateway",
        amount_minor=event.amount_minor, currency=event.currency, received_at=event.occurred_at,
        debtor_id=link.debtor_id, account_ids=link.account_ids, gateway=gateway_key, link_id=link.id,
        charge_id=found.id, note=note,
        fee_taken_minor=found.fee_minor if found.mode == "connect" else 0,
    )  # fmt: skip
    found.state = "paid"
    session.flush()
    booked = book_payment(session, received if note is None else replace(received, account_ids=[]))
    return "done", note if booked is not None else "booked already"


def _go_back(session: Session, gateway_key: str, event: PaymentEvent) -> tuple[str, str | None]:
    if event.payment_reference is None:
        return "refused", "a reversal that names no payment"
    failed = event.kind is PaymentEventKind.REFUND_FAILED
    if failed and (not event.refund_reference or event.amount_minor <= 0):
        return "refused", "a failed refund without reference or amount"
    reverse_payment(
        session,
        payment_key=f"{gateway_key}:{event.payment_reference}",
        event_key=reversal_key(gateway_key, event),
        kind=_REVERSALS[event.kind],
        total_minor=event.amount_minor,
        occurred_at=event.occurred_at,
    )
    return "done", "a refund failed: pay it back another way" if failed else None


def reversal_key(gateway_key: str, event: PaymentEvent) -> str:
    """`Reversal.event_key`: several events tell of one refund that failed, and it fails once."""
    if event.kind is PaymentEventKind.REFUND_FAILED:
        return f"{gateway_key}:{event.refund_reference}:failed"
    return f"{gateway_key}:{event.event_id}"


def _pay_out(session: Session, gateway_key: str, event: PaymentEvent) -> tuple[str, str | None]:
    """Keep what the gateway sent to the bank; the latest that happened to a payout counts."""
    if event.payment_reference is None or event.amount_minor <= 0:
        return "refused", "a payout without reference or amount"
    values = {
        "tenant_id": scope_of(session).tenant(), "gateway": gateway_key, "reference": event.payment_reference,
        "amount_minor": event.amount_minor, "currency": event.currency, "state": _PAYOUTS[event.kind],
        "occurred_at": event.occurred_at,
    }  # fmt: skip
    told = insert(GatewayPayout).values(**values)
    session.execute(
        told.on_conflict_do_update(
            index_elements=["tenant_id", "gateway", "reference"],
            set_={"state": told.excluded.state, "occurred_at": told.excluded.occurred_at},
            # a payout that failed was reported as paid first: of two in one second, failed counts
            where=(GatewayPayout.occurred_at < told.excluded.occurred_at)
            | ((GatewayPayout.occurred_at == told.excluded.occurred_at) & (told.excluded.state == "failed")),
        )
    )
    return "done", "a payout to the bank account"
