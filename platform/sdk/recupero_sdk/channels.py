"""What a channel connector implements.

A channel of law (call, sms, email, whatsapp, letter, visit) is what statutes speak of; a connector is the
software that carries messages for it. `outbox` carries any of them to a page that an operator reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from recupero_sdk.settings import PluginConfig, Setting


class SendOutcome(StrEnum):
    """What came of one message."""

    SENT = "sent"
    RETRY = "retry"  # not sent, may be tried again later: provider down, rate limit
    REFUSED = "refused"  # not sent, the set-up is wrong: a person must look
    PERMANENT = "permanent"  # not sent, this address will never work


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message, ready to go.

    `key` is unique for the contact: a connector that is handed the same key twice must not send twice where
    its protocol lets it know (it goes out as Message-ID or the provider's idempotency key).
    """

    key: str
    channel: str
    recipient: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    language: str = "es"
    sender_name: str = ""
    reply_to: str | None = None
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer for one message: `reference` is the provider's id, `reason` says why it was not sent (no
    personal data in it).

    `UNKNOWN` does not exist here: a connector that cannot tell raises `Uncertain`, and the core books
    `unknown`.
    """

    key: str
    outcome: SendOutcome
    reference: str | None = None
    reason: str | None = None


class Uncertain(Exception):
    """Raised by `Channel.send` where it cannot know what was sent: a connection broke while a message was on
    its way. `receipts` are those it is sure of; every other message of the call is in doubt."""

    def __init__(self, reason: str, receipts: Sequence[Receipt] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.receipts = list(receipts)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the connector can do; quiet hours and caps are the law's, not the connector's."""

    channels: tuple[str, ...]
    two_way: bool = False
    confirms_delivery: bool = False
    batch_size: int = 200
    unit_cost_minor: int = 0
    cost_currency: str = "USD"


@runtime_checkable
class Channel(Protocol):
    """A connector. Objects are made once per process and used by one thread at a time."""

    key: str
    capabilities: Capabilities
    settings: Sequence[Setting]

    def check(self, config: PluginConfig) -> str | None:
        """Why this configuration cannot work, in plain words, or None. Sends nothing."""
        ...

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Carry the messages out over one connection where the protocol has one.

        Returns one receipt per message in the same order. Raises `Uncertain` where it cannot know what was
        sent; any other exception leaves every message of the call in doubt.
        """
        ...
