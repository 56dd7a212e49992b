"""A local Stripe: a real HTTP server that the official SDK talks to unpatched.

It answers with Stripe's published shapes (fixtures3.json of stripe/openapi, MIT licence), checks key,
version, idempotency keys and parameters as Stripe does, lists page by page, and signs webhooks with the real
scheme (`t=…,v1=…`, HMAC-SHA-256 over `t.body`).

The whole published file lies beside the repository (`../shared/stripe`). Where it is missing, the cut of it
in `stripe_shapes.json` serves, and the run says aloud at its end that the whole file was left out."""

import copy
import hmac
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from recupero.kernel import clock
from tests.payments.stripe_cards import Cards

_SHARED = Path(os.environ.get("RECUPERO_SHARED", Path(__file__).parents[3] / "shared"))
PUBLISHED = _SHARED / "stripe" / "fixtures3.json"
CUT = Path(__file__).parent / "stripe_shapes.json"
LEFT_OUT = (
    f"Stripe's whole published shapes left out: {PUBLISHED.name} is not there (RECUPERO_SHARED names its"
    " folder), its cut answers instead"
)


def shapes() -> dict[str, Any]:
    """An example of each resource, as Stripe publishes it."""
    whole: dict[str, Any] = json.loads((PUBLISHED if PUBLISHED.exists() else CUT).read_text(encoding="utf-8"))
    found: dict[str, Any] = whole.get("resources", whole)
    return found


SHAPES = shapes()
API_KEY = "sk_test_local"
WEBHOOK_SECRET = "whsec_local"
VERSION = "2026-10-28.endive"
HANG_UP, LOSE_ANSWER = 0, 1  # outages: nothing is done; it is done, but the answer never arrives
_THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
_CREATE = re.compile(
    r"line_items\[0\]\[(quantity|price_data\]\[(currency|unit_amount|product_data\]\[name))\]"
    r"|restrictions\[completed_sessions\]\[limit\]|after_completion\[(type|redirect\]\[url)\]"
    r"|metadata\[\w+\]|payment_intent_data\[metadata\]\[\w+\]"
    r"|application_fee_amount|on_behalf_of|transfer_data\[destination\]"
)
_KEPT = re.compile(r"/v1/(payment_intents|setup_intents|payment_methods)\b")
_LISTED = {"charges": "charge", "refunds": "refund", "disputes": "dispute", "payouts": "payout"}
_ASKED = re.compile(r"created\[gte\]|limit|starting_after|expand\[\d+\]")
_EXPANDS = {
    "charges": {"data.balance_transaction"},
    "refunds": {"data.charge", "data.failure_balance_transaction"},
}


class Refusal(Exception):
    """An error as Stripe words it."""

    def __init__(self, status: int, kind: str, code: str, message: str, more: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code or None, "message": message, **(more or {})}}


