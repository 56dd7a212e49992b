"""WhatsApp through Meta's Cloud API: free text while the window is open, approved templates outside it,
signed news and answers."""

from recupero_channel_whatsapp.connector import WhatsApp
from recupero_sdk import hookimpl
from recupero_sdk.channels import Channel

__all__ = ["WhatsApp", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """The connector for WhatsApp."""
    return [WhatsApp()]
