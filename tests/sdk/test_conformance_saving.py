"""The kit for gateways that save cards passes a careful one and finds out a careless one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from recupero_sandbox.gateway import Sandbox

from recupero_sdk.conformance.gateway import GatewayConformance, Mood
from recupero_sdk.conformance.saving import SavingConformance
from recupero_sdk.gateways import (
    Charge,
    GatewayRefused,
    GatewayUnavailable,
    Outcome,
    PaymentEvent,
    PaymentEventKind,
    SavedCharge,
    SavedChargeRequest,
    SavedMethod,
    SetupRequest,
)
from recupero_sdk.settings import PluginConfig

README = Path(__file__).parents[2] / "plugins/gateways/sandbox/README.md"


class Careful(Sandbox):
    """The sandbox with a provider that keeps cards and may be away."""

    def __init__(self) -> None:
        self.mood: Mood = "works"
        self.cards: dict[str, Outcome] = {}
        self.made: dict[str, SavedCharge] = {}
        self.numbers = count(1)

    def ask_consent(self, request: SetupRequest, config: PluginConfig) -> Charge:
        self.ask()
        return super().ask_consent(request, config)

    def saved_method(self, reference: str, config: PluginConfig) -> SavedMethod | None:
        return SavedMethod("cus_1", reference) if reference in self.cards else None

    def charge_saved(self, request: SavedChargeRequest, config: PluginConfig) -> SavedCharge:
        self.ask()
        ends = self.cards.get(request.method, Outcome.GONE)
        if ends is not Outcome.SUCCEEDED:
            return self.refused(ends)
        name = self.name(request)
        return self.made.setdefault(name, SavedCharge(ends, f"pi_{next(self.numbers)}"))

    def forget(self, method: str, config: PluginConfig) -> None:
        self.cards.pop(method, None)

    def ask(self) -> None:
        if self.mood == "busy":
            raise GatewayUnavailable("away")
        if self.mood == "refuses":
            raise GatewayRefused("wrong key")

    def name(self, request: SavedChargeRequest) -> str:
        return request.idempotency_key

    def refused(self, ends: Outcome) -> SavedCharge:
        return SavedCharge(ends, reason="card_declined")


class Doubling(Careful):
    def name(self, request: SavedChargeRequest) -> str:
        return f"{request.idempotency_key}-{request.again}"


class Careless(Careful):
    def name(self, request: SavedChargeRequest) -> str:
        return f"{next(self.numbers)}"


class Raising(Careful):
    def refused(self, ends: Outcome) -> SavedCharge:
        raise GatewayRefused("the card was declined")


class Flat(Careful):
    def refused(self, ends: Outcome) -> SavedCharge:
        return SavedCharge(Outcome.DECLINED, reason="no")


class Keeping(Careful):
    def forget(self, method: str, config: PluginConfig) -> None:
        """Keeps it."""


class Hiding(Careful):
    def ask(self) -> None:
        """Takes an outage for a page that was made."""


class Losing(Careful):
    def read_event(
        self, body: bytes, headers: Mapping[str, str], config: PluginConfig, *, now: datetime
    ) -> PaymentEvent:
        return replace(super().read_event(body, headers, config, now=now), metadata={})


class TestSaving(SavingConformance):
    gateway = Careful()
    readme = README

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[PluginConfig]:
        self.gateway.mood, self.gateway.cards, self.gateway.made = mood, {}, {}
        yield PluginConfig(secrets={"signing_secret": "hush"})

    def signed(
        self, kind: PaymentEventKind, config: PluginConfig, at: datetime
    ) -> tuple[bytes, Mapping[str, str]]:
        charge = self.gateway.create_charge(self.request, config)
        return self.gateway.pretend(charge, self.request, kind, config, now=at)

    def saved(self, outcome: Outcome, config: PluginConfig) -> SavedMethod:
        self.gateway.cards[f"pm_{outcome}"] = outcome
        return SavedMethod("cus_1", f"pm_{outcome}")

    def consented(self, page: Charge, config: PluginConfig, at: datetime) -> tuple[bytes, Mapping[str, str]]:
        method = self.saved(Outcome.SUCCEEDED, config).method
        metadata = {**self.setup.metadata, "sandbox_card": method}
        chosen = replace(self.request, amount_minor=0, metadata=metadata)
        return self.gateway.pretend(page, chosen, PaymentEventKind.METHOD_SAVED, config, now=at)

    def test_an_outage_is_unavailable(self) -> None:
        """The sandbox's charges ask nobody; its cards do."""

    def test_a_wrong_request_is_refused(self) -> None:
        """As above."""


@pytest.mark.parametrize(
    ("gateway", "test", "told"),
    [
        (Doubling, "test_one_key_charges_once", "is found, not made anew"),
        (Careless, "test_one_key_charges_once", "must charge once"),
        (Flat, "test_what_a_bank_refuses_is_an_answer", "needs_payer was told as declined"),
        (Keeping, "test_a_forgotten_method_is_not_charged_any_more", "forget must detach it"),
        (Losing, "test_a_consent_comes_back_with_its_method", "metadata must come back"),
        (Hiding, "test_an_outage_while_charging_is_unavailable", "DID NOT RAISE"),
        (Hiding, "test_an_outage_while_asking_is_unavailable_and_a_wrong_set_up_refused", "DID NOT RAISE"),
    ],
)
def test_a_careless_gateway_is_found_out(gateway: type[Careful], test: str, told: str) -> None:
    kit = type("Kit", (TestSaving,), {"gateway": gateway()})()
    with pytest.raises((AssertionError, pytest.fail.Exception), match=told):
        getattr(kit, test)()


def test_a_refusal_that_is_raised_is_found_out() -> None:
    kit = type("Kit", (TestSaving,), {"gateway": Raising()})()
    with pytest.raises(GatewayRefused):
        kit.test_what_a_bank_refuses_is_an_answer()


def test_who_saves_cards_is_not_exempt_from_proving_it() -> None:
    kit = type("Kit", (GatewayConformance,), {"gateway": Careful(), "readme": README})()
    with pytest.raises(AssertionError, match="let its tests subclass SavingConformance"):
        kit.test_what_it_saves_is_proven()
