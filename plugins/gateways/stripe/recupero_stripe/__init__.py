"""Registers the gateway `stripe`."""

from recupero_sdk import hookimpl
from recupero_sdk.gateways import Gateway
from recupero_stripe.gateway import StripeGateway


@hookimpl
def register_gateways() -> list[Gateway]:
    """Stripe."""
    return [StripeGateway()]
