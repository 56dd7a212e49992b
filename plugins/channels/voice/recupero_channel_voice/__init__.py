"""Calls through Twilio: placed with machine detection, led turn by turn, connected to people."""

from recupero_channel_voice.connector import Voice
from recupero_sdk import hookimpl
from recupero_sdk.channels import Channel

__all__ = ["Voice", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """The connector for calls."""
    return [Voice()]
