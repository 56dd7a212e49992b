"""Whatever an agency has of its own: messages go to it as signed JSON, and news come back the same way."""

from recupero_channel_webhook.connector import Webhook
from recupero_sdk import hookimpl
from recupero_sdk.channels import Channel

__all__ = ["Webhook", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """The connector to an agency's own system."""
    return [Webhook()]
