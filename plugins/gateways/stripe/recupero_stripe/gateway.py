"""Stripe: a payment link per charge, made by a worker, and its signed events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import stripe

from recupero_sdk.gateways import (
    Charge,
    ChargeRequest,
    GatewayRefused,
    GatewayUnavailable,
    InvalidSignature,
    PaymentEvent,
    SavedCharge,
    SavedChargeRequest,
    SavedMethod,
    SetupRequest,
    StaleEvent,
)
from recupero_sdk.settings import PluginConfig, Setting
from recupero_stripe import saved
from recupero_stripe.amounts import minimum, step, to_stripe
from recupero_stripe.events import translate
from recupero_stripe.record import recorded

API_VERSION = "2026-10-28.endive"
MAX_AGE = timedelta(minutes=5)
SIGNATURE = "Stripe-Signature"


class StripeGateway:
    """Talks to Stripe with the creditor's own key, on behalf of a connected account (`account`), or for it:
    with `destination` the money goes to that account and the agency's fee stays (destination charge)."""

    key = "stripe"
    settings: Sequence[Setting] = (
        Setting("api_key", "Secret or restricted API key", required=True, secret=True),
        Setting("webhook_secret", "Signing secret of the webhook endpoint", required=True, secret=True),
        Setting("account", "Connected account (acct_…)"),
        Setting(
            "destination", "Connect: the creditor's account that is paid, less the agency's fee (acct_…)"
        ),
        Setting("api_base", "Address of the API, for tests"),
    )

    def create_charge(self, request: ChargeRequest, config: PluginConfig) -> Charge:
        """A payment link that ends after one completed session. Its metadata is copied to the session."""
        metadata = dict(request.metadata)
        params: Any = {
            "line_items": [
                {
                    "price_data": {
                        "currency": request.currency.lower(),
                        "unit_amount": to_stripe(request.amount_minor, request.currency),
                        "product_data": {"name": request.description},
                    },
                    "quantity": 1,
                }
            ],
            "restrictions": {"completed_sessions": {"limit": 1}},
            "after_completion": {"type": "redirect", "redirect": {"url": request.success_url}},
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            **_split(request, config),
        }
        with _errors():
            link = _client(config).v1.payment_links.create(
                params, options={"idempotency_key": request.idempotency_key}
            )
        return Charge(link.id, link.url, _fee(request) if config.get("destination") else 0)

    def cancel_charge(self, reference: str, config: PluginConfig) -> None:
        """Deactivate the link; doing so twice changes nothing."""
        with _errors():
            _client(config).v1.payment_links.update(reference, {"active": False})

    def pays_creditor(self, config: PluginConfig) -> bool:
        """Where a destination account is set."""
        return bool(config.get("destination"))

    def recorded(self, config: PluginConfig, *, since: datetime) -> Iterator[PaymentEvent]:
        """Charges, refunds, disputes and payouts as Stripe lists them."""
        with _errors():
            yield from recorded(_client(config), since)

    def minimum_minor(self, currency: str) -> int:
        """Stripe's smallest charge."""
        return minimum(currency)

    def step_minor(self, currency: str) -> int:
        """Tens of a currency with three decimals (https://docs.stripe.com/currencies#three-decimal)."""
        return step(currency)

    def ask_consent(self, request: SetupRequest, config: PluginConfig) -> Charge:
        """A checkout session in set-up mode."""
        with _errors():
            return saved.ask(_client(config), request, on_behalf_of=config.get("destination"))

    def saved_method(self, reference: str, config: PluginConfig) -> SavedMethod | None:
        """The card of a set-up intent (`seti_…`), or a payment method (`pm_…`) as it stands."""
        with _errors():
            return saved.method(_client(config), reference)

    def charge_saved(self, request: SavedChargeRequest, config: PluginConfig) -> SavedCharge:
        """A payment intent, confirmed off-session."""
        with _errors():
            return saved.charge(
                _client(config), request, _split(request, config),
                _fee(request) if config.get("destination") else 0,
            )  # fmt: skip

    def forget(self, method: str, config: PluginConfig) -> None:
        """Detach the payment method."""
        with _errors():
            saved.forget(_client(config), method)

    def read_event(
        self, body: bytes, headers: Mapping[str, str], config: PluginConfig, *, now: datetime
    ) -> PaymentEvent:
        """Check Stripe's signature, then its age against `now`, and translate."""
        header = headers.get(SIGNATURE, "")
        try:
            stripe.WebhookSignature.verify_header(body, header, config.get("webhook_secret"), tolerance=None)
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise InvalidSignature("the Stripe signature does not match") from error
        stamp = int(dict(part.split("=", 1) for part in header.split(",") if "=" in part)["t"])
        if abs(now.timestamp() - stamp) > MAX_AGE.total_seconds():
            raise StaleEvent("the event was signed more than five minutes ago")
        return translate(_event(body))

    def raw_event_id(self, body: bytes) -> str:
        """`evt_…`. Raises StaleEvent on a body that is no event."""
        return str(_event(body)["id"])


def _split(request: ChargeRequest | SavedChargeRequest, config: PluginConfig) -> dict[str, Any]:
    """A destination charge: https://docs.stripe.com/connect/destination-charges."""
    destination = config.get("destination")
    if not destination:
        return {}
    fee = to_stripe(_fee(request), request.currency)
    return {
        "transfer_data": {"destination": destination},
        "on_behalf_of": destination,
        **({"application_fee_amount": fee} if fee else {}),
    }


def _fee(request: ChargeRequest | SavedChargeRequest) -> int:
    """The agency's fee without what is too small for Stripe."""
    return request.fee_minor - request.fee_minor % step(request.currency)


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError as error:
        raise StaleEvent("the body is no JSON") from error
    if not isinstance(event, dict) or not event.get("id") or "data" not in event:
        raise StaleEvent("the body is no Stripe event")
    return event


def _client(config: PluginConfig) -> stripe.StripeClient:
    """Two quick retries by the SDK itself carry the same idempotency key; longer outages wait in the job."""
    if not config.get("api_key"):
        raise GatewayRefused("Stripe: fill in the setting api_key")
    base = config.get("api_base")
    return stripe.StripeClient(
        config.get("api_key"),
        stripe_account=config.get("account") or None,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else None,
        max_network_retries=2,
    )


@contextmanager
def _errors() -> Iterator[None]:
    """Stripe's errors in the SDK's two kinds: try again later, or a person must look."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise GatewayUnavailable(type(error).__name__) from error
    except stripe.StripeError as error:
        if error.http_status is None or error.http_status >= 500 or error.http_status in {409, 429}:
            raise GatewayUnavailable(type(error).__name__) from error
        raise GatewayRefused(f"Stripe: {error.code or type(error).__name__}") from error
