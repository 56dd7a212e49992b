"""What a channel connector implements.

A channel of law (call, sms, email, whatsapp, letter, visit) is what statutes speak of; a connector is the
software that carries messages for it. `outbox` carries any of them to a page that an operator reads.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from recupero_sdk.settings import PluginConfig, Setting

#: A telephone number as providers want it.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


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

    `template` names the house's words (`first_notice`, …), `values` holds what was filled in, for providers
    that want an approved template of their own. `heard_at` is when this person last wrote to us over this
    connector. `callback_url` is where the provider may tell what became of it, an address that names the
    message in its query; empty where the connector listens to nothing. `code` is the short code that stands
    in the message. `dated` is the day of its writing by the person's own clock.
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
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    heard_at: datetime | None = None
    callback_url: str = ""
    code: str = ""
    answers: str | None = None  # the provider's reference of the person's message that this one answers
    dated: date | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a message costs: `units` is what the provider counts (segments, seconds, sheets), `amount` is in
    millionths of the currency's main unit, since a message costs less than its smallest coin."""

    amount_micro: int
    currency: str
    units: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer for one message: `reference` is the provider's id, `reason` says why it was not sent (no
    personal data in it).

    `UNKNOWN` does not exist here: a connector that cannot tell raises `Uncertain`, and the core books
    `unknown`. `for_all`: what was refused is the account, whatever it is handed (its credentials, its
    permission, its settings): the core keeps such messages and hands nothing over for a while, until the
    agency has mended it. Without it this one message was refused. `opted_out`: it was not sent because the
    person told the provider that they want no more of ours; the channel is closed to them, and their address
    stays as good as it was.
    """

    key: str
    outcome: SendOutcome
    reference: str | None = None
    reason: str | None = None
    cost: Cost | None = None
    opted_out: bool = False
    for_all: bool = False


class Uncertain(Exception):
    """Raised by `Channel.send` where it cannot know what was sent: a connection broke while a message was on
    its way. `receipts` are those it is sure of; every other message of the call is in doubt."""

    def __init__(self, reason: str, receipts: Sequence[Receipt] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.receipts = list(receipts)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the connector can do; quiet hours and caps are the law's, not the connector's.

    `per_second` is how many messages a provider account takes, `concurrency` how many `send` calls at once;
    None is no limit. A connector whose limit is a matter of the account names the settings `per_second` and
    `concurrency`, which then count instead; one that carries only some of its `channels` for an account names
    the setting `channels` (see `carried`). `unit_cost_minor` is the usual price for planning.
    """

    channels: tuple[str, ...]
    two_way: bool = False
    confirms_delivery: bool = False
    batch_size: int = 200
    unit_cost_minor: int = 0
    cost_currency: str = "USD"
    per_second: float | None = None
    concurrency: int | None = None


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


@runtime_checkable
class DryRuns(Protocol):
    """Tells beforehand what `send` would do, for previews and prices. The kit asks it of every connector."""

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """The receipts that `send` would give as far as the connector knows by itself (no reference), with
        the cost where it has a price. Hands nothing to anybody."""
        ...


@runtime_checkable
class Rewords(Protocol):
    """May send words that somebody else approved in place of the house's."""

    def worded(self, message: Message, config: PluginConfig) -> str | None:
        """What the person would read where that is not `message.text`; as much of it as the connector knows.
        None: the house's words go as they are, or nothing would go. The law's required words are looked for
        in it before anything is sent."""
        ...


@runtime_checkable
class Closes(Protocol):
    """Carries what a person writes only for a while after the other wrote, and approved words later."""

    def closes_at(self, message: Message, config: PluginConfig) -> datetime | None:
        """From when on the message's words are not carried any more, by its template, language and
        `heard_at`; None: they are at any time."""
        ...


def carried(channel: Channel, config: PluginConfig) -> tuple[str, ...]:
    """The channels of law that a connector carries as it is set up: those named in its setting `channels`,
    with commas, where it has one that is filled in; otherwise all that it can."""
    names = channel.capabilities.channels
    if not any(setting.name == "channels" for setting in channel.settings):
        return names
    told = {name.strip() for name in config.get("channels").split(",")} - {""}
    return tuple(name for name in names if name in told) if told else names
