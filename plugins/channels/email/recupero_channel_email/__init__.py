"""E-mail over SMTP: one connection a batch, an honest outcome for each message."""

from recupero_channel_email.connector import Email
from recupero_sdk import hookimpl
from recupero_sdk.channels import Channel

__all__ = ["Email", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """The SMTP connector."""
    return [Email()]
