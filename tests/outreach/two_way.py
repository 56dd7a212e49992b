"""A connector that hears: signed news, messages, a mailbox to be asked, files. And its provider's side."""

import hmac
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.tenancy import service as tenancy
from recupero_sdk.channels import Capabilities, Cost, Message, Receipt, SendOutcome, Uncertain
from recupero_sdk.inbound import (
    Attachment,
    Collected,
    Event,
    Fate,
    FileRead,
    InboundAnswer,
    InboundRequest,
    MessageEvent,
    Rejected,
    StatusEvent,
    Unread,
)
from recupero_sdk.settings import PluginConfig, Setting

KEY = "pigeon"
_CAPABILITIES = Capabilities(channels=("sms", "whatsapp", "email"), two_way=True, confirms_delivery=True)


@dataclass
class Pigeon:
    """Signs with the setting `secret`. `mailbox` is what `collect` finds; `sent` is what went out."""

    key: str = KEY
    capabilities: Capabilities = _CAPABILITIES
    settings: Sequence[Setting] = (Setting("secret", "Secret", required=True, secret=True),)
    sent: list[Message] = field(default_factory=list)
    mailbox: list[Event] = field(default_factory=list)
    away: bool = False
    loses: bool = False
    cost: Cost | None = None

    def check(self, config: PluginConfig) -> str | None:
        return None if config.get("secret") else "the secret is missing"

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        self.sent += messages
        if self.loses:
            raise Uncertain("the line broke")
        return [
            Receipt(message.key, SendOutcome.SENT, f"ref-{message.key}", cost=self.cost)
            for message in messages
        ]

    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        if request.method == "GET":
            if request.query.get("token") != config.get("secret"):
                raise Rejected("the token is wrong")
            return InboundAnswer(body=request.query["challenge"])
        if not hmac.compare_digest(
            request.headers.get("x-signature", ""), sign(config.get("secret"), request.url, request.body)
        ):
            raise Rejected("the signature does not hold")
        try:
            told = json.loads(request.body)
        except ValueError as error:
            raise request.unreadable("this is no JSON") from error
        if told == "burst":
            raise RuntimeError("the plug-in has a fault")
        known = [one for one in told if "id" in one]
        unread = [Unread.of("an event has no ID", one) for one in told if "id" not in one]
        return InboundAnswer(
            [_event(one) for one in known],
            status=202,
            body="<taken/>",
            content_type="text/xml",
            unread=unread,
        )

    def collect(self, config: PluginConfig, mark: str | None) -> Collected:
        if self.away:
            raise ConnectionRefusedError("nobody is there")
        start = int(mark or 0)
        some = self.mailbox[start : start + 2]
        return Collected(some, str(start + len(some)))

    def read_file(self, content: bytes, config: PluginConfig) -> FileRead:
        lines = content.decode().splitlines()
        if not lines or lines[0] != "reference,reason":
            raise ValueError("the first line must be reference,reason")
        read, problems = list[Event](), list[tuple[int, str]]()
        for number, line in enumerate(lines[1:], 2):
            reference, comma, reason = line.partition(",")
            if comma:
                read.append(StatusEvent(f"file-{reference}", reference, Fate.PERMANENT, reason=reason))
            else:
                problems.append((number, "has no reason"))
        return FileRead(read, problems)


def _event(told: dict[str, Any]) -> Event:
    if "fate" in told:
        cost = told.pop("cost", None)
        return StatusEvent(**{**told, "fate": Fate(told["fate"])}, cost=Cost(*cost) if cost else None)
    files = tuple(
        Attachment(name, kind, size, content.encode("latin-1") if content is not None else None)
        for name, kind, size, content in told.pop("files", [])
    )
    told["answers"] = tuple(told.get("answers", ()))
    return MessageEvent(**told, attachments=files)


def sign(secret: str, url: str, body: bytes) -> str:
    return hmac.new(secret.encode(), url.encode() + body, "sha256").hexdigest()


@dataclass
class Provider:
    """The other side: tells things to the door of one creditor."""

    client: FlaskClient
    scope: Scope
    pigeon: Pigeon
    secret: str = "feathers"

    @property
    def path(self) -> str:
        return f"/channels/{KEY}/{self.scope.tenant()}"

    def tell(self, *told: Any, query: str = "", secret: str | None = None) -> TestResponse:
        """POST events, signed."""
        return self.tell_raw(json.dumps(list(told)).encode(), query=query, secret=secret)

    def tell_raw(self, body: bytes, *, query: str = "", secret: str | None = None) -> TestResponse:
        url = runtime.current().config.base_url + self.path + query
        return self.client.post(
            self.path + query, data=body,
            headers={"X-Signature": sign(secret or self.secret, url, body)},
        )  # fmt: skip


def switch_on(scope: Scope, secret: str = "feathers", *, enabled: bool = True) -> None:
    with runtime.current().database.transaction(scope) as session:
        tenancy.configure_plugin(
            session, kind="channel", key=KEY, enabled=enabled, settings={}, secret_values={"secret": secret},
            actor="system",
        )  # fmt: skip


@contextmanager
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pigeon]:
    """The connector is there for as long as this lasts."""
    pigeon = Pigeon()
    with monkeypatch.context() as patch:
        patch.setitem(runtime.current().plugins.channels, KEY, pigeon)
        yield pigeon
