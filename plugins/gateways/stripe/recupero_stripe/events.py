"""Stripe's events in the platform's words."""

from datetime import UTC, datetime
from typing import Any

from recupero_sdk.gateways import PaymentEvent, PaymentEventKind
from recupero_stripe.amounts import from_stripe

_WON = {"won", "warning_closed"}


def translate(event: dict[str, Any]) -> PaymentEvent:
    """A verified Stripe event. Types that say nothing about our charges become IGNORED."""
    thing = event["data"]["object"]
    kind, amount = _meaning(event["type"], thing)
    currency = str(thing.get("currency") or "").upper()
    session = thing.get("object") == "checkout.session"
    payment = thing["id"] if thing.get("object") == "payment_intent" else thing.get("payment_intent")
    return PaymentEvent(
        event_id=event["id"],
        kind=kind,
        charge_reference=thing.get("payment_link") if session else None,
        payment_reference=payment["id"] if isinstance(payment, dict) else payment,
        amount_minor=from_stripe(amount, currency) if kind is not PaymentEventKind.IGNORED else 0,
        currency=currency,
        occurred_at=datetime.fromtimestamp(event["created"], UTC),
        metadata={str(name): str(value) for name, value in (thing.get("metadata") or {}).items()},
    )


def _meaning(kind: str, thing: dict[str, Any]) -> tuple[PaymentEventKind, int]:
    """What the event says, and the amount it speaks of in Stripe's units."""
    total, amount = thing.get("amount_total") or 0, thing.get("amount") or 0
    match kind:
        case "checkout.session.completed" if thing.get("payment_status") == "paid":
            return PaymentEventKind.SUCCEEDED, total
        case "checkout.session.completed":
            return PaymentEventKind.PENDING, total
        case "checkout.session.async_payment_succeeded":
            return PaymentEventKind.SUCCEEDED, total
        case "checkout.session.async_payment_failed":
            return PaymentEventKind.FAILED, total
        case "payment_intent.payment_failed":
            return PaymentEventKind.FAILED, amount
        case "charge.refunded":
            return PaymentEventKind.REFUNDED, thing.get("amount_refunded") or 0
        case "charge.dispute.created":
            return PaymentEventKind.DISPUTED, amount
        case "charge.dispute.closed" if thing.get("status") in _WON:
            return PaymentEventKind.DISPUTE_WON, amount
        case "charge.dispute.closed":
            return PaymentEventKind.DISPUTE_LOST, amount
        case _:
            return PaymentEventKind.IGNORED, 0
