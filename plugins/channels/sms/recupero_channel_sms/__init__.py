"""Text messages through Twilio: segments counted and priced, each key once, signed news and answers."""

from recupero_channel_sms.connector import Sms
from recupero_sdk import hookimpl
from recupero_sdk.channels import Channel

__all__ = ["Sms", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """The connector for text messages."""
    return [Sms()]
