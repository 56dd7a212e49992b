"""Twilio's Calls API on this machine: refuses what the real one refuses, by the parameters that Twilio
publishes (`published.json`) and the numbers that it sets aside for tests
(https://www.twilio.com/docs/iam/test-credentials)."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.inbound import InboundRequest
from recupero_sdk.settings import PluginConfig

PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text())
ACCOUNT, TOKEN = "AC" + "5" * 32, "0123456789abcdef0123456789abcdef"
CALLER, GOOD, AGENT = "+15005550006", "+56912345678", "+56221234567"
INVALID, UNREACHABLE, FOREIGN, BLOCKED = "+15005550001", "+15005550002", "+15005550003", "+15005550004"
_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_TO = {INVALID: 21217, UNREACHABLE: 21214, FOREIGN: 21215, BLOCKED: 21216}
_CHOICES = {
    "MachineDetection": {"Enable", "DetectMessageEnd"},
    "StatusCallbackEvent": {"initiated", "ringing", "answered", "completed"},
}


@dataclass
class Twilio:
    """The calls that the account placed, newest last; and how it feels. `hang_up_at` is the number of the
    request to call, from 1, at which it breaks the connection, `having_taken` it or not; at `breaks_at` it
    answers that it broke."""

    calls: list[dict[str, object]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    status: int = 0
    code: int = 20500
    dead_at: int = 0
    hang_up_at: int = 0
    breaks_at: int = 0
    having_taken: bool = False
    token: str = TOKEN
    _tries: int = 0

    def answer(self, asked: Asked) -> Answer | None:
        self.asked.append(asked)
        right = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {right}":
            return _error(401, 20003)
        if asked.path != _PATH:
            return _error(404, 20404)
        if self.status:
            return _error(self.status, self.code)
        if asked.method == "GET":
            return self._listed(asked)
        return self._placed(asked) if asked.method == "POST" else _error(405, 20004)

    def _listed(self, asked: Asked) -> Answer:
        if {name for name, _ in asked.query} - set(PUBLISHED["list"]):
            return _error(400, 20001)
        query = dict(asked.query)
        found = [
            call for call in reversed(self.calls)
            if query.get("To") in (None, call["to"]) and query.get("From") in (None, call["from"])
        ]  # fmt: skip
        size = int(query.get("PageSize", 50))
        page = {
            "calls": found[:size], "page": 0, "page_size": size, "next_page_uri": None,
            "previous_page_uri": None, "first_page_uri": asked.path, "uri": asked.path, "start": 0,
            "end": len(found[:size]),
        }  # fmt: skip
        return Answer.of_json(200, page)

    def _placed(self, asked: Asked) -> Answer | None:
        self._tries += 1
        form = dict(asked.form())
        code = 21214 if self._tries == self.dead_at else wrong(form)
        if code:
            return _error(400, code)
        if self._tries == self.hang_up_at and not self.having_taken:
            return None
        if self._tries == self.breaks_at and not self.having_taken:
            return _error(500, 20500)
        call = self.take(form)
        if self._tries == self.breaks_at:
            return _error(500, 20500)
        return None if self._tries == self.hang_up_at else Answer.of_json(201, call)

    def take(self, form: Mapping[str, str]) -> dict[str, object]:
        """Puts a call into the account, as Twilio shows it."""
        now = format_datetime(datetime.now(UTC))
        call = PUBLISHED["example"] | {
            "account_sid": ACCOUNT, "sid": f"CA{len(self.calls) + 1:032x}", "to": form["To"],
            "from": form["From"], "status": "queued", "direction": "outbound-api", "date_created": now,
            "date_updated": now, "start_time": None, "end_time": None, "duration": None, "price": None,
        }  # fmt: skip
        self.calls.append(call)
        return call


def wrong(form: Mapping[str, str]) -> int:
    """Twilio's error code for a request to call; 0 where nothing is wrong with it."""
    create = PUBLISHED["create"]
    if set(form) - set(create["parameters"]):
        return 20001
    if not form.get("To"):
        return 21201
    if not form.get("From"):
        return 21213
    if not {"Url", "Twiml", "ApplicationSid"} & set(form):
        return 21205
    for name, text in form.items():
        if not fits(text, create["parameters"][name]) or text not in _CHOICES.get(name, {text}):
            return 21205 if name in ("Url", "StatusCallback") else 20001
    if not _E164.fullmatch(form["To"]):
        return 21211
    if not _E164.fullmatch(form["From"]):
        return 21212
    return _TO.get(form["To"], 0) or (0 if form["From"] == CALLER else 21210)


def fits(text: str, schema: Mapping[str, object]) -> bool:
    """Whether a value is of a published type. Twilio takes no host with an underscore."""
    if schema.get("format") == "uri":
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and "." in parts.netloc and "_" not in parts.netloc
    allowed = schema.get("enum")
    if isinstance(allowed, list) and text not in allowed:
        return False
    if schema.get("type") == "boolean":
        return text in ("true", "false")
    if schema.get("type") == "integer":
        return text.isdecimal()
    return re.fullmatch(str(schema.get("pattern", ".*")), text, re.DOTALL) is not None


def _error(status: int, code: int) -> Answer:
    told = {"code": code, "message": "no", "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return Answer.of_json(status, told | {"status": status})


@contextmanager
def running(twilio: Twilio, **settings: str) -> Iterator[PluginConfig]:
    """The account at an address of this machine; the settings that reach it."""
    with standing_in(twilio.answer) as address:
        plain = {"account_sid": ACCOUNT, "caller": CALLER, "api_base": address, "timeout": "5"}
        yield PluginConfig(plain | settings, {"auth_token": TOKEN})


def signed(request: InboundRequest, token: str = TOKEN) -> InboundRequest:
    """The request as Twilio signs it: HMAC-SHA1 of the address and the sorted form
    (https://www.twilio.com/docs/usage/security#validating-requests)."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    text = request.url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    return replace(
        request, headers={**request.headers, "x-twilio-signature": base64.b64encode(digest).decode()}
    )
