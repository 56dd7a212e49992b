"""Cards that Stripe keeps, with their holders' consent, and charges without them (off-session).

https://docs.stripe.com/payments/save-and-reuse and https://docs.stripe.com/declines/codes
"""

from calendar import monthrange
from datetime import UTC, date, datetime
from typing import Any

import stripe

from recupero_sdk.gateways import Charge, Outcome, SavedCharge, SavedChargeRequest, SavedMethod, SetupRequest
from recupero_stripe.amounts import to_stripe

#: Declines after which a card is never tried again, whatever `advice_code` says.
_NEVER_AGAIN = frozenset(
    [
        "expired_card",
        "fraudulent",
        "invalid_account",
        "lost_card",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
    ]
)
_PAGE = 100
_MOST_TEXT = 1200  # characters that a page of Stripe takes beside its button


def ask(client: stripe.StripeClient, request: SetupRequest, *, on_behalf_of: str = "") -> Charge:
    """A page that saves a card and takes no money; the consent stands beside its button."""
    metadata = dict(request.metadata)
    params: Any = {
        "mode": "setup",
        "payment_method_types": ["card"],
        "customer_creation": "always",
        "custom_text": {"submit": {"message": request.consent[:_MOST_TEXT]}},
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "metadata": metadata,
        "setup_intent_data": {
            "metadata": metadata,
            **({"on_behalf_of": on_behalf_of} if on_behalf_of else {}),
        },
    }
    made = client.v1.checkout.sessions.create(params, options={"idempotency_key": request.idempotency_key})
    return Charge(made.id, made.url or "")


def method(client: stripe.StripeClient, reference: str) -> SavedMethod | None:
    """The card behind a set-up intent or a payment method; None where it is not there to be charged."""
    try:
        if reference.startswith("seti_"):
            setup = client.v1.setup_intents.retrieve(reference, {"expand": ["payment_method"]}).to_dict()
            return _saved(setup.get("payment_method")) if setup["status"] == "succeeded" else None
        return _saved(client.v1.payment_methods.retrieve(reference).to_dict())
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            return None
        raise


def _saved(found: Any) -> SavedMethod | None:
    if not isinstance(found, dict) or not found.get("customer"):
        return None
    card = found.get("card") or {}
    year, month = card.get("exp_year"), card.get("exp_month")
    expires = date(year, month, monthrange(year, month)[1]) if year and month else None
    return SavedMethod(
        found["customer"], found["id"], card.get("brand") or "", card.get("last4") or "", expires
    )


def charge(
    client: stripe.StripeClient, request: SavedChargeRequest, split: dict[str, Any], fee_minor: int
) -> SavedCharge:
    """Charge it now. A card that is declined is an answer; what nobody can know is an error."""
    if request.again and (before := _made_before(client, request)) is not None:
        return _told(before, fee_minor)
    params: Any = {
        "amount": to_stripe(request.amount_minor, request.currency),
        "currency": request.currency.lower(),
        "customer": request.customer,
        "payment_method": request.method,
        "payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "description": request.description,
        "metadata": dict(request.metadata),
        **split,
    }
    options: Any = {"idempotency_key": request.idempotency_key}
    try:
        made = client.v1.payment_intents.create(params, options=options).to_dict()
    except stripe.CardError as error:
        return _refused(_error_of(error))
    except stripe.InvalidRequestError as error:
        if error.param in {"payment_method", "customer"}:  # detached, or its customer deleted
            return SavedCharge(Outcome.GONE, reason=error.code or "payment_method")
        raise
    return _told(made, fee_minor)


def _made_before(client: stripe.StripeClient, request: SavedChargeRequest) -> dict[str, Any] | None:
    """The payment intent of the same charge: Stripe forgets idempotency keys after a day, never a payment."""
    number = request.metadata.get("recupero_charge")
    listed = client.v1.payment_intents.list({"customer": request.customer, "limit": _PAGE})
    for one in listed.auto_paging_iter():
        found = one.to_dict()
        if (found.get("metadata") or {}).get("recupero_charge") == number:
            return found
    return None


def _told(intent: dict[str, Any], fee_minor: int) -> SavedCharge:
    """What a payment intent says of itself."""
    at = datetime.fromtimestamp(intent["created"], UTC)
    match intent["status"]:
        case "succeeded":
            return SavedCharge(Outcome.SUCCEEDED, intent["id"], at, fee_minor=fee_minor)
        case "processing":
            return SavedCharge(Outcome.PENDING, intent["id"], at, fee_minor=fee_minor)
        case "requires_action":
            return SavedCharge(Outcome.NEEDS_PAYER, reason="requires_action")
        case _:
            return _refused(intent.get("last_payment_error") or {})


def _error_of(error: stripe.CardError) -> dict[str, Any]:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    found: dict[str, Any] = body.get("error") or {}
    return found


def _refused(error: dict[str, Any]) -> SavedCharge:
    """Why the card's bank said no, and whether it may be asked again."""
    reason = str(error.get("decline_code") or error.get("code") or "card_declined")
    if "authentication_required" in (error.get("code"), error.get("decline_code")):
        return SavedCharge(Outcome.NEEDS_PAYER, reason="authentication_required")
    never = reason in _NEVER_AGAIN or error.get("code") in _NEVER_AGAIN
    if never or error.get("advice_code") == "do_not_try_again":
        return SavedCharge(Outcome.GONE, reason=reason)
    return SavedCharge(Outcome.DECLINED, reason=reason)


def forget(client: stripe.StripeClient, reference: str) -> None:
    """Detach it; one that is detached already stays so."""
    if method(client, reference) is not None:
        client.v1.payment_methods.detach(reference)
