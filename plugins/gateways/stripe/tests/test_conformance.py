"""The Stripe gateway proves what the SDK's kit asks of every gateway and of one that saves cards, through
Stripe's own library."""

import hmac
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from recupero_stripe.gateway import SIGNATURE, StripeGateway

from recupero_sdk.conformance.gateway import Mood
from recupero_sdk.conformance.saving import SavingConformance
from recupero_sdk.gateways import Charge, Outcome, PaymentEventKind, SavedMethod
from recupero_sdk.settings import PluginConfig

sys.path.insert(0, str(Path(__file__).parent))
from local_stripe import LocalStripe, serve

SECRET = "whsec_local"
_TYPES = {
    PaymentEventKind.SUCCEEDED: ("checkout.session.completed", "paid"),
    PaymentEventKind.FAILED: ("checkout.session.async_payment_failed", "unpaid"),
}


class TestConformance(SavingConformance):
    gateway = StripeGateway()
    readme = Path(__file__).parents[1] / "README.md"
    local: LocalStripe

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[PluginConfig]:
        with serve(mood) as self.local:
            yield PluginConfig(
                {"api_base": self.local.address}, {"api_key": "sk_test_local", "webhook_secret": SECRET}
            )

    def signed(
        self, kind: PaymentEventKind, config: PluginConfig, at: datetime
    ) -> tuple[bytes, Mapping[str, str]]:
        name, paid = _TYPES[kind]
        session = {
            "id": "cs_test_1",
            "object": "checkout.session",
            "amount_total": self.request.amount_minor,
            "currency": self.request.currency.lower(),
            "payment_link": "plink_1",
            "payment_intent": "pi_1",
            "payment_status": paid,
            "metadata": dict(self.request.metadata),
        }
        return _signed(name, session, at)

    def saved(self, outcome: Outcome, config: PluginConfig) -> SavedMethod:
        return self.local.save(outcome)

    def consented(self, page: Charge, config: PluginConfig, at: datetime) -> tuple[bytes, Mapping[str, str]]:
        session = {
            "id": page.reference,
            "object": "checkout.session",
            "mode": "setup",
            "setup_intent": self.local.agree(page.reference),
            "metadata": dict(self.setup.metadata),
        }
        return _signed("checkout.session.completed", session, at)


def _signed(name: str, session: dict[str, Any], at: datetime) -> tuple[bytes, Mapping[str, str]]:
    stamp = int(at.timestamp())
    event = {"id": "evt_1", "object": "event", "type": name, "created": stamp, "data": {"object": session}}
    body = json.dumps(event).encode()
    digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    return body, {SIGNATURE: f"t={stamp},v1={digest}"}
