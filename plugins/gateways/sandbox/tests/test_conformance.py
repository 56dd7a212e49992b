"""The sandbox proves what the SDK's conformance kit asks of every gateway."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from recupero_sandbox.gateway import Sandbox

from recupero_sdk.conformance.gateway import GatewayConformance, Mood
from recupero_sdk.gateways import PaymentEventKind
from recupero_sdk.settings import PluginConfig


class TestConformance(GatewayConformance):
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
