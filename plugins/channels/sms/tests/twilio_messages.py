"""Twilio's Messages API on this machine: refuses what the real one refuses, by the parameters that Twilio
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
from recupero_sdk.sms import segments

PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text())
ACCOUNT, TOKEN = "AC" + "5" * 32, "0123456789abcdef0123456789abcdef"
SENDER, GOOD = "+15005550006", "+56912345678"
INVALID, LANDLINE, STOPPED, FOREIGN = "+15005550001", "+15005550009", "+15005550004", "+15005550003"
OTHERS_SENDER, FULL_SENDER = "+15005550007", "+15005550008"
_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_TO = {INVALID: 21211, LANDLINE: 21614, STOPPED: 21610, FOREIGN: 21408}
_FROM = {"+15005550001": 21212, OTHERS_SENDER: 21606, FULL_SENDER: 21611}


@dataclass
class Twilio:
    """The messages that the account holds, newest last; and how it feels. `hang_up_at` is the number of the
    request to send, from 1, at which it breaks the connection, `having_taken` it or not; at `breaks_at` it
    answers that it broke."""

    messages: list[dict[str, object]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    status: int = 0
    code: int = 20500
    dead_at: int = 0
    hang_up_at: int = 0
    breaks_at: int = 0
    having_taken: bool = False
    token: str = TOKEN
    media: dict[str, Answer] = field(default_factory=dict)
    _sends: int = 0

    def answer(self, asked: Asked) -> Answer | None:
        self.asked.append(asked)
        if asked.path in self.media:
            return self.media[asked.path] if self._authorised(asked) else _error(401, 20003)
        if not self._authorised(asked):
            return _error(401, 20003)
        if asked.path != _PATH:
            return _error(404, 20404)
        if self.status:
            return _error(self.status, self.code)
        if asked.method == "GET":
            return self._listed(asked)
        return self._sent(asked) if asked.method == "POST" else _error(405, 20004)

    def _authorised(self, asked: Asked) -> bool:
        right = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {right}"

    def _listed(self, asked: Asked) -> Answer:
        unknown = {name for name, _ in asked.query} - set(PUBLISHED["list"])
        if unknown:
            return _error(400, 20001, f"unknown parameters {unknown}")
        query = dict(asked.query)
        found = [one for one in reversed(self.messages) if query.get("To") in (None, one["to"])]
        size = int(query.get("PageSize", 50))
        page = {
            "messages": found[:size], "page": 0, "page_size": size, "next_page_uri": None,
            "previous_page_uri": None, "first_page_uri": asked.path, "uri": asked.path, "start": 0,
            "end": len(found[:size]),
        }  # fmt: skip
        return Answer.of_json(200, page)

    def _sent(self, asked: Asked) -> Answer | None:
        self._sends += 1
        form = dict(asked.form())
        code = 21614 if self._sends == self.dead_at else wrong(form)
        if code:
            return _error(400, code, f"The number {form.get('To')} will not do")
        if self._sends == self.hang_up_at and not self.having_taken:
            return None
        if self._sends == self.breaks_at and not self.having_taken:
            return _error(500, 20500)
        message = self.take(form)
        if self._sends == self.breaks_at:
            return _error(500, 20500)
        return None if self._sends == self.hang_up_at else Answer.of_json(201, message)

    def take(self, form: Mapping[str, str]) -> dict[str, object]:
        """Puts a message into the account, as Twilio shows it."""
        now = format_datetime(datetime.now(UTC))
        service = form.get("MessagingServiceSid")
        message = PUBLISHED["example"] | {
            "account_sid": ACCOUNT, "sid": f"SM{len(self.messages) + 1:032x}", "to": form["To"],
            "from": form.get("From"), "messaging_service_sid": service, "body": form["Body"],
            "status": "accepted" if service else "queued", "date_created": now, "date_updated": now,
            "date_sent": None, "num_segments": "0" if service else str(segments(form["Body"])),
        }  # fmt: skip
        self.messages.append(message)
        return message


def wrong(form: Mapping[str, str]) -> int:
    """Twilio's error code for a request to send; 0 where nothing is wrong with it."""
    create = PUBLISHED["create"]
    if set(form) - set(create["parameters"]):
        return 20001
    if not form.get("To"):
        return 21604
    for names in create["conditional"]:
        given = {re.sub("(?!^)([A-Z])", r"_\1", name).lower() for name in form}
        if not given & set(names):
            return 21603 if "from" in names else 21602
    if any(not fits(form[name], create["parameters"][name]) for name in form):
        return (
            21609 if not fits(form.get("StatusCallback", "https://a.example"), {"format": "uri"}) else 20001
        )
    if len(form["Body"]) > 1600:
        return 21617
    if not _E164.fullmatch(form["To"]):
        return 21211
    return _TO.get(form["To"], 0) or _FROM.get(form.get("From", ""), 0)


def fits(text: str, schema: Mapping[str, object]) -> bool:
    """Whether a value is of a published type. Twilio takes no host with an underscore."""
    if schema.get("format") == "uri":
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and "." in parts.netloc and "_" not in parts.netloc
    if schema.get("type") == "boolean":
        return text in ("true", "false")
    if schema.get("type") in ("integer", "number"):
        return text.isdecimal()
    pattern = str(schema.get("pattern", ".*"))
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _error(status: int, code: int, message: str = "no") -> Answer:
    told = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return Answer.of_json(status, told | {"status": status})


@contextmanager
def running(twilio: Twilio, **settings: str) -> Iterator[PluginConfig]:
    """The account at an address of this machine; the settings that reach it."""
    with standing_in(twilio.answer) as address:
        plain = {"account_sid": ACCOUNT, "from_number": SENDER, "api_base": address, "timeout": "5"}
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
