"""The part of Meta's Cloud API that sends, on this machine: refuses what the real one refuses, with its codes
(https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes)."""

import hashlib
import hmac
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.inbound import InboundRequest
from recupero_sdk.settings import PluginConfig

VERSION, NUMBER, BUSINESS = "v24.0", "106540352242922", "102290129340398"
TOKEN, APP_SECRET, VERIFY = "EAAtoken0123456789", "0123456789abcdef", "agreed-word"
DISPLAY, GOOD, NOBODY = "15550783881", "+56912345678", "+56900000026"
TEMPLATES = """
first_notice.es = recupero_first_notice@es_CL: name, creditor, amount, code | url: link | reply: STOP
reminder.pt = recupero_reminder@pt_BR: text
offer.en = recupero_offer: first_name=name, total=amount | header: creditor | fixed | url: code
thanks.es = recupero_thanks: code
"""
#: A first notice with all that the law of Chile wants said in it.
WHOLE = (
    "first_notice.es = recupero_whole_notice@es_CL: name, collector, creditor, contract, contract_date,"
    " due_date, amount, interest, costs, rights, not_execution, contact, code | url: link | reply: STOP"
    " | body: Hola {{1}}, le escribe {{2}} por {{3}}: contrato {{4}} del {{5}}, venció el {{6}}, saldo {{7}},"
    " interés {{8}}, gastos {{9}}. Usted {{10}}, {{11}}. Contacto: {{12}} {{13}}"
)
_COUNT = itertools.count(1)
_FIELDS = {
    "messaging_product", "recipient_type", "to", "type", "text", "template", "context",
    "biz_opaque_callback_data",
}  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A template that the account holds: how many variables its header and body have, names where they are
    named, its buttons."""

    body: int = 0
    header: int = 0
    names: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()


HELD = {
    ("recupero_first_notice", "es_CL"): Held(4, buttons=("url", "quick_reply")),
    ("recupero_whole_notice", "es_CL"): Held(13, buttons=("url", "quick_reply")),
    ("recupero_reminder", "pt_BR"): Held(1),
    ("recupero_offer", "en"): Held(2, 1, ("first_name", "total"), ("phone", "url")),
    ("recupero_thanks", "es"): Held(1),
}


@dataclass
class CloudApi:
    """The messages that the number took, newest last; and how it feels. `hang_up_at` is the number of the
    request to send, from 1, at which it breaks the connection once it has the message."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    status: int = 0
    code: int | None = None
    dead_at: int = 0
    hang_up_at: int = 0
    window_open: bool = True
    token: str = TOKEN
    number: str = field(default_factory=lambda: f"{NUMBER}{next(_COUNT)}")
    files: dict[str, Answer] = field(default_factory=dict)
    _sends: int = 0

    def answer(self, asked: Asked) -> Answer | None:
        self.asked.append(asked)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return refusal(401, 190)
        if asked.path in self.files:
            return self.files[asked.path]
        if self.status:
            return (
                refusal(self.status, self.code) if self.code is not None else Answer(self.status, b"<html>")
            )
        if asked.path != f"/{VERSION}/{self.number}/messages":
            return refusal(400, 100)
        if asked.method != "POST" or asked.headers.get("content-type") != "application/json":
            return refusal(400, 100)
        return self._sent(json.loads(asked.body))

    def _sent(self, body: dict[str, Any]) -> Answer | None:
        self._sends += 1
        code = 131026 if self._sends == self.dead_at else wrong(body)
        if body.get("type") == "text" and not code and not self.window_open:
            code = 131047
        if code:
            return refusal(400, code)
        reference = f"wamid.{self.number}{len(self.taken) + 1:06}"
        self.taken.append(body | {"id": reference})
        if self._sends == self.hang_up_at:
            return None
        told = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": body["to"], "wa_id": body["to"]}],
            "messages": [{"id": reference, "message_status": "accepted"}],
        }
        return Answer.of_json(200, told)


