"""The outbox proves what the SDK's conformance kit asks of every channel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recupero_channel_outbox import Outbox, register_channels

from recupero_sdk.conformance.channel import ChannelConformance, Mood, Provider
from recupero_sdk.settings import PluginConfig


class TestConformance(ChannelConformance):
    channel = Outbox()
    readme = Path(__file__).parents[1] / "README.md"
    recipient = "deudor@example.com"

    @contextmanager
    def provider(self, mood: Mood) -> Iterator[Provider]:
        yield Provider(PluginConfig(), list)


def test_it_carries_every_channel_that_words_go_by() -> None:
    (outbox,) = register_channels()
    assert set(outbox.capabilities.channels) == {"email", "sms", "whatsapp", "letter"}
