"""A local server that answers as Stripe's payment links, checkout sessions in set-up mode, payment methods
and payment intents do, as far as the SDK's kit asks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from recupero_sdk.conformance.gateway import Mood
from recupero_sdk.gateways import Outcome, SavedMethod

_MOODS = {"busy": (503, "api_error"), "refuses": (401, "invalid_request_error")}
#: What a card's bank answers, as https://docs.stripe.com/declines/codes words it.
_DECLINES = {
    Outcome.DECLINED: {"code": "card_declined", "decline_code": "insufficient_funds"},
    Outcome.NEEDS_PAYER: {"code": "authentication_required", "decline_code": "authentication_required"},
    Outcome.GONE: {"code": "card_declined", "decline_code": "lost_card"},
}
Answer = tuple[int, dict[str, Any]]


@dataclass
class LocalStripe:
    """What is kept: answers by idempotency key, methods with the customer they belong to, how each ends."""

    mood: Mood
    answered: dict[str, Answer] = field(default_factory=dict)
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    setups: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: list[dict[str, Any]] = field(default_factory=list)
    ends: dict[str, Outcome] = field(default_factory=dict)
    address: str = ""

    def save(self, outcome: Outcome) -> SavedMethod:
        """A card with its holder's consent, whose bank answers so."""
        name = f"pm_{len(self.methods) + 1}"
        card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2099}
        self.methods[name] = {"id": name, "object": "payment_method", "customer": f"cus_{name}", "card": card}
        self.ends[name] = outcome
        return SavedMethod(f"cus_{name}", name, "visa", "4242")

    def agree(self, session_id: str) -> str:
        """The payer enters a card on that page; the set-up intent that names it."""
        method = self.save(Outcome.SUCCEEDED)
        setup = self.setups[session_id]
        setup |= {"status": "succeeded", "payment_method": self.methods[method.method]}
        return str(setup["id"])

    def answer(self, verb: str, path: str, form: dict[str, str], key: str) -> Answer:
        if self.mood in _MOODS:
            status, kind = _MOODS[self.mood]
            return status, _error(kind, "no")
        if verb == "GET":
            return self._read(path)
        if key not in self.answered:
            self.answered[key] = self._do(path, form)
        return self.answered[key]

    def _do(self, path: str, form: dict[str, str]) -> Answer:
        number = len(self.answered) + 1
        match path.split("/")[2:]:
            case ["payment_links", *known]:
                name = known[0] if known else f"plink_{number}"
                return 200, {"id": name, "object": "payment_link", "url": f"https://buy.stripe.com/{name}",
                             "active": not known}  # fmt: skip
            case ["checkout", "sessions"]:
                name = f"cs_{number}"
                self.setups[name] = {"id": f"seti_{number}", "object": "setup_intent", "status": "open"}
                return 200, {"id": name, "object": "checkout.session",
                             "url": f"https://checkout.stripe.com/{name}"}  # fmt: skip
            case ["payment_methods", name, "detach"]:
                self.methods[name]["customer"] = None
                return 200, self.methods[name]
            case _:
                return self._charge(number, form)

    def _charge(self, number: int, form: dict[str, str]) -> Answer:
        method = self.methods[form["payment_method"]]
        if method["customer"] != form["customer"]:
            return 400, _error("invalid_request_error", "may not be used again", param="payment_method")
        declined = _DECLINES.get(self.ends[method["id"]])
        if declined is not None:
            return 402, _error("card_error", "declined", **declined)
        made = {
            "id": f"pi_{number}", "object": "payment_intent", "status": "succeeded", "created": 1_773_154_800,
            "metadata": {key[9:-1]: value for key, value in form.items() if key.startswith("metadata[")},
        }  # fmt: skip
        self.intents.insert(0, made)
        return 200, made

    def _read(self, path: str) -> Answer:
        kind, name = (*path.split("/")[2:], "")[:2]
        if kind == "payment_intents":
            return 200, {"object": "list", "url": path, "has_more": False, "data": self.intents}
        setups = {setup["id"]: setup for setup in self.setups.values()}
        found = {"setup_intents": setups, "payment_methods": self.methods}[kind].get(name)
        missing = _error("invalid_request_error", "No such thing", code="resource_missing", param="id")
        return (200, found) if found is not None else (404, missing)


def _error(kind: str, message: str, **more: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, **more}}


@contextmanager
def serve(mood: Mood) -> Iterator[LocalStripe]:
    """It listens for the length of the block."""
    local = LocalStripe(mood)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._say(*local.answer("POST", self.path, dict(parse_qsl(body)), self._key()))

        def do_GET(self) -> None:
            self._say(*local.answer("GET", urlsplit(self.path).path, {}, ""))

        def _key(self) -> str:
            return self.headers.get("Idempotency-Key") or self.path

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Stripe-Should-Retry", "false")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    local.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield local
    finally:
        server.shutdown()
        server.server_close()
