"""A stand-in for one Twilio account, over which a plug-in sends messages or places calls: it asks for the
right credentials, refuses what Twilio's published parameters refuse, and breaks when it is told to. Also the
signature under what Twilio tells us. A plug-in's tests derive from `Account` and say what is its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from recupero_sdk.conformance.standin import Answer, Asked, standing_in
from recupero_sdk.inbound import InboundRequest
from recupero_sdk.settings import PluginConfig

ACCOUNT, TOKEN = "AC" + "5" * 32, "0123456789abcdef0123456789abcdef"


@dataclass
class Account(ABC):
    """What the account holds, newest last, and how it feels: it answers everything with `status` and `code`
    where a status is set. Of the requests to make something, counted from 1, the one at `dead_at` is refused
    for its number; at `hang_up_at` the connection breaks and at `breaks_at` the answer is 500, `having_taken`
    the request or not."""

    #: The list's name in Twilio's answer and, with a capital letter, in its address.
    kind: ClassVar[str]
    #: What Twilio publishes: `list`, the filters; `create`, with the types of its `parameters`; `example`.
    published: ClassVar[Mapping[str, Any]]
    #: Twilio's error code for a number that is none.
    dead_code: ClassVar[int]

    held: list[dict[str, object]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    status: int = 0
    code: int = 20500
    dead_at: int = 0
    hang_up_at: int = 0
    breaks_at: int = 0
    having_taken: bool = False
    token: str = TOKEN
    _tries: int = 0

    @abstractmethod
    def wrong(self, form: Mapping[str, str]) -> int:
        """Twilio's error code for a request to make something; 0 where nothing is wrong with it."""

    @abstractmethod
    def made(self, form: Mapping[str, str]) -> dict[str, object]:
        """What Twilio makes of the form, beside account, numbers and moments."""

    def answer(self, asked: Asked) -> Answer | None:
        """What the account answers; None where it hangs up."""
        self.asked.append(asked)
        if not self.authorised(asked):
            return error(401, 20003)
        if asked.path != f"/2010-04-01/Accounts/{ACCOUNT}/{self.kind.capitalize()}.json":
            return error(404, 20404)
        if self.status:
            return error(self.status, self.code)
        if asked.method == "GET":
            return self._listed(asked)
        return self._asked_for(asked) if asked.method == "POST" else error(405, 20004)

    def authorised(self, asked: Asked) -> bool:
        """Whether the request names the account and its token."""
        right = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {right}"

    def take(self, form: Mapping[str, str]) -> dict[str, object]:
        """Puts what the form asks for into the account, as Twilio shows it."""
        now = format_datetime(datetime.now(UTC))
        common = {"account_sid": ACCOUNT, "to": form["To"], "from": form.get("From"),
                  "date_created": now, "date_updated": now}  # fmt: skip
        self.held.append({**self.published["example"], **common, **self.made(form)})
        return self.held[-1]

    def _listed(self, asked: Asked) -> Answer:
        unknown = {name for name, _ in asked.query} - set(self.published["list"])
        if unknown:
            return error(400, 20001, f"unknown parameters {unknown}")
        query = dict(asked.query)
        found = [
            one for one in reversed(self.held)
            if query.get("To") in (None, one["to"]) and query.get("From") in (None, one["from"])
        ]  # fmt: skip
        size = int(query.get("PageSize", 50))
        page = {
            self.kind: found[:size], "page": 0, "page_size": size, "next_page_uri": None,
            "previous_page_uri": None, "first_page_uri": asked.path, "uri": asked.path, "start": 0,
            "end": len(found[:size]),
        }  # fmt: skip
        return Answer.of_json(200, page)

    def _asked_for(self, asked: Asked) -> Answer | None:
        self._tries += 1
        form = dict(asked.form())
        code = self.dead_code if self._tries == self.dead_at else self.wrong(form)
        if code:
            return error(400, code, f"The number {form.get('To')} will not do")
        if self._tries == self.hang_up_at and not self.having_taken:
            return None
        if self._tries == self.breaks_at and not self.having_taken:
            return error(500, 20500)
        made = self.take(form)
        if self._tries == self.breaks_at:
            return error(500, 20500)
        return None if self._tries == self.hang_up_at else Answer.of_json(201, made)


def error(status: int, code: int, message: str = "no") -> Answer:
    """A refusal in Twilio's form."""
    told = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return Answer.of_json(status, told | {"status": status})


def fits(text: str, schema: Mapping[str, object]) -> bool:
    """Whether a value is of a published type. Twilio takes no host with an underscore."""
    allowed = schema.get("enum")
    if isinstance(allowed, list) and text not in allowed:
        return False
    if schema.get("format") == "uri":
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and "." in parts.netloc and "_" not in parts.netloc
    if schema.get("type") == "boolean":
        return text in ("true", "false")
    if schema.get("type") in ("integer", "number"):
        return text.isdecimal()
    return re.fullmatch(str(schema.get("pattern", ".*")), text, re.DOTALL) is not None


@contextmanager
def running(account: Account, **settings: str) -> Iterator[PluginConfig]:
    """The account at an address of this machine; the settings that reach it, beside those that are given."""
    with standing_in(account.answer) as address:
        plain = {"account_sid": ACCOUNT, "api_base": address, "timeout": "5"}
        yield PluginConfig(plain | settings, {"auth_token": TOKEN})


def signed(request: InboundRequest, token: str = TOKEN) -> InboundRequest:
    """The request as Twilio signs it: HMAC-SHA1 of the address and the sorted form
    (https://www.twilio.com/docs/usage/security#validating-requests)."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    text = request.url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    headers = {**request.headers, "x-twilio-signature": base64.b64encode(digest).decode()}
    return replace(request, headers=headers)
