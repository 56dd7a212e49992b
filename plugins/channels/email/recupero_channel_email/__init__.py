"""E-mail: out over SMTP, signed; back through a mailbox or a webhook."""

from recupero_channel_email.connector import Email
from recupero_sdk import hookimpl
from recupero_sdk.channels import Channel

__all__ = ["Email", "register_channels"]


@hookimpl
def register_channels() -> list[Channel]:
    """The connector for e-mail."""
    return [Email()]
