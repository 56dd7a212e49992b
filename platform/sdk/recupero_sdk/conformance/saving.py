"""What a gateway must prove that saves cards and charges them without their holders (`SavesMethods`). Its
tests subclass `SavingConformance` in place of `GatewayConformance` and bring, beside what that asks for, a
card that its bank answers in a given way, and the event that tells of a consent:

    class TestConformance(SavingConformance):
        ...

        def saved(self, outcome: Outcome, config: PluginConfig) -> SavedMethod: ...

        def consented(self, page, config, at) -> tuple[bytes, Mapping[str, str]]: ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import pytest

from recupero_sdk.conformance.gateway import NOW, GatewayConformance
from recupero_sdk.gateways import (
    Charge,
    GatewayRefused,
    GatewayUnavailable,
    InvalidSignature,
    Outcome,
    PaymentEventKind,
    SavedChargeRequest,
    SavedMethod,
    SavesMethods,
    SetupRequest,
)
from recupero_sdk.settings import PluginConfig

SETUP = SetupRequest(
    idempotency_key="7-consent-5",
    currency="CLP",
    consent="Tienda Ñandú may charge at most $ 30.000 at a time until 6 April 2026.",
    success_url="https://pay.example.com/p/abc/thanks",
    cancel_url="https://pay.example.com/p/abc",
    metadata={"recupero_tenant": "7", "recupero_mandate": "5"},
)
_REFUSALS = (Outcome.DECLINED, Outcome.NEEDS_PAYER, Outcome.GONE)


class SavingConformance(GatewayConformance):
    """What every gateway that saves methods proves, one method each."""

    gateway: ClassVar[SavesMethods]
    setup: ClassVar[SetupRequest] = SETUP
    proves_saving: ClassVar[bool] = True

    def saved(self, outcome: Outcome, config: PluginConfig) -> SavedMethod:
        """A method that is saved at the stand-in, whose bank answers a charge so. Written by the plug-in."""
        raise AssertionError(f"write saved(): a card that ends {outcome}")

    def consented(self, page: Charge, config: PluginConfig, at: datetime) -> tuple[bytes, Mapping[str, str]]:
        """Body and headers of the event that the payer agreed on the page of `setup`, signed at `at`."""
        raise AssertionError("write consented(): the event METHOD_SAVED as the provider sends it")

    def test_it_saves_methods(self) -> None:
        assert isinstance(self.gateway, SavesMethods), "implement all four methods of SavesMethods"

    def test_one_key_asks_for_one_consent(self) -> None:
        with self.provider("works") as config:
            first = self.gateway.ask_consent(self.setup, config)
            again = self.gateway.ask_consent(self.setup, config)
            other = self.gateway.ask_consent(replace(self.setup, idempotency_key="7-consent-6"), config)
        assert first == again, "the same idempotency key must give the same page"
        assert first.reference != other.reference, "another idempotency key is another page"
        assert first.url.startswith(("https://", "http://")), "a consent has the address where it is given"

    def test_an_outage_while_asking_is_unavailable_and_a_wrong_set_up_refused(self) -> None:
        if not self.asks_nobody:
            with self.provider("busy") as config, pytest.raises(GatewayUnavailable):
                self.gateway.ask_consent(self.setup, config)
            with self.provider("refuses") as config, pytest.raises(GatewayRefused):
                self.gateway.ask_consent(self.setup, config)

    def test_a_consent_comes_back_with_its_method(self) -> None:
        with self.provider("works") as config:
            page = self.gateway.ask_consent(self.setup, config)
            body, headers = self.consented(page, config, NOW)
            event = self.gateway.read_event(body, headers, config, now=NOW)
            assert event.kind is PaymentEventKind.METHOD_SAVED
            assert event.amount_minor == 0, "a consent moves no money"
            assert self.setup.metadata.items() <= event.metadata.items(), "metadata must come back"
            assert event.payment_reference, "payment_reference must name what saved_method takes"
            found = self.gateway.saved_method(event.payment_reference, config)
            assert found is not None, "the method that the event names must be there"
            again = self.gateway.saved_method(found.method, config)
            assert again == found, "saved_method must also take SavedMethod.method"
            with pytest.raises(InvalidSignature):
                self.gateway.read_event(body + b" ", headers, config, now=NOW)

    def test_a_method_that_is_not_there_is_none(self) -> None:
        with self.provider("works") as config:
            assert self.gateway.saved_method("pm_unknown", config) is None, "nothing is there to be charged"

    def test_one_key_charges_once(self) -> None:
        with self.provider("works") as config:
            request = self._charge(Outcome.SUCCEEDED, config)
            first = self.gateway.charge_saved(request, config)
            assert first.outcome is Outcome.SUCCEEDED
            assert first.payment_reference, "a payment has the provider's reference"
            again = self.gateway.charge_saved(request, config)
            assert again == first, "the same idempotency key must charge once"
            late = self.gateway.charge_saved(replace(request, again=True), config)
            assert late == first, "`again`: a charge that was made before is found, not made anew"
            metadata = {**request.metadata, "recupero_charge": "42"}
            other = replace(request, idempotency_key="7-42-1", metadata=metadata)
            second = self.gateway.charge_saved(other, config)
            assert second.payment_reference != first.payment_reference, "another key is another payment"

    def test_what_a_bank_refuses_is_an_answer(self) -> None:
        with self.provider("works") as config:
            for outcome in _REFUSALS:
                answer = self.gateway.charge_saved(self._charge(outcome, config), config)
                assert answer.outcome is outcome, f"a card that ends {outcome} was told as {answer.outcome}"
                assert answer.reason, "say the provider's word for a refusal"

    def test_an_outage_while_charging_is_unavailable(self) -> None:
        if not self.asks_nobody:
            with self.provider("works") as config:
                request = self._charge(Outcome.SUCCEEDED, config)
            with self.provider("busy") as config, pytest.raises(GatewayUnavailable):
                self.gateway.charge_saved(request, config)

    def test_a_forgotten_method_is_not_charged_any_more(self) -> None:
        with self.provider("works") as config:
            request = self._charge(Outcome.SUCCEEDED, config)
            self.gateway.forget(request.method, config)
            self.gateway.forget(request.method, config)
            if not self.asks_nobody:
                assert self.gateway.saved_method(request.method, config) is None, "forget must detach it"
                answer = self.gateway.charge_saved(request, config)
                assert answer.outcome is Outcome.GONE, "a forgotten method must not be charged"

    def _charge(self, outcome: Outcome, config: PluginConfig) -> SavedChargeRequest:
        method, asked = self.saved(outcome, config), self.request
        return SavedChargeRequest(
            f"7-41-{outcome}", asked.amount_minor, asked.currency, asked.description, method.customer,
            method.method, metadata=asked.metadata,
        )  # fmt: skip
