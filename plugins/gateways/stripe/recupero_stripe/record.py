"""What Stripe has on record, read page by page and told as events: charges with their balance transaction
(Stripe's fee), refunds, disputes, payouts.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from recupero_sdk.gateways import PaymentEvent, PaymentEventKind
from recupero_stripe.amounts import from_stripe
from recupero_stripe.events import has_failed, is_inquiry, metadata_of

PAGE = 100
DISPUTED_FOR = timedelta(days=120)  # a dispute that was opened this long ago may still be decided


def recorded(client: stripe.StripeClient, since: datetime) -> Iterator[PaymentEvent]:
    """Payments first, then what went back, then payouts."""
    yield from _payments(client, since)
    yield from _refunds(client, since)
    yield from _disputes(client, since - DISPUTED_FOR)
    yield from _payouts(client, since)


def _pages(service: Any, since: datetime, *expand: str) -> Iterator[dict[str, Any]]:
    params = {"created": {"gte": int(since.timestamp())}, "limit": PAGE, "expand": list(expand)}
    for found in service.list({name: value for name, value in params.items() if value}).auto_paging_iter():
        yield found.to_dict()


def _payments(client: stripe.StripeClient, since: datetime) -> Iterator[PaymentEvent]:
    for charge in _pages(client.v1.charges, since, "data.balance_transaction"):
        if charge["paid"] and charge["status"] == "succeeded":
            yield _event(charge, f"{charge['id']}:paid", PaymentEventKind.SUCCEEDED, charge["amount"],
                         booked=charge.get("balance_transaction"))  # fmt: skip


def _refunds(client: stripe.StripeClient, since: datetime) -> Iterator[PaymentEvent]:
    """Newest first, so that the sum of all refunds shrinks by each that is read. It holds one that failed
    from the day it was made until it failed."""
    totals: dict[str, int] = {}
    failed: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    listed = list(_pages(client.v1.refunds, since, "data.charge", "data.failure_balance_transaction"))
    for refund in listed:
        charge = refund.get("charge")
        if isinstance(charge, dict) and has_failed(refund):
            failed[charge["id"]].append((refund["created"], _failed_at(refund), refund["amount"]))
    for refund in listed:
        charge = refund.get("charge")
        if not isinstance(charge, dict):
            continue
        thing = {**refund, "metadata": charge["metadata"], "payment_intent": charge["payment_intent"]}
        total = totals.setdefault(charge["id"], charge["amount_refunded"])
        if not has_failed(refund):
            totals[charge["id"]] = total - refund["amount"]
        made = refund["created"]
        total += sum(amount for since_, until, amount in failed[charge["id"]] if since_ <= made <= until)
        yield _event(thing, f"{refund['id']}:{total}", PaymentEventKind.REFUNDED, total)
        if has_failed(refund):
            yield _event({**thing, "created": _failed_at(refund)}, f"{refund['id']}:failed",
                         PaymentEventKind.REFUND_FAILED, refund["amount"], refund=refund["id"])  # fmt: skip


def _failed_at(refund: dict[str, Any]) -> int:
    """When its money came back to the account, as Unix time."""
    booked = refund.get("failure_balance_transaction")
    return int((booked if isinstance(booked, dict) else refund)["created"])


def _disputes(client: stripe.StripeClient, since: datetime) -> Iterator[PaymentEvent]:
    for dispute in _pages(client.v1.disputes, since):
        moves = dispute.get("balance_transactions") or []
        if is_inquiry(dispute) or dispute["status"] == "prevented":
            continue
        name, amount = dispute["id"], dispute["amount"]
        yield _event(dispute, f"{name}:opened", PaymentEventKind.DISPUTED, amount,
                     booked={"fee": sum(move["fee"] for move in moves), "currency": moves[0]["currency"]}
                     if moves else None)  # fmt: skip
        if dispute["status"] == "won":
            ended = max((move["created"] for move in moves), default=dispute["created"])
            yield _event({**dispute, "created": ended}, f"{name}:won", PaymentEventKind.DISPUTE_WON, amount)


def _payouts(client: stripe.StripeClient, since: datetime) -> Iterator[PaymentEvent]:
    kinds = {
        "paid": PaymentEventKind.PAYOUT_PAID,
        "failed": PaymentEventKind.PAYOUT_FAILED,
        "canceled": PaymentEventKind.PAYOUT_FAILED,
    }
    for payout in _pages(client.v1.payouts, since):
        if payout["status"] in kinds:
            name = f"{payout['id']}:{payout['status']}"
            yield _event(
                {**payout, "payment_intent": payout["id"]}, name, kinds[payout["status"]], payout["amount"]
            )


def _event(
    thing: dict[str, Any],
    name: str,
    kind: PaymentEventKind,
    amount: int,
    booked: Any = None,
    refund: str = "",
) -> PaymentEvent:
    """`booked` is the balance transaction, which tells Stripe's fee in the currency that it settles in."""
    currency = thing["currency"].upper()
    settled = booked["currency"].upper() if isinstance(booked, dict) else ""
    return PaymentEvent(
        event_id=name,
        kind=kind,
        charge_reference=None,
        payment_reference=thing.get("payment_intent"),
        amount_minor=from_stripe(amount, currency),
        currency=currency,
        occurred_at=datetime.fromtimestamp(thing["created"], UTC),
        metadata=metadata_of(thing),
        fee_minor=from_stripe(booked["fee"], settled) if settled else None,
        fee_currency=settled,
        refund_reference=refund,
    )
