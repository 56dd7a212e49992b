"""What a connector that hears, or that leads calls, must prove beside `channel`'s kit. Its tests sign
requests as the provider does:

    class TestInbound(ListensConformance):
        channel = Example()

        def config(self) -> PluginConfig: ...
        def bodies(self) -> Mapping[str, bytes]: ...
        def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest: ...

`ConversesConformance` asks for the same, of the requests of a call.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from recupero_sdk.inbound import (
    CallEvent,
    CallTurn,
    Converses,
    InboundAnswer,
    InboundRequest,
    Listens,
    Rejected,
)
from recupero_sdk.settings import PluginConfig

KEY = "7-41"
_GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "no text": b"\xff\xfe\x00\x01",
    "words": b"nonsense",
    "an empty object": b"{}",
    "a list": b"[1, 2, 3]",
    "markup": b"<html><script>alert(1)</script></html>",
    "a form without meaning": b"a=1&b=2",
    "half an escape": b"MessageSid=%E0%A4%A&x=%",
    "deep": b"[" * 2000,
}
#: What any provider can sign and no connector reads.
_KEPT = ("words", "an empty object", "a list", "deep")


class InboundConformance:
    """What both kits share: how a request is made, and that only a rightly signed one is believed."""

    channel: ClassVar[Any]
    content_type: ClassVar[str] = "application/x-www-form-urlencoded"
    #: False where the provider signs the body alone, so that the address is not covered.
    signs_url: ClassVar[bool] = True
    path: ClassVar[str] = ""

    def config(self) -> PluginConfig:
        """A configuration with the secret that `sign` uses. Written by the plug-in's tests."""
        raise AssertionError("write config(): the settings and the secret that signs")

    def bodies(self) -> Mapping[str, bytes]:
        """Bodies as the provider sends them, by what they tell."""
        raise AssertionError("write bodies(): what the provider sends")

    def sign(self, request: InboundRequest, config: PluginConfig) -> InboundRequest:
        """The request with the provider's signature."""
        raise AssertionError("write sign(): the request with the header that the provider adds")

    def _read(self, request: InboundRequest, config: PluginConfig) -> Any:
        """What the connector reads in the request. Each of the kits below says how."""
        raise AssertionError("take ListensConformance or ConversesConformance, not what they share")

    def _ids(self, request: InboundRequest, config: PluginConfig) -> list[str]:
        """The provider's ids in the request, in its order. Each of the kits below says how."""
        raise AssertionError("take ListensConformance or ConversesConformance, not what they share")

    def request(self, body: bytes, query: str = "") -> InboundRequest:
        """An unsigned request to the platform's door for this connector."""
        url = f"https://agency.example.com/channels/{self.channel.key}/tienda{self.path}{query}"
        headers = {"content-type": self.content_type, "host": "agency.example.com"}
        return InboundRequest("POST", url, headers, dict(parse_qsl(urlsplit(url).query)), body)

    def _signed(self) -> Iterator[tuple[str, InboundRequest]]:
        for name, body in self.bodies().items():
            yield name, self.sign(self.request(body, self._query()), self.config())

    def _query(self) -> str:
        return ""

    def _rejected(self, request: InboundRequest, config: PluginConfig, why: str) -> Rejected:
        with pytest.raises(Rejected) as raised:
            pytest.fail(f"{why} was believed: {self._read(request, config)!r}")
        for secret in config.secrets.values():
            assert not secret or secret not in str(raised.value), "a rejection must not tell a secret"
        return raised.value

    def test_a_changed_body_is_rejected(self) -> None:
        for name, request in self._signed():
            changed = replace(request, body=request.body + b"&x=1")
            self._rejected(changed, self.config(), f"{name} with a changed body")

    def test_a_changed_address_is_rejected(self) -> None:
        for name, request in self._signed():
            if self.signs_url:
                url = request.url.replace("/tienda", "/otra-tienda")
                self._rejected(replace(request, url=url), self.config(), f"{name} sent to another tenant")

    def test_a_request_without_signature_is_rejected(self) -> None:
        for name, body in self.bodies().items():
            found = self._rejected(self.request(body, self._query()), self.config(), f"{name} unsigned")
            assert found.status == 401, "a wrong signature is answered with 401"

    def test_a_request_signed_with_another_key_is_rejected(self) -> None:
        config = self.config()
        other = {name: value[::-1] + "x" for name, value in config.secrets.items()}
        for name, request in self._signed():
            for secrets in (other, {}):
                self._rejected(request, replace(config, secrets=secrets), f"{name} of another key")

    def test_an_odd_address_raises_nothing_but_rejected(self) -> None:
        config, known = self.config(), self.request(b"").url
        for url in (known.replace(".com/", ".com:99999/"), "https://[::1/channels", "nonsense", ""):
            for body in self.bodies().values():
                asked = replace(self.sign(self.request(body), config), url=url)
                with suppress(Rejected):
                    self._read(asked, config)

    def test_a_replay_gives_the_same_ids(self) -> None:
        config = self.config()
        for name, request in self._signed():
            first, again = self._ids(request, config), self._ids(request, config)
            assert first == again, f"{name}: told twice it must have the same ids, so that it counts once"
            assert all(first), f"{name}: an event has an id"

    def test_garbage_is_rejected(self) -> None:
        config = self.config()
        for name, body in _GARBAGE.items():
            found = self._rejected(self.sign(self.request(body), config), config, f"garbage ({name})")
            assert found.status == 400, f"signed garbage ({name}) is answered with 400, not {found.status}"

    def test_what_is_signed_and_cannot_be_read_is_kept(self) -> None:
        config = self.config()
        for name in _KEPT:
            found = self._rejected(self.sign(self.request(_GARBAGE[name]), config), config, f"{name}")
            assert [one.content for one in found.unread] == [_GARBAGE[name].decode()], (
                f"raise request.unreadable(...) for what is signed and cannot be read ({name})"
            )

    def test_a_broken_body_raises_nothing_but_rejected(self) -> None:
        config, chance = self.config(), random.Random(7)  # noqa: S311 - the same breaks every time
        for body in self.bodies().values():
            for _ in range(40):
                cut = chance.randrange(len(body))
                noise = bytes(chance.randrange(256) for _ in range(3))
                broken = self.request(body[:cut] + chance.choice((b"", noise)), self._query())
                with suppress(Rejected):
                    self._read(self.sign(broken, config), config)


