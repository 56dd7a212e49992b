"""A connector that sends nothing: messages stay in the platform, where an operator reads them."""

from collections.abc import Sequence

from recupero_sdk import hookimpl
from recupero_sdk.channels import Capabilities, Channel, Message, Receipt, SendOutcome
from recupero_sdk.settings import PluginConfig, Setting


class Outbox:
    """Accepts every message. The core has kept its words before it comes here."""

    key = "outbox"
    capabilities = Capabilities(channels=("email", "sms", "whatsapp", "letter"), batch_size=1000)
    settings: Sequence[Setting] = ()

    def check(self, config: PluginConfig) -> str | None:
        """Nothing can be wrong with it."""
        return None

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Every message would be taken."""
        return [Receipt(message.key, SendOutcome.SENT) for message in messages]

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """A receipt for each; the reference is the message's own key, so that a repeated one is the same."""
        return [
            Receipt(message.key, SendOutcome.SENT, reference=f"outbox-{message.key}") for message in messages
        ]


@hookimpl
def register_channels() -> list[Channel]:
    """The outbox."""
    return [Outbox()]
