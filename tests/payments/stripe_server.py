"""A local Stripe: a real HTTP server that the official SDK talks to unpatched.

It answers with Stripe's published shapes (`stripe_shapes.json`, cut from fixtures3.json of stripe/openapi,
MIT licence), checks key, version, idempotency keys and parameters as Stripe does, and signs webhooks with the
real scheme (`t=…,v1=…`, HMAC-SHA-256 over `t.body`).
"""

import copy
import hmac
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl

SHAPES: dict[str, Any] = json.loads((Path(__file__).parent / "stripe_shapes.json").read_text())
API_KEY = "sk_test_local"
WEBHOOK_SECRET = "whsec_local"
VERSION = "2026-10-28.endive"
_THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
_CREATE = re.compile(
    r"line_items\[0\]\[(quantity|price_data\]\[(currency|unit_amount|product_data\]\[name))\]"
    r"|restrictions\[completed_sessions\]\[limit\]|after_completion\[(type|redirect\]\[url)\]"
    r"|metadata\[\w+\]|payment_intent_data\[metadata\]\[\w+\]"
)


class Refusal(Exception):
    """An error as Stripe words it."""

    def __init__(self, status: int, kind: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message}}


@dataclass
class StripeServer:
    """What the server holds. `outages` are statuses that the next requests are answered with (0 hangs up)."""

    url: str = ""
    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    amounts: dict[str, tuple[int, str]] = field(default_factory=dict)
    outages: list[int] = field(default_factory=list)
    requests: list[tuple[str, str | None, dict[str, str]]] = field(default_factory=list)
    accounts: list[str | None] = field(default_factory=list)
    _answers: dict[str, tuple[dict[str, str], dict[str, Any]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def post(self, path: str, headers: Any, form: dict[str, str]) -> dict[str, Any]:
        """One request to the API."""
        if headers.get("Authorization") != f"Bearer {API_KEY}":
            raise Refusal(401, "invalid_request_error", "api_key_invalid", "Invalid API Key provided")
        if headers.get("Stripe-Version") != VERSION:
            raise Refusal(400, "invalid_request_error", "version", "the version header must be pinned")
        self.accounts.append(headers.get("Stripe-Account"))
        if path == "/v1/payment_links":
            return self._once(headers.get("Idempotency-Key"), form, lambda: self._create(form))
        found = re.fullmatch(r"/v1/payment_links/(plink_\w+)", path)
        if found is None or found[1] not in self.links:
            raise Refusal(404, "invalid_request_error", "resource_missing", "No such payment link")
        if set(form) != {"active"}:
            raise Refusal(400, "invalid_request_error", "parameter_unknown", f"unknown: {sorted(form)}")
        self.links[found[1]]["active"] = form["active"] == "true"
        return self.links[found[1]]

    def _once(self, key: str | None, form: dict[str, str], make: Any) -> dict[str, Any]:
        if not key:
            raise Refusal(400, "invalid_request_error", "idempotency_key", "this request needs its own key")
        if key in self._answers:
            before, answer = self._answers[key]
            if before != form:
                raise Refusal(
                    400, "idempotency_error", "idempotency_key_in_use", "other parameters, same key"
                )
            return answer
        self._answers[key] = (form, make())
        return self._answers[key][1]

    def _create(self, form: dict[str, str]) -> dict[str, Any]:
        unknown = [name for name in form if not _CREATE.fullmatch(name)]
        if unknown:
            raise Refusal(
                400, "invalid_request_error", "parameter_unknown", f"Received unknown parameter: {unknown}"
            )
        price = "line_items[0][price_data]"
        currency, amount = form[f"{price}[currency]"], form[f"{price}[unit_amount]"]
        if not amount.isdecimal() or int(amount) < 1 or not currency.islower():
            raise Refusal(400, "invalid_request_error", "parameter_invalid_integer", "Invalid integer")
        if currency in _THREE_DECIMAL and int(amount) % 10:
            raise Refusal(400, "invalid_request_error", "parameter_invalid_integer", "last digit must be 0")
        identity = f"plink_{next(self._numbers)}"
        limit = int(form["restrictions[completed_sessions][limit]"])
        link = {
            **copy.deepcopy(SHAPES["payment_link"]),
            "id": identity, "currency": currency, "url": f"https://buy.stripe.com/test_{identity}",
            "metadata": _nested(form, "metadata"),
            "restrictions": {"completed_sessions": {"count": 0, "limit": limit}},
        }  # fmt: skip
        self.links[identity] = link
        self.amounts[identity] = (int(amount), currency)
        return link

    def session(self, link: str, *, paid: bool = True) -> dict[str, Any]:
        """The checkout session of somebody who went through the link. Raises where the link is closed."""
        if not self.links[link]["active"]:
            raise AssertionError("this payment link is not active")
        amount, currency = self.amounts[link]
        return {
            **copy.deepcopy(SHAPES["checkout.session"]),
            "id": f"cs_test_{link}", "amount_total": amount, "amount_subtotal": amount, "currency": currency,
            "payment_link": link, "payment_intent": f"pi_{link}", "status": "complete",
            "payment_status": "paid" if paid else "unpaid", "metadata": self.links[link]["metadata"],
        }  # fmt: skip

    def charge(self, link: str, *, refunded: int = 0) -> dict[str, Any]:
        amount, currency = self.amounts[link]
        return {
            **copy.deepcopy(SHAPES["charge"]),
            "id": f"ch_{link}", "amount": amount, "currency": currency, "payment_intent": f"pi_{link}",
            "amount_refunded": refunded, "refunded": refunded == amount, "captured": True,
        }  # fmt: skip

    def dispute(self, link: str, status: str) -> dict[str, Any]:
        amount, currency = self.amounts[link]
        return {
            **copy.deepcopy(SHAPES["dispute"]),
            "id": f"dp_{link}", "amount": amount, "currency": currency, "charge": f"ch_{link}",
            "payment_intent": f"pi_{link}", "status": status,
        }  # fmt: skip

    def event(
        self, kind: str, thing: dict[str, Any], at: datetime, secret: str = WEBHOOK_SECRET
    ) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a signed webhook."""
        body = json.dumps(
            {
                **copy.deepcopy(SHAPES["event"]),
                "id": f"evt_{next(self._numbers)}", "type": kind, "created": int(at.timestamp()),
                "api_version": VERSION, "data": {"object": thing},
            }
        ).encode()  # fmt: skip
        return body, sign(body, at, secret)


def sign(body: bytes, at: datetime, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    """The header of Stripe's signature scheme."""
    stamp = int(at.timestamp())
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={signature}"}


def _nested(form: dict[str, str], name: str) -> dict[str, str]:
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(name + "[")}


@contextmanager
def serve() -> Iterator[StripeServer]:
    """A server on a free local port for the length of the block."""
    state = StripeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))
            with state._lock:
                state.requests.append((self.path, self.headers.get("Idempotency-Key"), form))
                outage = state.outages.pop(0) if state.outages else None
                if outage == 0:
                    self.close_connection = True
                    self.connection.shutdown(SHUT_RDWR)
                    return
                status, answer = self._answer(outage, form)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Request-Id", f"req_{len(state.requests)}")
            if outage:
                self.send_header("Stripe-Should-Retry", "false")
            self.end_headers()
            self.wfile.write(body)

        def _answer(self, outage: int | None, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
            if outage:
                return outage, {"error": {"type": "api_error", "message": "try again"}}
            try:
                return 200, state.post(self.path, self.headers, form)
            except Refusal as refusal:
                return refusal.status, refusal.body

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
