"""The sandbox proves what the SDK's conformance kit asks of every gateway."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from recupero_sandbox.gateway import CARDS, Sandbox

from recupero_sdk.conformance.gateway import Mood
from recupero_sdk.conformance.saving import SavingConformance
from recupero_sdk.gateways import Charge, Outcome, PaymentEventKind, SavedMethod
from recupero_sdk.settings import PluginConfig


class TestConformance(SavingConformance):
    gateway = Sandbox()
    readme = Path(__file__).parents[1] / "README.md"
    asks_nobody = True

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[PluginConfig]:
        yield PluginConfig(secrets={"signing_secret": "hush"})

    def signed(
        self, kind: PaymentEventKind, config: PluginConfig, at: datetime
    ) -> tuple[bytes, Mapping[str, str]]:
        charge = self.gateway.create_charge(self.request, config)
        return Sandbox().pretend(charge, self.request, kind, config, now=at)

    def saved(self, outcome: Outcome, config: PluginConfig) -> SavedMethod:
        found = self.gateway.saved_method(
            next(card for card, ends in CARDS.items() if ends is outcome), config
        )
        assert found is not None
        return found

    def consented(self, page: Charge, config: PluginConfig, at: datetime) -> tuple[bytes, Mapping[str, str]]:
        """The platform's page tells which card was chosen."""
        metadata = {**self.setup.metadata, "sandbox_card": "card_good"}
        chosen = replace(self.request, amount_minor=0, metadata=metadata)
        return Sandbox().pretend(page, chosen, PaymentEventKind.METHOD_SAVED, config, now=at)