@dataclass
class StripeServer:
    """What the server holds. `outages` are statuses that the next requests are answered with (or `HANG_UP`,
    `LOSE_ANSWER`); `listed` what it has on record, oldest first, by the path of the list."""

    url: str = ""
    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    amounts: dict[str, tuple[int, str]] = field(default_factory=dict)
    listed: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in _LISTED})
    transactions: dict[str, dict[str, Any]] = field(default_factory=dict)
    outages: list[int] = field(default_factory=list)
    requests: list[tuple[str, str | None, dict[str, str]]] = field(default_factory=list)
    accounts: list[str | None] = field(default_factory=list)
    cards: Cards = field(default_factory=lambda: Cards(SHAPES, Refusal))
    _answers: dict[str, tuple[dict[str, str], dict[str, Any] | Refusal]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def post(self, path: str, headers: Any, form: dict[str, str]) -> dict[str, Any]:
        """One request to the API that changes something."""
        self._check(headers)
        if path == "/v1/payment_links":
            return self._once(headers.get("Idempotency-Key"), form, lambda: self._create(form))
        if path.endswith("/detach"):
            return self.cards.post(path, form)
        if path in ("/v1/checkout/sessions", "/v1/payment_intents"):
            return self._once(headers.get("Idempotency-Key"), form, lambda: self.cards.post(path, form))
        found = re.fullmatch(r"/v1/payment_links/(plink_\w+)", path)
        if found is None or found[1] not in self.links:
            raise Refusal(404, "invalid_request_error", "resource_missing", "No such payment link")
        if set(form) != {"active"}:
            raise Refusal(400, "invalid_request_error", "parameter_unknown", f"unknown: {sorted(form)}")
        self.links[found[1]]["active"] = form["active"] == "true"
        return self.links[found[1]]

    def get(self, path: str, headers: Any, asked: dict[str, str]) -> dict[str, Any]:
        """One page of a list, newest first."""
        self._check(headers)
        if _KEPT.match(path):
            return self.cards.get(path, asked)
        name = path.removeprefix("/v1/")
        if name not in _LISTED:
            raise Refusal(
                404, "invalid_request_error", "resource_missing", f"Unrecognized request URL {path}"
            )
        unknown = [key for key in asked if not _ASKED.fullmatch(key)]
        expands = {value for key, value in asked.items() if key.startswith("expand")}
        if unknown or expands - _EXPANDS.get(name, set()):
            raise Refusal(400, "invalid_request_error", "parameter_unknown", f"{unknown} {sorted(expands)}")
        since, limit = int(asked.get("created[gte]", 0)), int(asked.get("limit", 10))
        rows = [one for one in reversed(self.listed[name]) if one["created"] >= since]
        if after := asked.get("starting_after"):
            rows = rows[[one["id"] for one in rows].index(after) + 1 :]
        data = [self._expanded(name, one, expands) for one in rows[:limit]]
        return {"object": "list", "url": path, "has_more": len(rows) > limit, "data": data}

    def _expanded(self, name: str, thing: dict[str, Any], expands: set[str]) -> dict[str, Any]:
        found = copy.deepcopy(thing)
        if name == "charges" and expands:
            found["balance_transaction"] = self.transactions.get(found["balance_transaction"])
        if name == "refunds" and expands:
            found["charge"] = next(one for one in self.listed["charges"] if one["id"] == found["charge"])
            if failure := found.get("failure_balance_transaction"):
                found["failure_balance_transaction"] = self.transactions[failure]
        return found

    def _check(self, headers: Any) -> None:
        if headers.get("Authorization") != f"Bearer {API_KEY}":
            raise Refusal(401, "invalid_request_error", "api_key_invalid", "Invalid API Key provided")
        if headers.get("Stripe-Version") != VERSION:
            raise Refusal(400, "invalid_request_error", "version", "the version header must be pinned")
        self.accounts.append(headers.get("Stripe-Account"))
        self.cards.account = self.accounts[-1]

    def _once(
        self, key: str | None, form: dict[str, str], make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        if not key:
            raise Refusal(400, "invalid_request_error", "idempotency_key", "this request needs its own key")
        if key in self._answers:
            before, answer = self._answers[key]
            if before != form:
                raise Refusal(
                    400,
                    "idempotency_error",
                    "",
                    "Keys for idempotent requests can only be used with the same parameters",
                )
        else:
            try:
                answer = make()
            except Refusal as refusal:  # a decline is kept for the key as any other answer is
                if refusal.status != 402:
                    raise
                answer = refusal
            self._answers[key] = (form, answer)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    def forget_keys(self) -> None:
        """Stripe forgets idempotency keys after a day."""
        self._answers.clear()

    def _create(self, form: dict[str, str]) -> dict[str, Any]:
        unknown = [name for name in form if not _CREATE.fullmatch(name)]
        if unknown:
            raise Refusal(
                400, "invalid_request_error", "parameter_unknown", f"Received unknown parameter: {unknown}"
            )
        price = "line_items[0][price_data]"
        currency, amount = form[f"{price}[currency]"], form[f"{price}[unit_amount]"]
        fee = form.get("application_fee_amount", "0")
        if not amount.isdecimal() or int(amount) < 1 or not currency.islower() or not fee.isdecimal():
            raise Refusal(400, "invalid_request_error", "parameter_invalid_integer", "Invalid integer")
        if currency in _THREE_DECIMAL and (int(amount) % 10 or int(fee) % 10):
            raise Refusal(400, "invalid_request_error", "parameter_invalid_integer", "last digit must be 0")
        if int(fee) and (int(fee) > int(amount) or "transfer_data[destination]" not in form):
            raise Refusal(400, "invalid_request_error", "parameter_invalid", "application fee")
        identity = f"plink_{next(self._numbers)}"
        limit = int(form["restrictions[completed_sessions][limit]"])
        link = {
            **copy.deepcopy(SHAPES["payment_link"]),
            "id": identity, "active": True, "currency": currency,
            "url": f"https://buy.stripe.com/test_{identity}", "metadata": _nested(form, "metadata"),
            "restrictions": {"completed_sessions": {"count": 0, "limit": limit}},
            "application_fee_amount": int(fee) or None, "on_behalf_of": form.get("on_behalf_of"),
            "transfer_data": {"destination": form["transfer_data[destination]"], "amount": None}
            if "transfer_data[destination]" in form else None,
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

    def intent(self, link: str) -> dict[str, Any]:
        """The payment intent of a card that was declined."""
        amount, currency = self.amounts[link]
        return {
            **copy.deepcopy(SHAPES["payment_intent"]),
            "id": f"pi_{link}", "amount": amount, "currency": currency, "status": "requires_payment_method",
            "metadata": self.links[link]["metadata"],
        }  # fmt: skip

    def charge(self, link: str, *, refunded: int = 0) -> dict[str, Any]:
        amount, currency = self.amounts[link]
        return {
            **copy.deepcopy(SHAPES["charge"]),
            "id": f"ch_{link}", "amount": amount, "currency": currency, "payment_intent": f"pi_{link}",
            "amount_refunded": refunded, "refunded": refunded == amount, "captured": True,
            "metadata": self.links[link]["metadata"], "balance_transaction": f"txn_{link}",
        }  # fmt: skip

    def dispute(self, link: str, status: str) -> dict[str, Any]:
        amount, currency = self.amounts[link]
        return {
            **copy.deepcopy(SHAPES["dispute"]),
            "id": f"dp_{link}", "amount": amount, "currency": currency, "charge": f"ch_{link}",
            "payment_intent": f"pi_{link}", "status": status,
        }  # fmt: skip

    def payout(self, amount: int, currency: str, status: str = "paid") -> dict[str, Any]:
        return {
            **copy.deepcopy(SHAPES["payout"]),
            "id": f"po_{next(self._numbers)}", "amount": amount, "currency": currency, "status": status,
        }  # fmt: skip

    def record(self, name: str, thing: dict[str, Any], at: datetime | None = None) -> dict[str, Any]:
        """Put something on Stripe's record, as of `at` (else now)."""
        kept = {**thing, "created": int((at or clock.now()).timestamp())}
        self.listed[name].append(kept)
        return kept

    def record_paid(self, link: str, *, fee: int = 0, at: datetime | None = None) -> dict[str, Any]:
        """A charge on record, with its balance transaction."""
        charge = self.record("charges", self.charge(link), at)
        self.transactions[charge["balance_transaction"]] = {
            **copy.deepcopy(SHAPES["balance_transaction"]),
            "id": charge["balance_transaction"], "amount": charge["amount"], "currency": charge["currency"],
            "fee": fee, "net": charge["amount"] - fee, "source": charge["id"],
        }  # fmt: skip
        return charge

    def refund(self, link: str, amount: int, status: str = "succeeded") -> dict[str, Any]:
        return {
            **copy.deepcopy(SHAPES["refund"]),
            "id": f"re_{next(self._numbers)}", "amount": amount, "currency": self.amounts[link][1],
            "charge": f"ch_{link}", "payment_intent": f"pi_{link}", "status": status,
        }  # fmt: skip

    def record_failure(self, refund: dict[str, Any], at: datetime) -> None:
        """Its money comes back to the account."""
        charge = next(one for one in self.listed["charges"] if one["id"] == refund["charge"])
        charge["amount_refunded"] -= refund["amount"]
        name = f"txn_{refund['id']}"
        refund.update(status="failed", failure_balance_transaction=name)
        self.transactions[name] = {
            **copy.deepcopy(SHAPES["balance_transaction"]),
            "id": name, "amount": refund["amount"], "created": int(at.timestamp()), "source": refund["id"],
        }  # fmt: skip

    def record_refund(
        self, charge: dict[str, Any], amount: int, at: datetime | None = None
    ) -> dict[str, Any]:
        charge["amount_refunded"] += amount
        return self.record(
            "refunds",
            {**copy.deepcopy(SHAPES["refund"]), "id": f"re_{next(self._numbers)}", "amount": amount,
             "currency": charge["currency"], "charge": charge["id"], "status": "succeeded",
             "payment_intent": charge["payment_intent"]},
            at,
        )  # fmt: skip

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
            self._handle(self.path, form, state.post)

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            self._handle(asked.path, query, state.get)

        def _handle(self, path: str, form: dict[str, str], work: Callable[..., dict[str, Any]]) -> None:
            with state._lock:
                state.requests.append((path, self.headers.get("Idempotency-Key"), form))
                outage = state.outages.pop(0) if state.outages else None
                if outage == HANG_UP:
                    self._hang_up()
                    return
                status, answer = self._answer(outage, path, form, work)
            if outage == LOSE_ANSWER:
                self._hang_up()
                return
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Request-Id", f"req_{len(state.requests)}")
            if outage:
                self.send_header("Stripe-Should-Retry", "false")
            self.end_headers()
            self.wfile.write(body)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.shutdown(SHUT_RDWR)

        def _answer(
            self, outage: int | None, path: str, form: dict[str, str], work: Callable[..., dict[str, Any]]
        ) -> tuple[int, dict[str, Any]]:
            if outage not in {None, LOSE_ANSWER}:
                kind = "rate_limit" if outage == 429 else "api_error"
                return outage or 500, {"error": {"type": kind, "message": "try again"}}
            try:
                return 200, work(path, self.headers, form)
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
