"""Letters: a PDF each, batches for the print shop, and the list of what the post brought back."""

from recupero_channel_letter.connector import Letter
from recupero_sdk import hookimpl
from recupero_sdk.channels import Channel

__all__ = ["Letter", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """The connector for letters."""
    return [Letter()]
