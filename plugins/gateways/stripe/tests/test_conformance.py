"""The Stripe gateway proves what the SDK's kit asks of every gateway, through Stripe's own library."""

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from recupero_stripe.gateway import SIGNATURE, StripeGateway

from recupero_sdk.conformance.gateway import GatewayConformance, Mood
from recupero_sdk.gateways import PaymentEventKind
from recupero_sdk.settings import PluginConfig

SECRET = "whsec_local"
_TYPES = {
    PaymentEventKind.SUCCEEDED: ("checkout.session.completed", "paid"),
    PaymentEventKind.FAILED: ("checkout.session.async_payment_failed", "unpaid"),
}
_ERRORS = {"busy": (503, "api_error"), "refuses": (401, "invalid_request_error")}


@contextmanager
def serve(mood: Mood) -> Iterator[PluginConfig]:
    """A local server that answers as Stripe's payment links do, for the length of the block."""
    made: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = self._answer()
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Stripe-Should-Retry", "false")
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> tuple[int, dict[str, object]]:
            if mood in _ERRORS:
                status, kind = _ERRORS[mood]
                return status, {"error": {"type": kind, "message": "no"}}
            known = self.path.removeprefix("/v1/payment_links").strip("/")
            identity = known or made.setdefault(self.headers["Idempotency-Key"], f"plink_{len(made) + 1}")
            url = f"https://buy.stripe.com/{identity}"
            return 200, {"id": identity, "object": "payment_link", "url": url, "active": not known}

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    settings = {"api_base": f"http://127.0.0.1:{server.server_port}"}
    try:
        yield PluginConfig(settings, {"api_key": "sk_test_local", "webhook_secret": SECRET})
    finally:
        server.shutdown()
        server.server_close()


class TestConformance(GatewayConformance):
    gateway = StripeGateway()
    readme = Path(__file__).parents[1] / "README.md"

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[PluginConfig]:
        with serve(mood) as config:
            yield config

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
        stamp = int(at.timestamp())
        event = {
            "id": "evt_1",
            "object": "event",
            "type": name,
            "created": stamp,
            "data": {"object": session},
        }
        body = json.dumps(event).encode()
        digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
        return body, {SIGNATURE: f"t={stamp},v1={digest}"}
