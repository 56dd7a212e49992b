"""The e-mail connector proves what the SDK's conformance kit asks of every channel."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recupero_channel_email import Email

from recupero_sdk.conformance.channel import Mood, Provider, ProviderConformance

sys.path.insert(0, str(Path(__file__).parent))
from relay import Relay, running

ANSWERS = {
    "works": Relay,
    "busy": lambda: Relay(rcpt={0: "451 4.7.1 Greylisted, <deudor@example.com> come back later"}),
    "refuses": lambda: Relay(mail="554 5.7.1 <cobranza@agencia.example.com> may not send here"),
    "no_such_address": lambda: Relay(rcpt={2: "550 5.1.1 <deudor@example.com> unknown user"}),
    "hangs_up": lambda: Relay(hang_up_at=2),
}


class TestConformance(ProviderConformance):
    channel = Email()
    readme = Path(__file__).parents[1] / "README.md"
    recipient = "deudor@example.com"

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[Provider]:
        relay = ANSWERS[mood]()
        with running(relay) as config:
            yield Provider(config, lambda: [str(letter["Message-ID"]) for letter in relay.arrived])