class ListensConformance(InboundConformance):
    """What a connector proves whose provider calls us with news."""

    def _read(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        answer = self.channel.hear(request, config)
        assert isinstance(answer, InboundAnswer)
        return answer

    def _ids(self, request: InboundRequest, config: PluginConfig) -> list[str]:
        return [event.id for event in self._read(request, config).events]

    def test_it_listens(self) -> None:
        assert isinstance(self.channel, Listens), "implement hear()"

    def test_a_signed_request_gives_its_events(self) -> None:
        for name, request in self._signed():
            answer = self._read(request, self.config())
            assert answer.events, f"{name}: no event was read"
            assert answer.status == 200, f"{name}: the provider is answered with 200"
            ids = [event.id for event in answer.events]
            assert len(ids) == len(set(ids)), f"{name}: two events share an id"

    def test_different_news_have_different_ids(self) -> None:
        ids = [one for _, request in self._signed() for one in self._ids(request, self.config())]
        assert len(ids) == len(set(ids)), "two different callbacks share an event id: one would be lost"


class ConversesConformance(InboundConformance):
    """What a connector proves that leads calls: `bodies` are a call's requests in their order."""

    path = "/call"

    def _query(self) -> str:
        return f"?key={KEY}"

    def _read(self, request: InboundRequest, config: PluginConfig) -> CallEvent:
        event = self.channel.hear_call(request, config)
        assert isinstance(event, CallEvent)
        return event

    def _ids(self, request: InboundRequest, config: PluginConfig) -> list[str]:
        return [self._read(request, config).id]

    def test_it_converses(self) -> None:
        assert isinstance(self.channel, Converses), "implement hear_call() and say()"

    def test_a_signed_request_says_where_the_call_stands(self) -> None:
        for name, request in self._signed():
            event = self._read(request, self.config())
            assert event.key == KEY, f"{name}: the event carries our message's key"
            assert event.reference, f"{name}: the event carries the provider's id of the call"

    def test_every_kind_of_turn_can_be_said(self) -> None:
        turns = (
            CallTurn("Buenos días & <gracias>", "es-CL"),
            CallTurn("Marque uno", "es-MX", listens=True, hints=("sí", "no")),
            CallTurn("Digite seu código", "pt-BR", listens=True, digits=0, wait_seconds=9),
            CallTurn("One moment", "en-US", transfer_to="+56221234567"),
            CallTurn("Se graba", "es", listens=True, record=True),
            CallTurn("Marque uno", "es", listens=True, first="Debo decirle & <gracias>"),
        )
        _, request = next(self._signed())
        for turn in turns:
            answer = self.channel.say(turn, request, self.config())
            assert answer.status == 200
            assert answer.body, "a turn is said in the provider's language"
            assert "<gracias>" not in answer.body, "words must be escaped"