def refusal(status: int, code: int | None) -> Answer:
    """An error as the Graph API tells it; its words quote the recipient, as some do."""
    told = {
        "message": f"(#{code}) to {GOOD}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": f"{GOOD} will not do"},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    }
    return Answer.of_json(status, {"error": told})


def wrong(body: Mapping[str, Any]) -> int:
    """Meta's error code for a request to send; 0 where nothing is wrong with it."""
    if set(body) - _FIELDS or body.get("messaging_product") != "whatsapp":
        return 100
    if body.get("recipient_type", "individual") != "individual":
        return 100
    if not re.fullmatch(r"[1-9][0-9]{6,14}", str(body.get("to", ""))):
        return 131009
    if len(body.get("biz_opaque_callback_data", "")) > 512:
        return 100
    if body["to"] == NOBODY.removeprefix("+"):
        return 131026
    if "context" in body and not re.fullmatch(r"wamid\..+", str(body["context"].get("message_id"))):
        return 131009
    if body.get("type") == "text":
        words = body.get("text", {}).get("body", "")
        return 0 if 0 < len(words) <= 4096 else 131008 if not words else 100
    return wrong_template(body["template"]) if body.get("type") == "template" else 131051


def wrong_template(told: Mapping[str, Any]) -> int:
    """Meta's code for a template that it does not hold, or that is not filled as it was approved."""
    held = HELD.get((told.get("name", ""), told.get("language", {}).get("code", "")))
    if held is None:
        return 132001
    parts = {(part["type"], part.get("index")): part for part in told.get("components", [])}
    given = [[*parts.get((kind, None), {}).get("parameters", [])] for kind in ("header", "body")]
    if [len(one) for one in given] != [held.header, held.body]:
        return 132000
    if held.names and tuple(one.get("parameter_name") for one in given[1]) != held.names:
        return 132012
    texts = [one.get("text", "") for one in given[0] + given[1]]
    if any(not text or re.search(r"[\n\t]|    ", text) for text in texts):
        return 132018
    wanted = {str(place): kind for place, kind in enumerate(held.buttons) if kind != "phone"}
    buttons = {index: part for (kind, index), part in parts.items() if kind == "button"}
    if {index: part.get("sub_type") for index, part in buttons.items()} != wanted:
        return 131008
    parameters = [part["parameters"] for part in buttons.values()]
    if any(len(one) != 1 or not (one[0].get("text") or one[0].get("payload")) for one in parameters):
        return 131008
    return 0


@contextmanager
def running(api: CloudApi, **settings: str) -> Iterator[PluginConfig]:
    """The number at an address of this machine; the settings that reach it."""
    with standing_in(api.answer) as address:
        yield configured(api.number, api_base=address, timeout="5", **settings)


def configured(number: str = NUMBER, **settings: str) -> PluginConfig:
    plain = {"phone_number_id": number, "business_account_id": BUSINESS, "templates": TEMPLATES}
    secrets = {"access_token": TOKEN, "app_secret": APP_SECRET, "verify_token": VERIFY}
    return PluginConfig(plain | settings, secrets)


def signed(request: InboundRequest, secret: str = APP_SECRET) -> InboundRequest:
    """The request as Meta signs it: HMAC-SHA256 of the raw body."""
    digest = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    return replace(request, headers={**request.headers, "x-hub-signature-256": f"sha256={digest}"})


def change(*, number: str = NUMBER, **told: object) -> dict[str, Any]:
    """One change of a webhook about messages."""
    metadata = {"display_phone_number": DISPLAY, "phone_number_id": number}
    value = {"messaging_product": "whatsapp", "metadata": metadata, **told}
    return {"field": "messages", "value": value}


def webhook(*changes: dict[str, Any], business: str = BUSINESS) -> bytes:
    """The body of a webhook, an entry to each change."""
    entries = [{"id": business, "changes": [one]} for one in changes]
    return json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()
