"""Stripe's events in the platform's words."""

from datetime import UTC, datetime
from typing import Any

from recupero_sdk.gateways import PaymentEvent, PaymentEventKind
from recupero_stripe.amounts import from_stripe

_WITHOUT_MONEY = {PaymentEventKind.IGNORED, PaymentEventKind.METHOD_SAVED, PaymentEventKind.METHOD_GONE}
#: In the metadata of a charge of a saved card: no checkout session tells of it, only its payment intent.
WITHOUT_PAYER = "recupero_instalment"
_GIVEN_BACK = {"won", "warning_closed"}


def translate(event: dict[str, Any]) -> PaymentEvent:
    """A verified Stripe event. Types that say nothing about our charges become IGNORED."""
    thing = event["data"]["object"]
    kind, amount = _meaning(event["type"], thing)
    currency = str(thing.get("currency") or "").upper()
    session = thing.get("object") == "checkout.session"
    # a charge without the payer is answered at once, too: both name the moment in which it was asked for
    at = thing if event["type"] == "payment_intent.succeeded" else event
    return PaymentEvent(
        event_id=event["id"],
        kind=kind,
        charge_reference=thing.get("payment_link") if session else None,
        payment_reference=_reference(thing),
        amount_minor=0 if kind in _WITHOUT_MONEY else from_stripe(amount, currency),
        currency=currency,
        occurred_at=datetime.fromtimestamp(at["created"], UTC),
        metadata=metadata_of(thing),
        refund_reference=str(thing["id"]) if kind is PaymentEventKind.REFUND_FAILED else "",
    )


def metadata_of(thing: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in (thing.get("metadata") or {}).items()}


def is_inquiry(dispute: dict[str, Any]) -> bool:
    """A question by the card's bank: no money moves (https://docs.stripe.com/disputes/how-disputes-work)."""
    return str(dispute.get("status")).startswith("warning_")


def has_failed(refund: dict[str, Any]) -> bool:
    """Its money is with the account again (https://docs.stripe.com/refunds#failed-refunds)."""
    return refund.get("status") in {"failed", "canceled"}


def _reference(thing: dict[str, Any]) -> str | None:
    """The payment intent that the thing is or belongs to; a payout's or card's own id; a set-up's intent."""
    if thing.get("object") in {"payment_intent", "payout", "payment_method"}:
        return str(thing["id"])
    if thing.get("mode") == "setup":
        return thing.get("setup_intent")
    found = thing.get("payment_intent")
    return found["id"] if isinstance(found, dict) else found


def _meaning(kind: str, thing: dict[str, Any]) -> tuple[PaymentEventKind, int]:
    """What the event says, and the amount it speaks of in Stripe's units."""
    amount = thing.get("amount") or 0
    family, _, what = kind.rpartition(".")
    if family == "checkout.session":
        return _session(what, thing), thing.get("amount_total") or 0
    if family == "charge.dispute":
        return _dispute(what, thing), amount
    match kind:
        case "payment_intent.payment_failed":
            return PaymentEventKind.FAILED, amount
        case "payment_intent.succeeded" if WITHOUT_PAYER in metadata_of(thing):
            return PaymentEventKind.SUCCEEDED, amount
        case "payment_method.detached":
            return PaymentEventKind.METHOD_GONE, 0
        case "charge.refunded":
            return PaymentEventKind.REFUNDED, thing.get("amount_refunded") or 0
        case "refund.failed":
            return PaymentEventKind.REFUND_FAILED, amount
        case "refund.updated" | "charge.refund.updated" if has_failed(thing):
            return PaymentEventKind.REFUND_FAILED, amount
        case "payout.paid":
            return PaymentEventKind.PAYOUT_PAID, amount
        case "payout.failed" | "payout.canceled":
            return PaymentEventKind.PAYOUT_FAILED, amount
        case _:  # also other words of a refund: charge.refunded says the sum of all refunds
            return PaymentEventKind.IGNORED, 0


def _session(what: str, session: dict[str, Any]) -> PaymentEventKind:
    if session.get("mode") == "setup":
        return PaymentEventKind.METHOD_SAVED if what == "completed" else PaymentEventKind.IGNORED
    if what == "completed":
        paid = session.get("payment_status") == "paid"
        return PaymentEventKind.SUCCEEDED if paid else PaymentEventKind.PENDING
    known = {
        "async_payment_succeeded": PaymentEventKind.SUCCEEDED,
        "async_payment_failed": PaymentEventKind.FAILED,
    }
    return known.get(what, PaymentEventKind.IGNORED)


def _dispute(what: str, dispute: dict[str, Any]) -> PaymentEventKind:
    if what == "closed":
        won = dispute.get("status") in _GIVEN_BACK
        return PaymentEventKind.DISPUTE_WON if won else PaymentEventKind.DISPUTE_LOST
    if what == "created" and not is_inquiry(dispute):
        return PaymentEventKind.DISPUTED
    known = {
        "funds_withdrawn": PaymentEventKind.DISPUTED,
        "funds_reinstated": PaymentEventKind.DISPUTE_WON,
    }
    return known.get(what, PaymentEventKind.IGNORED)
