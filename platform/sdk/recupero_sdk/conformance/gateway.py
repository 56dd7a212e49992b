"""What a payment gateway must prove. Its tests subclass `GatewayConformance` and bring a stand-in provider
that speaks the real protocol, and signed events as the provider sends them:

    class TestConformance(GatewayConformance):
        gateway = Example()
        readme = ROOT / "README.md"

        @contextmanager
        def provider(self, mood: Mood) -> Iterator[PluginConfig]: ...

        def signed(self, kind, config, at) -> tuple[bytes, Mapping[str, str]]: ...

A gateway that asks nobody to make a charge sets `asks_nobody = True`. One that saves cards (`SavesMethods`)
proves that, too: its tests subclass `saving.SavingConformance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal, get_args

import pytest

from recupero_sdk.gateways import (
    ChargeRequest,
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    InvalidSignature,
    PaymentEventKind,
    SavesMethods,
    StaleEvent,
)
from recupero_sdk.settings import PluginConfig

#: `busy` answers that it cannot now, `refuses` that the request or the set-up is wrong.
Mood = Literal["works", "busy", "refuses"]
MOODS: tuple[Mood, ...] = get_args(Mood)
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)
REQUEST = ChargeRequest(
    idempotency_key="7-41-1",
    amount_minor=125_000,
    currency="CLP",
    description="Tienda Ñandú",
    success_url="https://pay.example.com/p/abc/thanks",
    metadata={"recupero_tenant": "7", "recupero_charge": "41"},
)
_SECRET_WORDS = ("password", "token", "secret", "api_key")


class GatewayConformance:
    """What every gateway proves, one method each; a failure message says what to do."""

    gateway: ClassVar[Gateway]
    readme: ClassVar[Path]
    request: ClassVar[ChargeRequest] = REQUEST
    asks_nobody: ClassVar[bool] = False
    proves_saving: ClassVar[bool] = False

    def provider(self, mood: Mood) -> AbstractContextManager[PluginConfig]:
        """A stand-in provider in that mood, and the configuration that reaches it. Written by the plug-in."""
        raise AssertionError(f"write provider(): a stand-in that {mood}")

    def signed(
        self, kind: PaymentEventKind, config: PluginConfig, at: datetime
    ) -> tuple[bytes, Mapping[str, str]]:
        """Body and headers of an event about `request`, signed at `at` as the provider signs it."""
        raise AssertionError("write signed(): an event as the provider sends it")

    def test_it_is_a_gateway(self) -> None:
        assert isinstance(self.gateway, Gateway), "implement key, settings and the four methods"
        assert self.gateway.key.isidentifier(), "key: a short word such as stripe"

    def test_what_it_saves_is_proven(self) -> None:
        if isinstance(self.gateway, SavesMethods):
            assert self.proves_saving, "it saves payment methods: let its tests subclass SavingConformance"

    def test_settings_are_named_once_and_secrets_are_marked(self) -> None:
        names = [setting.name for setting in self.gateway.settings]
        assert len(names) == len(set(names)), "two settings share a name"
        shown = [
            setting.name
            for setting in self.gateway.settings
            if not setting.secret and any(word in setting.name for word in _SECRET_WORDS)
        ]
        assert not shown, f"mark as secret=True: {', '.join(shown)}"

    def test_a_missing_setting_is_named(self) -> None:
        for setting in self.gateway.settings:
            if setting.required:
                with pytest.raises(GatewayRefused) as raised:
                    self.gateway.create_charge(self.request, PluginConfig())
                assert any(one.name in str(raised.value) for one in self.gateway.settings), (
                    f"the refusal must name the setting that is missing: {raised.value}"
                )

    def test_one_key_makes_one_charge(self) -> None:
        with self.provider("works") as config:
            first = self.gateway.create_charge(self.request, config)
            again = self.gateway.create_charge(self.request, config)
        assert first == again, "the same idempotency key must give the same charge"
        assert first.reference, "a charge has the provider's reference"
        assert first.url.startswith(("https://", "http://")), "a charge has the address where the debtor pays"

    def test_another_key_makes_another_charge(self) -> None:
        with self.provider("works") as config:
            first = self.gateway.create_charge(self.request, config)
            other = self.gateway.create_charge(replace(self.request, idempotency_key="7-41-2"), config)
        assert first.reference != other.reference, "another idempotency key is another charge"

    def test_an_outage_is_unavailable(self) -> None:
        if not self.asks_nobody:
            with self.provider("busy") as config, pytest.raises(GatewayUnavailable):
                self.gateway.create_charge(self.request, config)

    def test_a_wrong_request_is_refused(self) -> None:
        if not self.asks_nobody:
            with self.provider("refuses") as config, pytest.raises(GatewayRefused) as raised:
                self.gateway.create_charge(self.request, config)
            told = [secret for secret in config.secrets.values() if secret and secret in str(raised.value)]
            assert not told, "a refusal is shown to operators: it must not tell a secret"

    def test_a_cancelled_charge_can_be_cancelled_again(self) -> None:
        with self.provider("works") as config:
            made = self.gateway.create_charge(self.request, config)
            self.gateway.cancel_charge(made.reference, config)
            self.gateway.cancel_charge(made.reference, config)

    def test_events_come_back_as_they_were_meant(self) -> None:
        with self.provider("works") as config:
            for kind in (PaymentEventKind.SUCCEEDED, PaymentEventKind.FAILED):
                body, headers = self.signed(kind, config, NOW)
                event = self.gateway.read_event(body, headers, config, now=NOW)
                assert event.kind is kind
                assert event.event_id == self.gateway.raw_event_id(body), "raw_event_id must be event_id"
                assert dict(event.metadata) == dict(self.request.metadata), "metadata must come back"
                if kind is PaymentEventKind.SUCCEEDED:
                    money = (event.amount_minor, event.currency)
                    assert money == (self.request.amount_minor, self.request.currency)
                    assert event.payment_reference, "a payment has the provider's reference"

    def test_a_forged_event_is_refused(self) -> None:
        with self.provider("works") as config:
            body, headers = self.signed(PaymentEventKind.SUCCEEDED, config, NOW)
            with pytest.raises(InvalidSignature):
                self.gateway.read_event(body + b" ", headers, config, now=NOW)
            with pytest.raises(InvalidSignature):
                self.gateway.read_event(body, {}, config, now=NOW)

    def test_another_secret_is_refused(self) -> None:
        with self.provider("works") as config:
            body, headers = self.signed(PaymentEventKind.SUCCEEDED, config, NOW)
            changed = {name: value[::-1] + "x" for name, value in config.secrets.items()}
            for other in (replace(config, secrets=changed), replace(config, secrets={})):
                with pytest.raises(InvalidSignature):
                    self.gateway.read_event(body, headers, other, now=NOW)

    def test_an_old_event_is_refused(self) -> None:
        with self.provider("works") as config:
            body, headers = self.signed(PaymentEventKind.SUCCEEDED, config, NOW)
            with pytest.raises(StaleEvent):
                self.gateway.read_event(body, headers, config, now=NOW + timedelta(days=1))

    def test_the_readme_says_how_to_set_it_up_and_remove_it(self) -> None:
        text = self.readme.read_text(encoding="utf-8").lower()
        missing = [setting.name for setting in self.gateway.settings if setting.name not in text]
        assert not missing, f"README: explain the settings {', '.join(missing)}"
